import { randomUUID } from 'node:crypto';
import {
  CancelRotateSecretCommand,
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RemoveRegionsFromReplicationCommand,
  ReplicateSecretToRegionsCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  type SecretListEntry,
  type SecretsManagerClient,
  type SecretVersionsListEntry,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
  ValidateResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import { stepFor } from '../doctor/causes.ts';
import { KeyturnError, messageOf } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { explainAwsError, noAnswer, type Reader } from './errors.ts';
import type {
  ListRequest,
  Secret,
  SecretsManagementPort,
  SecretsManagerPort,
  Version,
  WantedVersion,
} from './port.ts';

/** How calls are made. */
export interface CallOptions {
  /** The client; for a client per region, one for the secret's name or ARN. */
  readonly client: (secretId: string) => Promise<SecretsManagerClient> | SecretsManagerClient;
  /** Whom the errors are written for. */
  readonly reader: Reader;
  /** Ends calls that have no answer yet. */
  readonly signal?: AbortSignal;
  /** The place for counting and tracing. */
  readonly around?: <T>(operation: string, call: () => Promise<T>) => Promise<T>;
}

type Send = <T>(
  operation: string,
  secretId: string,
  send: (client: SecretsManagerClient, abort: { readonly abortSignal?: AbortSignal }) => Promise<T>,
) => Promise<T>;

function createSend({ client, reader, signal, around }: CallOptions): Send {
  const abort = signal === undefined ? {} : { abortSignal: signal };
  return async (operation, secretId, send) => {
    const call = async () => send(await client(secretId), abort);
    try {
      return await (around === undefined ? call() : around(operation, call));
    } catch (error) {
      const failed = { action: `secretsmanager:${operation}`, resource: secretId };
      if (signal?.aborted && error instanceof Error && error.name === 'AbortError') {
        throw noAnswer(failed, error);
      }
      throw explainAwsError(error, failed, reader);
    }
  };
}

/** The port on the AWS SDK, whose own retries (standard mode, with jitter) cover throttling and lost connections. */
export function createAwsSecretsManager(options: CallOptions): SecretsManagerPort {
  const call = createSend(options);
  return {
    describe: (SecretId) =>
      call('DescribeSecret', SecretId, async (client, abort) => {
        const secret = await client.send(new DescribeSecretCommand({ SecretId }), abort);
        return { ...secretOf(secret, SecretId), stages: secret.VersionIdsToStages ?? {} };
      }),

    read: (SecretId, version) =>
      call('GetSecretValue', SecretId, async (client, abort) => {
        const command = new GetSecretValueCommand({ SecretId, ...versionInput(version) });
        const answer = await client.send(command, abort);
        const { ARN: arn = SecretId, VersionId: versionId = '', SecretString: text, SecretBinary } = answer;
        if (text !== undefined) return { arn, versionId, text };
        throw SecretBinary === undefined ? emptyVersion(SecretId) : binarySecret(SecretId);
      }),

    putPending: (SecretId, { token, text, rotationToken }) =>
      call('PutSecretValue', SecretId, async (client, abort) => {
        const command = new PutSecretValueCommand({
          SecretId,
          ClientRequestToken: token,
          SecretString: text,
          VersionStages: ['AWSPENDING'],
          ...(rotationToken === undefined ? {} : { RotationToken: rotationToken }),
        });
        return client.send(command, abort).then(() => 'stored' as const, existsAlready);
      }),

    moveLabel: (SecretId, VersionStage, { from, to }) =>
      call('UpdateSecretVersionStage', SecretId, async (client, abort) => {
        const command = new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage,
          ...(from === undefined ? {} : { RemoveFromVersionId: from }),
          ...(to === undefined ? {} : { MoveToVersionId: to }),
        });
        await client.send(command, abort);
      }),

    versions: async (SecretId) => newestFirst((await listVersions(call, SecretId)).map(versionOf)),
  };
}

