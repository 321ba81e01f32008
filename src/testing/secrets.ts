import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  paginateListSecretVersionIds,
  ResourceNotFoundException,
  SecretsManagerClient,
  type SecretVersionsListEntry,
} from '@aws-sdk/client-secrets-manager';
import { readDocument, type SecretDocument } from '../documents/document.ts';
import { adminTag, readHints } from '../documents/hints.ts';
import {
  type Clock,
  type LocalSecretsManager,
  startLocalSecretsManager,
  systemClock,
} from '../local/index.ts';
import { rotatorTag } from '../rotation/select.ts';
import type { TestAccount } from './harness.ts';

/** A local Secrets Manager with two clients, so that the function's calls can be told apart and made to fail. */
export interface TestSecretsManager {
  readonly local: LocalSecretsManager;
  /** The test's client. */
  readonly client: SecretsManagerClient;
  /** The rotation function's client, which signs with {@link functionKey}. */
  readonly functionClient: SecretsManagerClient;
  close(): Promise<void>;
}

/** The access key of the rotation function's client, as events of the local Secrets Manager name it. */
export const functionKey = 'FUNCTION';

/**
 * Starts a local Secrets Manager in memory.
 *
 * @param retryDelaysMs milliseconds before each retry of a failed rotation. Default: no retries
 */
export async function startTestSecretsManager(
  retryDelaysMs: readonly number[] = [],
  clock: Clock = systemClock(),
): Promise<TestSecretsManager> {
  const local = await startLocalSecretsManager({ retryDelaysMs, clock });
  const client = new SecretsManagerClient(local.clientConfig);
  const credentials = { accessKeyId: functionKey, secretAccessKey: 'unused' };
  const functionClient = new SecretsManagerClient({ ...local.clientConfig, credentials });
  return {
    local,
    client,
    functionClient,
    close: async () => {
      client.destroy();
      functionClient.destroy();
      await local.close();
    },
  };
}

/** The ARNs of an account's secret and of its admin secret. */
export interface StoredAccount {
  readonly arn: string;
  readonly adminArn: string | undefined;
}

/** Stores an account's secret, and the admin secret that it names. */
export async function storeAccount(
  client: SecretsManagerClient,
  { secret, tags = {}, admin }: TestAccount,
): Promise<StoredAccount> {
  const adminArn = admin === undefined ? undefined : await create(client, JSON.stringify(admin), {});
  const arn =
    typeof secret === 'string'
      ? await create(client, secret, adminArn === undefined ? tags : { ...tags, [adminTag]: adminArn })
      : await create(client, JSON.stringify({ ...secret, masterarn: adminArn }), tags);
  return { arn, adminArn };
}

async function create(
  client: SecretsManagerClient,
  SecretString: string,
  tags: Readonly<Record<string, string>>,
): Promise<string> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { ARN } = await client.send(new CreateSecretCommand({ Name: randomUUID(), SecretString, Tags }));
  if (ARN === undefined) throw new Error('CreateSecret answered no ARN.');
  return ARN;
}

/** Reads a secret's text as a rotation reads it. */
export function documentOf(text: string, tags: Readonly<Record<string, string>> = {}): SecretDocument {
  const known = new Map(Object.entries(tags));
  return readDocument(text, { ...readHints(known, {}), rotatorIsNamed: known.has(rotatorTag) });
}

/** The text of an account's secret, before it names an admin secret. */
export function secretText({ secret }: TestAccount): string {
  return typeof secret === 'string' ? secret : JSON.stringify(secret);
}

/** A version of a secret with its value. */
export interface StoredVersion {
  readonly id: string;
  readonly labels: readonly string[];
  /** Undefined if the version has no value. */
  readonly text: string | undefined;
}

/** Reads all versions of a secret, including those without labels. */
export async function storedVersions(client: SecretsManagerClient, arn: string): Promise<StoredVersion[]> {
  const entries: SecretVersionsListEntry[] = [];
  const request = { SecretId: arn, IncludeDeprecated: true };
  for await (const page of paginateListSecretVersionIds({ client }, request))
    entries.push(...(page.Versions ?? []));
  return Promise.all(
    entries.map(async ({ VersionId: id = '', VersionStages: labels = [] }) => ({
      id,
      labels,
      text: await readVersion(client, arn, id),
    })),
  );
}

/** Reads a version's text. Undefined if it is empty, or was removed since it was listed. */
export async function readVersion(
  client: SecretsManagerClient,
  SecretId: string,
  VersionId: string,
): Promise<string | undefined> {
  try {
    return (await client.send(new GetSecretValueCommand({ SecretId, VersionId }))).SecretString;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
