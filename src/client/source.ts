import type { SecretsManagerSender } from './sdk.ts';

/** What is to be read. */
export interface ReadRequest {
  readonly secretId: string;
  /** The staging label, such as AWSCURRENT. */
  readonly stage: string;
  /** One version, whatever label it has; then `stage` means nothing. */
  readonly versionId?: string | undefined;
  /** Whether a cache of the source's own must be passed by: a target has refused what it holds. */
  readonly fresh: boolean;
  /** The version that was refused, where one was. */
  readonly refused?: string | undefined;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** What was read. */
export interface ReadAnswer {
  readonly arn: string;
  readonly versionId: string;
  readonly text: string;
}

/** Where secrets are read from. What it throws becomes a typed error; the names of AWS's errors are understood. */
export interface SecretSource {
  read(request: ReadRequest): Promise<ReadAnswer>;
  /** Many secrets by few calls; for each the answer or the error. Absent: they are read one by one. */
  readMany?(
    secretIds: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReadAnswer | Error>>;
  /** Whether it has a cache of its own, so that a read is fresh only where that is asked for. */
  readonly caches?: boolean;
}

/**
 * Secrets Manager itself, by the AWS SDK, which is loaded with the first read.
 *
 * @param client made with the SDK's own defaults if absent
 */
export function secretsManager(client?: SecretsManagerSender): SecretSource {
  let sender = client;
  const load = async () => {
    const sdk = await import('./sdk.ts');
    sender ??= sdk.defaultClient();
    return { sdk, sender };
  };
  return {
    read: async (request) => {
      const { sdk, sender } = await load();
      return sdk.read(sender, request);
    },
    readMany: async (secretIds, signal) => {
      const { sdk, sender } = await load();
      return sdk.readMany(sender, secretIds, signal);
    },
  };
}
