import type { Partition } from '../arn.ts';
import type { Secret, SecretValue, Version } from '../model.ts';

/** How secrets can be sorted. By last-accessed-date, secrets that were never accessed come first. */
export type SortKey = 'created-date' | 'last-accessed-date' | 'last-changed-date' | 'name';

/** Selects a page of an account's secrets in a region. */
export interface ListQuery {
  readonly sortBy: SortKey;
  readonly descending: boolean;
  readonly limit: number;
  /** Where the page starts: `next` of the page before. */
  readonly from?: PageStart | undefined;
}

/**
 * Where a page starts: the sort key of its first secret, and that secret's position. It stays right if secrets are added or
 * removed.
 */
export type PageStart = readonly [key: string | number, position: number];

/** One page of secrets. */
export interface SecretPage {
  readonly secrets: readonly Secret[];
  /** Where the next page starts. Absent on the last page. */
  readonly next?: PageStart | undefined;
}

/** A secret for which the scheduler has something to do, and when (milliseconds since the epoch). */
export interface Due {
  readonly arn: string;
  readonly at: number;
}

/** The result of a transaction, and whether it wrote anything. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly wrote: boolean;
}

/**
 * Everything that the local Secrets Manager stores. Every method is synchronous. So nothing can come between the reads and the
 * writes of an operation, which is one transaction. Every look-up uses an index.
 */
export interface Store {
  /**
   * Runs `work`. If it throws, what it wrote is undone. Else that is durable after the next `commit`. Not reentrant.
   * @throws StoreError if the disk or the file fails. What `work` throws is thrown as it is.
   */
  transaction<Result>(work: () => Result): Outcome<Result>;
  /**
   * Makes all transactions since the last commit durable.
   * @throws StoreError if it can't. Then it has undone all of them.
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

  /** A version's value. Undefined if the version is empty or does not exist. */
  readValue(arn: string, versionId: string): SecretValue | undefined;
  /** Encrypts and stores the value of an existing version under the data key of `kmsKeyId`. */
  writeValue(arn: string, versionId: string, value: SecretValue, kmsKeyId: string): void;

  /** The secret for which the scheduler has something to do first. */
  nextDue(): Due | undefined;
  /** The secrets whose rotation was under way when they were last saved. */
  secretsInRotation(): Secret[];

  close(): void;
}
