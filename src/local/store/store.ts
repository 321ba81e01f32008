import type { Secret, SecretValue, Version } from '../model.ts';

/** One page of secrets, in the order of their creation. */
export interface SecretPage {
  readonly secrets: readonly Secret[];
  /** Where the next page starts; absent on the last. */
  readonly next?: number | undefined;
}

/**
 * All that the local Secrets Manager keeps. Every method is synchronous: an operation is one transaction and nothing
 * comes between its reads and its writes. Every look-up is by an index.
 */
export interface Store {
  /** Runs `work`; what it wrote is durable when this returns, and undone when it throws. Not reentrant. */
  transaction<Result>(work: () => Result): Result;

  secretByArn(arn: string): Secret | undefined;
  secretByName(name: string): Secret | undefined;
  /** `limit` secrets from position `from` on, oldest first, or newest first when `descending`. */
  listSecrets(from: number | undefined, limit: number, descending: boolean): SecretPage;
  /** Adds or replaces a secret. */
  saveSecret(secret: Secret): void;
  /** Removes a secret with all its versions. */
  removeSecret(arn: string): void;

  version(arn: string, versionId: string): Version | undefined;
  /** All versions of a secret, oldest first. */
  versions(arn: string): Version[];
  /** Adds a version, empty at first, or replaces the dates of one. */
  saveVersion(arn: string, version: Version): void;
  removeVersion(arn: string, versionId: string): void;

  /** A version's value; undefined when the version is empty or does not exist. */
  readValue(arn: string, versionId: string): SecretValue | undefined;
  /** Encrypts and stores the value of an existing version under the data key of `kmsKeyId`. */
  writeValue(arn: string, versionId: string, value: SecretValue, kmsKeyId: string): void;

  /** The secret for which the scheduler has something to do first, and when (milliseconds since the epoch). */
  nextDue(): { readonly arn: string; readonly at: number } | undefined;
  /** The secrets whose rotation was under way when they were last saved. */
  secretsInRotation(): Secret[];

  close(): void;
}
