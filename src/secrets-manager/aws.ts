import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { KeyturnError } from '../errors.ts';
import { explainAwsError } from './aws-errors.ts';
import type { ListedVersion, SecretsManagerPort } from './port.ts';

/** How a call is run: the place for counting, tracing and the deadline. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly around: <T>(operation: string, call: () => Promise<T>) => Promise<T>;
}

/** The port on the AWS SDK, whose own retries (standard mode, with jitter) cover throttling and lost connections. */
export function createAwsSecretsManager(
  client: SecretsManagerClient,
  options: CallOptions,
): SecretsManagerPort {
  const call = async <T>(operation: string, secretId: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await options.around(operation, send);
    } catch (error) {
      throw explainAwsError(error, `${operation} of ${secretId}`);
    }
  };
  const abort = { abortSignal: options.signal };

  return {
    describe: (SecretId) =>
      call('DescribeSecret', SecretId, async () => {
        const secret = await client.send(new DescribeSecretCommand({ SecretId }), abort);
        return {
          arn: secret.ARN ?? SecretId,
          name: secret.Name ?? SecretId,
          rotationEnabled: secret.RotationEnabled,
          stages: secret.VersionIdsToStages ?? {},
          tags: new Map((secret.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
          nextRotationAtMs: secret.NextRotationDate?.getTime(),
          lastRotatedAtMs: secret.LastRotatedDate?.getTime(),
        };
      }),

    read: (SecretId, version) =>
      call('GetSecretValue', SecretId, async () => {
        const which = 'id' in version ? { VersionId: version.id } : { VersionStage: version.stage };
        const { SecretString, SecretBinary } = await client.send(
          new GetSecretValueCommand({ SecretId, ...which }),
          abort,
        );
        if (SecretString !== undefined) return SecretString;
        if (SecretBinary === undefined) throw emptyVersion(SecretId);
        throw new KeyturnError(
          'SecretIsBinary',
          `The value of ${SecretId} is binary.`,
          'Store it as SecretString: Keyturn rotates text.',
        );
      }),

    putPending: async (SecretId, { token, text, rotationToken }) => {
      try {
        await options.around('PutSecretValue', () =>
          client.send(
            new PutSecretValueCommand({
              SecretId,
              ClientRequestToken: token,
              SecretString: text,
              VersionStages: ['AWSPENDING'],
              ...(rotationToken === undefined ? {} : { RotationToken: rotationToken }),
            }),
            abort,
          ),
        );
        return 'stored';
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceExistsException') return 'exists';
        throw explainAwsError(error, `PutSecretValue of ${SecretId}`);
      }
    },

    moveLabel: (SecretId, VersionStage, { from, to }) =>
      call('UpdateSecretVersionStage', SecretId, async () => {
        await client.send(
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage,
            ...(from === undefined ? {} : { RemoveFromVersionId: from }),
            ...(to === undefined ? {} : { MoveToVersionId: to }),
          }),
          abort,
        );
      }),

    versions: async (SecretId) => {
      const found: ListedVersion[] = [];
      let NextToken: string | undefined;
      do {
        const input = {
          SecretId,
          IncludeDeprecated: true,
          ...(NextToken === undefined ? {} : { NextToken }),
        };
        const page = await call('ListSecretVersionIds', SecretId, () =>
          client.send(new ListSecretVersionIdsCommand(input), abort),
        );
        for (const { VersionId: id, CreatedDate } of page.Versions ?? []) {
          if (id !== undefined) found.push({ id, createdAtMs: CreatedDate?.getTime() ?? 0 });
        }
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
      return found.sort((one, other) => other.createdAtMs - one.createdAtMs);
    },
  };
}

function emptyVersion(secretId: string): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `A version of ${secretId} has no value.`,
    'Store a value and rotate again.',
  );
}
