import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import type { ReadabilityCheck, Readable } from '../render/check.ts';
import type { WantedVersion } from '../render/reference.ts';
import type { SecretSource } from '../render/secrets.ts';
import { connect, regionOf } from './rotation/clients.ts';
import { explain } from './rotation/problems.ts';

/** Where secrets are. */
export interface Place {
  readonly endpoint: string | undefined;
  /** For secrets that are named; those with an ARN are in its region. */
  readonly region: string | undefined;
}

/** Reads secrets by the AWS SDK, in each region by a client of its own. */
export function createSecretSource(
  place: Place,
  environment: NodeJS.ProcessEnv,
): SecretSource & ReadabilityCheck {
  const clients = new Map<string, Promise<SecretsManagerClient>>();
  const clientFor = (secret: string): Promise<SecretsManagerClient> => {
    const region = regionOf(secret) ?? place.region;
    const found =
      clients.get(region ?? '') ??
      connect({ secret, endpoint: place.endpoint, region }, environment).secretsManager();
    clients.set(region ?? '', found);
    return found;
  };

  return {
    read: async (secret, version) => {
      try {
        const client = await clientFor(secret);
        const answer = await client.send(
          new GetSecretValueCommand({ SecretId: secret, ...versionOf(version) }),
        );
        const { ARN: arn = secret, VersionId: versionId = '', SecretString: text } = answer;
        if (text === undefined) throw binarySecret(secret);
        return { arn, versionId, text };
      } catch (error) {
        throw explainReading(error, secret);
      }
    },

    tags: async (secret) => {
      const { Tags = [] } = await describe(await clientFor(secret), secret);
      return new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    },

    check: async (secret, version) => {
      const client = await clientFor(secret);
      await probe(client, secret, version);
      return lookAtVersion(client, secret, version);
    },
  };
}

function versionOf(version: WantedVersion): { VersionId: string } | { VersionStage: string } {
  return 'id' in version ? { VersionId: version.id } : { VersionStage: version.stage };
}

async function describe(client: SecretsManagerClient, SecretId: string) {
  try {
    return await client.send(new DescribeSecretCommand({ SecretId }));
  } catch (error) {
    throw explain(error, { action: 'secretsmanager:DescribeSecret', resource: SecretId });
  }
}

/**
 * Asks for a version that does not exist, with the label that is wanted. Who may not read the secret is refused before
 * that is found out, and nobody gets a value.
 */
async function probe(client: SecretsManagerClient, SecretId: string, version: WantedVersion): Promise<void> {
  const label = 'id' in version ? {} : { VersionStage: version.stage };
  try {
    await client.send(new GetSecretValueCommand({ SecretId, VersionId: randomUUID(), ...label }));
  } catch (error) {
    const message = messageOf(error);
    // There is no such version, or the label is on another one.
    if (message.includes('secret value for') || message.includes('not associated to the provided VersionId'))
      return;
    throw explainReading(error, SecretId);
  }
}

/** Whether the version exists, and under which key it is, as far as DescribeSecret is allowed. */
async function lookAtVersion(
  client: SecretsManagerClient,
  secret: string,
  version: WantedVersion,
): Promise<Readable> {
  try {
    const { VersionIdsToStages = {}, KmsKeyId } = await describe(client, secret);
    const labels = Object.values(VersionIdsToStages).flat();
    if ('stage' in version && !labels.includes(version.stage)) throw noVersion(secret, version.stage);
    const isDefaultKey = KmsKeyId === undefined || KmsKeyId === 'alias/aws/secretsmanager';
    return {
      notes: isDefaultKey ? [] : [`whether you may use its key ${KmsKeyId} (kms:Decrypt) is not known`],
    };
  } catch (error) {
    if (!isKeyturnError(error, 'AccessDenied')) throw error;
    return {
      notes: ['whether it has this version is not known: secretsmanager:DescribeSecret is not allowed'],
    };
  }
}

function noVersion(secret: string, label: string): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `Secret ${secret} has no version with the label ${label}.`,
    'Check the label: keyturn status tells which there are.',
  );
}

function binarySecret(secret: string): KeyturnError {
  return new KeyturnError(
    'SecretIsBinary',
    `The value of ${secret} is binary.`,
    'Store it as text (SecretString), in base64 for instance.',
  );
}

function explainReading(error: unknown, secret: string): KeyturnError {
  if (isKeyturnError(error)) return error;
  const name = error instanceof Error ? error.name : '';
  const message = messageOf(error);
  if (name === 'InvalidRequestException' && message.includes('marked for deletion')) {
    return new KeyturnError(
      'SecretMarkedForDeletion',
      `Secret ${secret} is marked for deletion.`,
      `Restore it, or remove the reference: aws secretsmanager restore-secret --secret-id ${secret}`,
      { cause: error },
    );
  }
  if (name === 'DecryptionFailure' || /\bKMS\b/.test(message)) {
    return new KeyturnError(
      'AccessDenied',
      `The value of ${secret} can't be decrypted: ${message.replace(/\.?$/, '.')}`,
      'Have kms:Decrypt allowed to you under its key, by your policy and by the key policy.',
      { cause: error },
    );
  }
  const explained = explain(error, { action: 'secretsmanager:GetSecretValue', resource: secret });
  if (!isKeyturnError(explained, 'SecretNotFound') || !secret.includes('@')) return explained;
  const remedy = `Check the name; a label of your own follows a key: ${secret.replace('@', '#@value@')}.`;
  return new KeyturnError('SecretNotFound', `There is no secret ${secret}.`, remedy, { cause: error });
}
