import { isKeyturnError } from '../errors.ts';
import { type VersionStages, versionWith } from './staging-labels.ts';

/** When a secret rotates, as Secrets Manager has it. */
export interface RotationRules {
  readonly ScheduleExpression?: string | undefined;
  readonly AutomaticallyAfterDays?: number | undefined;
  /** The window in which a rotation begins, such as `3h`. */
  readonly Duration?: string | undefined;
}

/** The rules' schedule as an expression such as `rate(30 days)`; undefined if they have none. */
export function scheduleExpression(rules: RotationRules | undefined): string | undefined {
  const { ScheduleExpression, AutomaticallyAfterDays: days } = rules ?? {};
  return ScheduleExpression ?? (days === undefined ? undefined : `rate(${days} days)`);
}

/** Says when a secret rotates, such as `every 30 days, in a window of 3h`; undefined if the rules do not say it. */
export function describeSchedule(rules: RotationRules | undefined): string | undefined {
  const { ScheduleExpression, AutomaticallyAfterDays: days, Duration } = rules ?? {};
  const every = ScheduleExpression ?? (days === undefined ? undefined : `every ${days} days`);
  return every === undefined || Duration === undefined ? every : `${every}, in a window of ${Duration}`;
}

/** A secret as DescribeSecret and ListSecrets tell of it. */
export interface Secret {
  readonly arn: string;
  /** The secret's friendly name: its ARN also has a random suffix. */
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly stages: VersionStages;
  readonly kmsKeyId: string | undefined;
  /** The AWS service that manages the secret, if one does. */
  readonly owningService: string | undefined;
  readonly primaryRegion: string | undefined;
  /** Undefined if AWS leaves it out: rotation was never configured, or its state is not told. */
  readonly rotationEnabled: boolean | undefined;
  readonly functionArn: string | undefined;
  readonly rules: RotationRules | undefined;
  readonly created: Date | undefined;
  readonly changed: Date | undefined;
  /** Undefined if no rotation has succeeded. */
  readonly lastRotated: Date | undefined;
  /** Undefined if no rotation is scheduled. */
  readonly nextRotation: Date | undefined;
  readonly deletedOn: Date | undefined;
}

/** The version of a rotation that isn't complete: AWSPENDING is on it, and AWSCURRENT is not. */
export function unfinishedVersion({ stages }: Pick<Secret, 'stages'>): string | undefined {
  const pending = versionWith(stages, 'AWSPENDING');
  return pending !== undefined && stages[pending]?.includes('AWSCURRENT') ? undefined : pending;
}

/** A version of a secret, labelled or not. */
export interface Version {
  readonly id: string;
  readonly labels: readonly string[];
  readonly createdAt: Date | undefined;
}

/** Which version of a secret is meant. */
export type WantedVersion = { readonly id: string } | { readonly stage: string };

/** The value of a version. */
export interface SecretValue {
  readonly arn: string;
  readonly versionId: string;
  readonly text: string;
}

/** The calls of Secrets Manager that a rotation makes. */
export interface SecretsManagerPort {
  /** @throws SecretNotFound */
  describe(secretId: string): Promise<Secret>;
  /**
   * The text of a version, by its id or by a staging label.
   *
   * @throws SecretHasNoValue (no such version, or an empty one), SecretIsBinary, SecretNotFound, SecretMarkedForDeletion
   */
  read(secretId: string, version: WantedVersion): Promise<SecretValue>;
  /** Stores the pending version. `exists`: the version has another value already, which is kept. */
  putPending(secretId: string, pending: PendingVersion): Promise<'stored' | 'exists'>;
  /** Moves a label between versions; without `to` it is taken off. */
  moveLabel(
    secretId: string,
    label: string,
    move: { readonly from: string | undefined; readonly to?: string },
  ): Promise<void>;
  /** All versions, unlabelled ones included, newest first. */
  versions(secretId: string): Promise<Version[]>;
}

/** A pending version to be stored. */
export interface PendingVersion {
  /** The event's ClientRequestToken, which becomes the version's id. */
  readonly token: string;
  readonly text: string;
  readonly rotationToken: string | undefined;
}

/** A call of RotateSecret. Without function or rules, Secrets Manager uses those that the secret has. */
export interface RotateRequest {
  readonly token: string;
  readonly functionArn?: string | undefined;
  readonly rules?: RotationRules | undefined;
  /** False: only testSecret runs now. */
  readonly immediately: boolean;
}

