import type { VersionStages } from './staging-labels.ts';

/** DescribeSecret, as far as a rotation needs it. */
export interface DescribedSecret {
  readonly arn: string;
  /** The secret's friendly name: its ARN also has a random suffix. */
  readonly name: string;
  /** Undefined where AWS leaves it out: rotation was never configured, or its state is not told. */
  readonly rotationEnabled: boolean | undefined;
  readonly stages: VersionStages;
  readonly tags: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch; undefined where no rotation is scheduled. */
  readonly nextRotationAtMs: number | undefined;
  /** Milliseconds since the epoch; undefined where no rotation has succeeded. */
  readonly lastRotatedAtMs: number | undefined;
}

/** The calls of Secrets Manager that a rotation makes; each method is one call. */
export interface SecretsManagerPort {
  /** @throws SecretNotFound */
  describe(secretId: string): Promise<DescribedSecret>;
  /**
   * The text of a version, by its id or by a staging label.
   *
   * @throws SecretHasNoValue (no such version, or an empty one), SecretIsBinary, SecretNotFound
   */
  read(secretId: string, version: { readonly id: string } | { readonly stage: string }): Promise<string>;
  /** Stores the pending version. `exists`: the version has another value already, which is kept. */
  putPending(secretId: string, pending: PendingVersion): Promise<'stored' | 'exists'>;
  /** Moves a label between versions; without `to` it is taken off. */
  moveLabel(
    secretId: string,
    label: string,
    move: { readonly from: string | undefined; readonly to?: string },
  ): Promise<void>;
  /** All versions, unlabelled ones included, newest first. */
  versions(secretId: string): Promise<ListedVersion[]>;
}

export interface ListedVersion {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

export interface PendingVersion {
  readonly token: string;
  readonly text: string;
  readonly rotationToken: string | undefined;
}
