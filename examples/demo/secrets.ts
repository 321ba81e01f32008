import {
  CreateSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { PostgresServer } from '../../test/support/postgres-server.ts';
import { database, type Login } from './database.ts';

export const secretName = 'dev/demo/Postgres';
export const adminSecretName = 'dev/demo/PostgresAdmin';
export const kmsKey = 'alias/keyturn-demo';
const mask = '****';

/** The form of the login's secret: AWS's JSON, or a connection string. */
export type SecretForm = 'json' | 'connection-string';

/** A secret as an application reads it. */
export interface StoredSecret {
  readonly login: Login;
  /** The whole text, with masked password. */
  readonly masked: string;
  /** Everything but the login. */
  readonly rest: string;
}

interface NewSecret {
  readonly name: string;
  readonly description: string;
  readonly value: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Stores the login. @returns the secret's ARN */
export async function storeLogin(
  client: SecretsManagerClient,
  postgres: PostgresServer,
  login: Login,
  { form, adminSecretArn }: { readonly form: SecretForm; readonly adminSecretArn: string | undefined },
): Promise<string> {
  const named = { name: secretName, description: 'The login of the demo application' };
  if (form === 'connection-string') {
    const tags: Record<string, string> =
      adminSecretArn === undefined ? {} : { 'keyturn:admin': adminSecretArn };
    return store(client, { ...named, value: connectionString(postgres, login), tags });
  }
  const fields = {
    ...fieldsOf(postgres, login),
    ...(adminSecretArn === undefined ? {} : { masterarn: adminSecretArn }),
    // A field that Keyturn doesn't know and must not change.
    owner: 'team-demo',
  };
  return store(client, { ...named, value: JSON.stringify(fields) });
}

function connectionString({ host, port }: PostgresServer, { username, password }: Login): string {
  const [user, secret] = [username, password].map(encodeURIComponent);
  return `postgres://${user}:${secret}@${host}:${port}/${database}?sslmode=verify-full&application_name=orders`;
}

/** Stores the admin of alternating users. @returns the secret's ARN */
export async function storeAdmin(client: SecretsManagerClient, postgres: PostgresServer): Promise<string> {
  return store(client, {
    name: adminSecretName,
    description: 'The administrator of the demo database',
    value: JSON.stringify(fieldsOf(postgres, postgres.admin)),
  });
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
function fieldsOf(
  { host, port }: PostgresServer,
  { username, password }: Login,
): Readonly<Record<string, unknown>> {
  return { engine: 'postgres', host, port, username, password, dbname: database };
}

async function store(
  client: SecretsManagerClient,
  { name, description, value, tags = {} }: NewSecret,
): Promise<string> {
  const { ARN } = await client.send(
    new CreateSecretCommand({
      Name: name,
      Description: description,
      KmsKeyId: kmsKey,
      Tags: [
        { Key: 'environment', Value: 'dev' },
        { Key: 'application', Value: 'demo' },
        ...Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      ],
      SecretString: value,
    }),
  );
  if (ARN === undefined) throw new Error(`CreateSecret answered without the ARN of ${name}.`);
  return ARN;
}

/** Reads the secret as an application does. */
export async function readSecret(client: SecretsManagerClient): Promise<StoredSecret> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretName }));
  return SecretString.startsWith('{') ? readJson(SecretString) : readConnectionString(SecretString);
}

function readJson(text: string): StoredSecret {
  const { username, password, ...rest }: Record<string, unknown> = JSON.parse(text);
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new Error(`${secretName} holds no username and password.`);
  }
  const masked = JSON.stringify({ ...rest, username, password: mask });
  return { login: { username, password }, masked, rest: JSON.stringify(rest) };
}

/** Reads it with the URL class instead of Keyturn, as an application does. */
function readConnectionString(text: string): StoredSecret {
  const { username, password } = new URL(text);
  const login = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  // Masked by position: the URL class encodes some characters that the text has unencoded.
  return {
    login,
    masked: text.replace(/(?<=:\/\/[^:@/]*:)[^@/]*(?=@)/, mask),
    rest: text.replace(/(?<=:\/\/)[^@/]*@/, ''),
  };
}
