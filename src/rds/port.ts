/** An endpoint as the RDS API tells it. */
export interface RdsEndpoint {
  readonly host: string;
  readonly port: number | undefined;
  readonly engine: string;
}

/** What of the RDS API a rotation may need. */
export interface RdsPort {
  /** @throws RdsFailed */
  instance(arn: string): Promise<RdsEndpoint>;
  /** @throws RdsFailed */
  cluster(arn: string): Promise<RdsEndpoint>;
  /** Whether `host` is the endpoint of a read replica whose source is the instance at `sourceHost`. False for hosts that are not RDS's. */
  isReadReplica(host: string, sourceHost: string): Promise<boolean>;
}