/** Which secrets to list. */
export interface ListRequest {
  /** Beginning of the name. */
  readonly prefix?: string | undefined;
  /** Tags that a secret must have. Without a value: with any value. */
  readonly tags?: readonly { readonly key: string; readonly value: string | undefined }[];
  readonly withDeleted?: boolean;
}

/** A secret to be stored. */
export interface CreateRequest {
  readonly name: string;
  readonly value: string;
  readonly description: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly replicas: readonly { readonly region: string; readonly kmsKeyId: string | undefined }[];
}

/** A region that a secret is replicated to. */
export interface Replica {
  readonly region: string;
  readonly kmsKeyId: string | undefined;
  /** Such as `InSync`. */
  readonly status: string;
  readonly message: string | undefined;
}

/** All that DescribeSecret tells of a secret. */
export interface SecretDetails extends Secret {
  /** The partner that a managed external secret is for. */
  readonly type: string | undefined;
  /** When a value was read last. AWS tells the day only. */
  readonly accessed: Date | undefined;
  readonly replicas: readonly Replica[];
  /** The answer as it came, as JSON. */
  readonly json: string;
}

/** All that ListSecretVersionIds tells of a version. */
export interface VersionDetails extends Version {
  readonly accessedAt: Date | undefined;
  /** The keys that its value is encrypted with; none while it is empty. */
  readonly keys: readonly string[];
}

/** The value of a version, whether it is a text or not. */
export type AnyValue =
  | { readonly kind: 'text'; readonly text: string; readonly versionId: string }
  | { readonly kind: 'binary'; readonly bytes: number; readonly versionId: string };

/** The calls that people and their tools make, beside those of a rotation. */
export interface SecretsManagementPort extends SecretsManagerPort {
  details(secretId: string): Promise<SecretDetails>;
  /** Newest first. */
  versionDetails(secretId: string): Promise<VersionDetails[]>;
  /** Reads a value, also a binary one. @throws SecretHasNoValue, AccessDenied and others */
  readAny(secretId: string, versionId: string): Promise<AnyValue>;
  /** The resource policy, as JSON; undefined if there is none. */
  policy(secretId: string): Promise<string | undefined>;
  removePolicy(secretId: string): Promise<void>;
  changeDescription(secretId: string, description: string): Promise<void>;
  tag(secretId: string, key: string, value: string): Promise<void>;
  untag(secretId: string, key: string): Promise<void>;
  /** @param kmsKeyId undefined: AWS's own key there */
  replicate(secretId: string, region: string, kmsKeyId: string | undefined): Promise<void>;
  removeReplica(secretId: string, region: string): Promise<void>;
  /** Marks it for deletion. @param recoveryDays 7 to 30 */
  remove(secretId: string, recoveryDays: number): Promise<void>;
  /** Takes a deletion back. */
  restore(secretId: string): Promise<void>;
  /** `reattempts`: an earlier rotation is not complete. AWS refuses a new one, and tries the earlier one again. */
  rotate(secretId: string, request: RotateRequest): Promise<'started' | 'reattempts'>;
  cancelRotation(secretId: string): Promise<void>;
  /** All secrets that are asked for, page by page. */
  list(request: ListRequest): AsyncIterable<Secret>;
  /** @throws SecretExists, SecretMarkedForDeletion */
  create(request: CreateRequest): Promise<Omit<SecretValue, 'text'>>;
  /** Puts a resource policy, if it does not let everybody in. */
  putPolicy(secretId: string, policy: string): Promise<void>;
  /** What Secrets Manager finds wrong with a resource policy, before it is put. */
  validatePolicy(policy: string): Promise<{ readonly passed: boolean; readonly problems: readonly string[] }>;
  /** Finds out whether a version may be read, without getting its value. @throws what `read` throws */
  checkReadable(secretId: string, version: WantedVersion): Promise<void>;
}

/** Whether a version has a value; `unreadable` if the caller may not read it. */
export type PendingValue = 'empty' | 'present' | 'unreadable';

/** Finds out whether a version has a value. Only reading it shows that. The value is dropped at once. */
export async function valueIn(
  secretsManager: Pick<SecretsManagerPort, 'read'>,
  secretId: string,
  versionId: string,
): Promise<PendingValue> {
  try {
    await secretsManager.read(secretId, { id: versionId });
    return 'present';
  } catch (error) {
    // AWS answers the same for a version that is empty and for one that isn't there.
    if (isKeyturnError(error, 'SecretHasNoValue', 'SecretNotFound')) return 'empty';
    if (isKeyturnError(error, 'SecretIsBinary')) return 'present';
    if (isKeyturnError(error, 'AccessDenied')) return 'unreadable';
    throw error;
  }
}