async function listVersions(call: Send, SecretId: string): Promise<SecretVersionsListEntry[]> {
  const found: SecretVersionsListEntry[] = [];
  let NextToken: string | undefined;
  do {
    const command = new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true, NextToken });
    const page = await call('ListSecretVersionIds', SecretId, (client, abort) => client.send(command, abort));
    found.push(...(page.Versions ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

function newestFirst<T extends Version>(versions: T[]): T[] {
  // The list is oldest first, which decides between versions of the same time.
  return versions.reverse().sort((one, other) => timeOf(other) - timeOf(one));
}

/** {@link createAwsSecretsManager} and the calls of people and their tools. */
export function createAwsSecretsManagement(options: CallOptions): SecretsManagementPort {
  const call = createSend(options);
  return {
    ...createAwsSecretsManager(options),

    details: (SecretId) =>
      call('DescribeSecret', SecretId, async (client, abort) => {
        const { $metadata: _, ...found } = await client.send(new DescribeSecretCommand({ SecretId }), abort);
        return {
          ...secretOf(found, SecretId),
          stages: found.VersionIdsToStages ?? {},
          type: found.Type,
          accessed: found.LastAccessedDate,
          replicas: (found.ReplicationStatus ?? []).map((replica) => ({
            region: replica.Region ?? '',
            kmsKeyId: replica.KmsKeyId,
            status: replica.Status ?? 'Unknown',
            message: replica.StatusMessage,
          })),
          json: JSON.stringify(found, undefined, 2),
        };
      }),

    versionDetails: async (SecretId) => {
      const found = await listVersions(call, SecretId);
      return newestFirst(
        found.map((version) => ({
          ...versionOf(version),
          accessedAt: version.LastAccessedDate,
          keys: version.KmsKeyIds ?? [],
        })),
      );
    },

    readAny: (SecretId, VersionId) =>
      call('GetSecretValue', SecretId, async (client, abort) => {
        const answer = await client.send(new GetSecretValueCommand({ SecretId, VersionId }), abort);
        const { SecretString: text, SecretBinary, VersionId: versionId = VersionId } = answer;
        return text === undefined
          ? { kind: 'binary', bytes: SecretBinary?.length ?? 0, versionId }
          : { kind: 'text', text, versionId };
      }),

    policy: (SecretId) =>
      call('GetResourcePolicy', SecretId, async (client, abort) => {
        const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId }), abort);
        return ResourcePolicy;
      }),

    removePolicy: (SecretId) =>
      call('DeleteResourcePolicy', SecretId, async (client, abort) => {
        await client.send(new DeleteResourcePolicyCommand({ SecretId }), abort);
      }),

    changeDescription: (SecretId, Description) =>
      call('UpdateSecret', SecretId, async (client, abort) => {
        await client.send(new UpdateSecretCommand({ SecretId, Description }), abort);
      }),

    tag: (SecretId, Key, Value) =>
      call('TagResource', SecretId, async (client, abort) => {
        await client.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }), abort);
      }),

    untag: (SecretId, key) =>
      call('UntagResource', SecretId, async (client, abort) => {
        await client.send(new UntagResourceCommand({ SecretId, TagKeys: [key] }), abort);
      }),

    replicate: (SecretId, Region, KmsKeyId) =>
      call('ReplicateSecretToRegions', SecretId, async (client, abort) => {
        const AddReplicaRegions = [{ Region, KmsKeyId }];
        await client.send(new ReplicateSecretToRegionsCommand({ SecretId, AddReplicaRegions }), abort);
      }),

    removeReplica: (SecretId, region) =>
      call('RemoveRegionsFromReplication', SecretId, async (client, abort) => {
        const RemoveReplicaRegions = [region];
        await client.send(new RemoveRegionsFromReplicationCommand({ SecretId, RemoveReplicaRegions }), abort);
      }),

    remove: (SecretId, RecoveryWindowInDays) =>
      call('DeleteSecret', SecretId, async (client, abort) => {
        await client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays }), abort);
      }),

    restore: (SecretId) =>
      call('RestoreSecret', SecretId, async (client, abort) => {
        await client.send(new RestoreSecretCommand({ SecretId }), abort);
      }),

    rotate: (SecretId, { token, functionArn, rules, immediately }) =>
      call('RotateSecret', SecretId, async (client, abort) => {
        const command = new RotateSecretCommand({
          SecretId,
          ClientRequestToken: token,
          RotationLambdaARN: functionArn,
          RotationRules: rules,
          RotateImmediately: immediately,
        });
        return client.send(command, abort).then(() => 'started' as const, reattempts);
      }),

    cancelRotation: (SecretId) =>
      call('CancelRotateSecret', SecretId, async (client, abort) => {
        await client.send(new CancelRotateSecretCommand({ SecretId }), abort);
      }),

    list: async function* ({ prefix, tags = [], withDeleted = false }: ListRequest) {
      // AWS compares only the beginning of a tag's key. isAskedFor() compares it whole, with its value.
      const Filters = [
        ...(prefix === undefined ? [] : [{ Key: 'name' as const, Values: [prefix] }]),
        ...tags.map(({ key }) => ({ Key: 'tag-key' as const, Values: [key] })),
      ];
      const input = { Filters, IncludePlannedDeletion: withDeleted, MaxResults: 100 };
      let NextToken: string | undefined;
      do {
        const command = new ListSecretsCommand({ ...input, NextToken });
        const page = await call('ListSecrets', 'all secrets', (client, abort) => client.send(command, abort));
        for (const entry of page.SecretList ?? []) {
          const secret = { ...secretOf(entry, ''), stages: entry.SecretVersionsToStages ?? {} };
          if (isAskedFor(secret, { prefix, tags })) yield secret;
        }
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
    },

    create: ({ name, value, description, kmsKeyId, tags, replicas }) =>
      call('CreateSecret', name, async (client, abort) => {
        const command = new CreateSecretCommand({
          Name: name,
          ClientRequestToken: randomUUID(),
          SecretString: value,
          Description: description,
          KmsKeyId: kmsKeyId,
          ...(tags.size === 0 ? {} : { Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) }),
          ...(replicas.length === 0
            ? {}
            : { AddReplicaRegions: replicas.map((r) => ({ Region: r.region, KmsKeyId: r.kmsKeyId })) }),
        });
        const { ARN: arn = name, VersionId: versionId = '' } = await client
          .send(command, abort)
          .catch((error: unknown) => {
            throw isNamed(error, 'ResourceExistsException') ? secretExists(name, error) : error;
          });
        return { arn, versionId };
      }),

    putPolicy: (SecretId, ResourcePolicy) =>
      call('PutResourcePolicy', SecretId, async (client, abort) => {
        const command = new PutResourcePolicyCommand({ SecretId, ResourcePolicy, BlockPublicPolicy: true });
        await client.send(command, abort);
      }),

    validatePolicy: (ResourcePolicy) =>
      call('ValidateResourcePolicy', 'the resource policy', async (client, abort) => {
        const answer = await client.send(new ValidateResourcePolicyCommand({ ResourcePolicy }), abort);
        const problems = (answer.ValidationErrors ?? []).map(({ ErrorMessage = '' }) => ErrorMessage);
        return { passed: answer.PolicyValidationPassed !== false, problems };
      }),

    // Asks for a version that does not exist, with the wanted label. AWS first refuses whoever may not read the secret,
    // and only then finds no such version. So nobody gets a value.
    checkReadable: (SecretId, version) =>
      call('GetSecretValue', SecretId, async (client, abort) => {
        const label = 'id' in version ? {} : { VersionStage: version.stage };
        const command = new GetSecretValueCommand({ SecretId, VersionId: randomUUID(), ...label });
        await client.send(command, abort).catch((error: unknown) => {
          const message = messageOf(error);
          const isRead =
            message.includes('secret value for') ||
            message.includes('not associated to the provided VersionId');
          if (!isRead) throw error;
        });
      }),
  };
}

