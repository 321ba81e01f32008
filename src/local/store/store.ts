import type { Partition } from '../arn.ts';
import type { Secret, SecretValue, Version } from '../model.ts';

/** What secrets can be listed by. Those that were never accessed come before all others by that date. */
export type SortKey = 'created-date' | 'last-accessed-date' | 'last-changed-date' | 'name';

/** Which page of an account's secrets in a region to read. */
export interface ListQuery {
  readonly sortBy: SortKey;
  readonly descending: boolean;
  readonly limit: number;
  /** Where the page before said that this one starts. */
  readonly from?: PageStart | undefined;
}

/** A place in a list that stays right when secrets are added and removed: a secret's sort key, and its position. */
export type PageStart = readonly [key: string | number, position: number];

/** One page of secrets. */
export interface SecretPage {
  readonly secrets: readonly Secret[];
  /** Where the next page starts; absent on the last. */
  readonly next?: PageStart | undefined;
}

/** A secret for which the scheduler has something to do, and when (milliseconds since the epoch). */
export interface Due {
  readonly arn: string;
  readonly at: number;
}

/** What came of a transaction, and whether it wrote anything. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly wrote: boolean;
}

/**
 * All that the local Secrets Manager keeps. Every method is synchronous: an operation is one transaction and nothing
 * comes between its reads and its writes. Every look-up is by an index.
 */
export interface Store {
  /**
   * Runs `work`; what it wrote is undone when it throws, and durable after the next `commit`. Not reentrant.
   * @throws StoreError when the disk or the file fails; what `work` throws as it is
   */
  transaction<Result>(work: () => Result): Outcome<Result>;
  /**
   * Makes all transactions since the last commit durable.
   * @throws StoreError when it can't, and has undone all of them
   */
  commit(): void;
  /** Whether there is something to commit. */
  hasUncommitted(): boolean;

  secretByArn(arn: string): Secret | undefined;
  /** A name is unique in an account and region. */
  secretByName(partition: Partition, name: string): Secret | undefined;
  listSecrets(partition: Partition, query: ListQuery): SecretPage;
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

  /** The secret for which the scheduler has something to do first. */
  nextDue(): Due | undefined;
  /** The secrets whose rotation was under way when they were last saved. */
  secretsInRotation(): Secret[];

  close(): void;
}
