import {
  CancelRotateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  RotateSecretCommand,
  type RotationRulesType,
  type SecretsManagerClient,
  type SecretVersionsListEntry,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import { type VersionStages, versionWith } from '../../secrets-manager/staging-labels.ts';
import { explain } from './problems.ts';

/** A secret as DescribeSecret tells of it. */
export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly stages: VersionStages;
  /** Undefined: rotation was never turned on. */
  readonly rotationEnabled: boolean | undefined;
  readonly functionArn: string | undefined;
  readonly rules: RotationRulesType | undefined;
  readonly lastRotated: Date | undefined;
  readonly nextRotation: Date | undefined;
  readonly deletedOn: Date | undefined;
}

/** A version of a secret, labelled or not. */
export interface Version {
  readonly id: string;
  readonly labels: readonly string[];
  readonly createdAt: Date | undefined;
}

/** What RotateSecret is asked for; without function and rules, what is stored. */
export interface RotateRequest {
  readonly token: string;
  readonly functionArn?: string | undefined;
  readonly rules?: RotationRulesType | undefined;
  /** False: testSecret alone. */
  readonly immediately: boolean;
}

/** The calls that the commands make; each throws a KeyturnError in words for the terminal. */
export interface SecretsApi {
  describe(secretId: string): Promise<Secret>;
  /** Newest first. */
  versions(secretId: string): Promise<Version[]>;
  /** Undefined for an empty version. @throws SecretIsBinary, AccessDenied */
  read(secretId: string, versionId: string): Promise<string | undefined>;
  /** `reattempts`: a rotation was unfinished; AWS refuses, and tries that one again. */
  rotate(secretId: string, request: RotateRequest): Promise<'started' | 'reattempts'>;
  cancelRotation(secretId: string): Promise<void>;
  removeLabel(secretId: string, label: string, versionId: string): Promise<void>;
}

/** The version of a rotation that isn't complete: AWSPENDING is on it, and AWSCURRENT is not. */
export function unfinishedVersion({ stages }: Pick<Secret, 'stages'>): string | undefined {
  const pending = versionWith(stages, 'AWSPENDING');
  return pending !== undefined && stages[pending]?.includes('AWSCURRENT') ? undefined : pending;
}

/** Whether a version has a value; `unreadable` where that may not be read. */
export type PendingValue = 'empty' | 'present' | 'unreadable';

/** Tells whether a version has a value, which only reading it does; the value goes no further. */
export async function valueIn(api: SecretsApi, secretId: string, versionId: string): Promise<PendingValue> {
  try {
    return (await api.read(secretId, versionId)) === undefined ? 'empty' : 'present';
  } catch (error) {
    if (isKeyturnError(error, 'SecretIsBinary')) return 'present';
    if (isKeyturnError(error, 'AccessDenied')) return 'unreadable';
    throw error;
  }
}

export function createSecretsApi(getClient: () => Promise<SecretsManagerClient>): SecretsApi {
  const call = async <T>(
    operation: string,
    resource: string,
    send: (client: SecretsManagerClient) => Promise<T>,
  ): Promise<T> => {
    try {
      return await send(await getClient());
    } catch (error) {
      throw explain(error, { action: `secretsmanager:${operation}`, resource });
    }
  };

  return {
    describe: (SecretId) =>
      call('DescribeSecret', SecretId, async (client) => {
        const found = await client.send(new DescribeSecretCommand({ SecretId }));
        return {
          arn: found.ARN ?? SecretId,
          name: found.Name ?? SecretId,
          tags: new Map((found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
          stages: found.VersionIdsToStages ?? {},
          rotationEnabled: found.RotationEnabled,
          functionArn: found.RotationLambdaARN,
          rules: found.RotationRules,
          lastRotated: found.LastRotatedDate,
          nextRotation: found.NextRotationDate,
          deletedOn: found.DeletedDate,
        };
      }),

    versions: (SecretId) =>
      call('ListSecretVersionIds', SecretId, async (client) => {
        const found: SecretVersionsListEntry[] = [];
        let NextToken: string | undefined;
        do {
          const command = new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true, NextToken });
          const page = await client.send(command);
          found.push(...(page.Versions ?? []));
          NextToken = page.NextToken;
        } while (NextToken !== undefined);
        return found.map(versionOf).sort((a, b) => timeOf(b) - timeOf(a));
      }),

    read: (SecretId, VersionId) =>
      call('GetSecretValue', SecretId, async (client) => {
        const value = await client.send(new GetSecretValueCommand({ SecretId, VersionId })).catch(noValue);
        if (value?.SecretBinary !== undefined) throw binarySecret(SecretId);
        return value?.SecretString;
      }),

    rotate: (SecretId, { token, functionArn, rules, immediately }) =>
      call('RotateSecret', SecretId, async (client) => {
        const command = new RotateSecretCommand({
          SecretId,
          ClientRequestToken: token,
          RotationLambdaARN: functionArn,
          RotationRules: rules,
          RotateImmediately: immediately,
        });
        return client.send(command).then(() => 'started' as const, reattempts);
      }),

    cancelRotation: (SecretId) =>
      call('CancelRotateSecret', SecretId, async (client) => {
        await client.send(new CancelRotateSecretCommand({ SecretId }));
      }),

    removeLabel: (SecretId, VersionStage, RemoveFromVersionId) =>
      call('UpdateSecretVersionStage', SecretId, async (client) => {
        await client.send(
          new UpdateSecretVersionStageCommand({ SecretId, VersionStage, RemoveFromVersionId }),
        );
      }),
  };
}

function versionOf({ VersionId = '', VersionStages = [], CreatedDate }: SecretVersionsListEntry): Version {
  return { id: VersionId, labels: VersionStages, createdAt: CreatedDate };
}

function timeOf({ createdAt }: Version): number {
  return createdAt?.getTime() ?? 0;
}

/** AWS answers the same for a version that is empty and for one that isn't there. */
function noValue(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
  throw error;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html */
function reattempts(error: unknown): 'reattempts' {
  if (error instanceof Error && error.message.includes("A previous rotation isn't complete"))
    return 'reattempts';
  throw error;
}

function binarySecret(secretId: string): KeyturnError {
  return new KeyturnError(
    'SecretIsBinary',
    `The value of ${secretId} is binary.`,
    'Store it as SecretString: Keyturn rotates text.',
  );
}