function versionInput(version: WantedVersion): { VersionId: string } | { VersionStage: string } {
  return 'id' in version ? { VersionId: version.id } : { VersionStage: version.stage };
}

function secretOf(
  found: Omit<DescribeSecretCommandOutput, '$metadata'> | SecretListEntry,
  secretId: string,
): Omit<Secret, 'stages'> {
  return {
    arn: found.ARN ?? secretId,
    name: found.Name ?? secretId,
    description: found.Description,
    tags: new Map((found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    kmsKeyId: found.KmsKeyId,
    owningService: found.OwningService,
    primaryRegion: found.PrimaryRegion,
    rotationEnabled: found.RotationEnabled,
    functionArn: found.RotationLambdaARN,
    rules: found.RotationRules,
    created: found.CreatedDate,
    changed: found.LastChangedDate,
    lastRotated: found.LastRotatedDate,
    nextRotation: found.NextRotationDate,
    deletedOn: found.DeletedDate,
  };
}

function isAskedFor(secret: Secret, { prefix = '', tags = [] }: ListRequest): boolean {
  const hasTag = ({ key, value }: { readonly key: string; readonly value: string | undefined }): boolean =>
    secret.tags.has(key) && (value === undefined || secret.tags.get(key) === value);
  return secret.name.startsWith(prefix) && tags.every(hasTag);
}

function versionOf({ VersionId = '', VersionStages = [], CreatedDate }: SecretVersionsListEntry): Version {
  return { id: VersionId, labels: VersionStages, createdAt: CreatedDate };
}

function timeOf({ createdAt }: Version): number {
  return createdAt?.getTime() ?? 0;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function existsAlready(error: unknown): 'exists' {
  if (isNamed(error, 'ResourceExistsException')) return 'exists';
  throw error;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html */
function reattempts(error: unknown): 'reattempts' {
  if (messageOf(error).includes("A previous rotation isn't complete")) return 'reattempts';
  throw error;
}

function secretExists(name: string, cause: unknown): KeyturnError {
  const remedy = `To store another value in it: aws secretsmanager put-secret-value --secret-id ${shellWord(name)}`;
  return new KeyturnError('SecretExists', `There is a secret ${name} already.`, remedy, { cause });
}

function emptyVersion(secretId: string): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `A version of ${secretId} has no value.`,
    stepFor('SecretHasNoValue'),
  );
}

function binarySecret(secretId: string): KeyturnError {
  return new KeyturnError('SecretIsBinary', `The value of ${secretId} is binary.`, stepFor('SecretIsBinary'));
}
