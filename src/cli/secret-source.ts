import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { ReadabilityCheck } from '../render/check.ts';
import type { SecretSource } from '../render/secrets.ts';
import { createAwsSecretsManagement } from '../secrets-manager/aws.ts';
import type { WantedVersion } from '../secrets-manager/port.ts';
import { connect, regionOf } from './rotation/clients.ts';

/** Where secrets are. */
export interface Place {
  readonly endpoint: string | undefined;
  /** The region of secrets given by name. The region of an ARN is in the ARN. */
  readonly region: string | undefined;
}

/** Reads secrets with the AWS SDK, with one client for each region. */
export function createSecretSource(
  place: Place,
  environment: NodeJS.ProcessEnv,
): SecretSource & ReadabilityCheck {
  const clients = new Map<string, Promise<SecretsManagerClient>>();
  const client = (secret: string): Promise<SecretsManagerClient> => {
    const region = regionOf(secret) ?? place.region;
    const found =
      clients.get(region ?? '') ??
      connect({ secret, endpoint: place.endpoint, region }, environment).secretsManager();
    clients.set(region ?? '', found);
    return found;
  };
  const secretsManager = createAwsSecretsManagement({ client, reader: 'person' });

  return {
    read: (secret, version) => withHint(secret, secretsManager.read(secret, version)),
    tags: async (secret) => (await secretsManager.describe(secret)).tags,
    check: async (secret, version) => {
      await withHint(secret, secretsManager.checkReadable(secret, version));
      return { notes: await lookAtVersion(secret, version) };
    },
  };

  /**
   * Checks that the version exists. Notes what can't be known: whether you may use the secret's own key, and, if
   * DescribeSecret is not allowed, whether the version exists.
   *
   * @throws SecretHasNoValue
   */
  async function lookAtVersion(secret: string, version: WantedVersion): Promise<readonly string[]> {
    try {
      const { stages, kmsKeyId } = await secretsManager.describe(secret);
      const labels = Object.values(stages).flat();
      if ('stage' in version && !labels.includes(version.stage)) throw noVersion(secret, version.stage);
      const isDefaultKey = kmsKeyId === undefined || kmsKeyId === 'alias/aws/secretsmanager';
      return isDefaultKey ? [] : [`whether you may use its key ${kmsKeyId} (kms:Decrypt) is not known`];
    } catch (error) {
      if (!isKeyturnError(error, 'AccessDenied')) throw error;
      return ['whether it has this version is not known: secretsmanager:DescribeSecret is not allowed'];
    }
  }
}

/** Other tools write a label right after the name. If such a secret isn't found, the error says how to write it here. */
async function withHint<T>(secret: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!isKeyturnError(error, 'SecretNotFound') || !secret.includes('@')) throw error;
    const remedy = `Check the name; a label of your own follows a key: ${secret.replace('@', '#@value@')}.`;
    throw new KeyturnError('SecretNotFound', `There is no secret ${secret}.`, remedy, { cause: error });
  }
}

function noVersion(secret: string, label: string): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `Secret ${secret} has no version with the label ${label}.`,
    'Check the label: keyturn status lists the labels.',
  );
}
