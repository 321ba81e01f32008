/** A read that a source is asked for. */
export interface ReadRequest {
  /** The secret's name or ARN. */
  readonly secretId: string;
  /** The staging label, such as AWSCURRENT. */
  readonly stage: string;
  /** The version to read. `stage` is then ignored. */
  readonly versionId?: string | undefined;
  /** Whether the source must bypass its own cache, because a target has refused the cached value. */
  readonly fresh: boolean;
  /** The version that was refused, if any. */
  readonly refused?: string | undefined;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** The version that was read. */
export interface ReadAnswer {
  /** The secret's ARN. */
  readonly arn: string;
  /** The version's id. */
  readonly versionId: string;
  /** Its SecretString. */
  readonly text: string;
}

/** A source of secrets. Its errors become typed errors, by AWS's names of errors. */
export interface SecretSource {
  /** Reads one version. */
  read(request: ReadRequest): Promise<ReadAnswer>;
  /** Reads AWSCURRENT of many secrets with few calls: for each, the answer or the error. Default: one by one. */
  readMany?(
    secretIds: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReadAnswer | Error>>;
  /** Whether it has a cache of its own. Its reads are fresh only on request. */
  readonly caches?: boolean;
}
