/** The endpoint of an instance or a cluster. */
export interface RdsEndpoint {
  readonly host: string;
  readonly port: number | undefined;
  readonly engine: string;
}

/** The calls of the RDS API that a rotation may need. */
export interface RdsPort {
  /** The endpoint of an instance. @throws RdsFailed, DriverMissing */
  instance(arn: string): Promise<RdsEndpoint>;
  /** The endpoint of a cluster. @throws RdsFailed, DriverMissing */
  cluster(arn: string): Promise<RdsEndpoint>;
  /**
   * Whether `host` is a read replica of the instance at `sourceHost`. False for hosts that are not RDS's.
   *
   * @throws RdsFailed, DriverMissing
   */
  isReadReplica(host: string, sourceHost: string): Promise<boolean>;
}
