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

/** A secret's fields, as they are stored. */
export type StoredFields = Readonly<Record<string, unknown>>;

interface NewSecret {
  readonly name: string;
  readonly description: string;
  readonly fields: StoredFields;
}

/** Stores the login in AWS's JSON form. @returns the secret's ARN */
export async function storeLogin(
  client: SecretsManagerClient,
  postgres: PostgresServer,
  login: Login,
  adminSecretArn: string | undefined,
): Promise<string> {
  return store(client, {
    name: secretName,
    description: 'The login of the demo application',
    fields: {
      ...fieldsOf(postgres, login),
      ...(adminSecretArn === undefined ? {} : { masterarn: adminSecretArn }),
      // Means nothing to Keyturn, which has to leave it as it is.
      owner: 'team-demo',
    },
  });
}

/** Stores the login that alternates the two users. @returns the secret's ARN */
export async function storeAdmin(client: SecretsManagerClient, postgres: PostgresServer): Promise<string> {
  return store(client, {
    name: adminSecretName,
    description: 'The administrator of the demo database',
    fields: fieldsOf(postgres, postgres.admin),
  });
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
function fieldsOf({ host, port }: PostgresServer, { username, password }: Login): StoredFields {
  return { engine: 'postgres', host, port, username, password, dbname: database };
}

async function store(
  client: SecretsManagerClient,
  { name, description, fields }: NewSecret,
): Promise<string> {
  const { ARN } = await client.send(
    new CreateSecretCommand({
      Name: name,
      Description: description,
      KmsKeyId: kmsKey,
      Tags: [
        { Key: 'environment', Value: 'dev' },
        { Key: 'application', Value: 'demo' },
      ],
      SecretString: JSON.stringify(fields),
    }),
  );
  if (ARN === undefined) throw new Error(`CreateSecret answered without the ARN of ${name}.`);
  return ARN;
}

/** What an application gets that reads the secret now. */
export async function readFields(client: SecretsManagerClient): Promise<StoredFields> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretName }));
  const fields: unknown = JSON.parse(SecretString);
  if (typeof fields !== 'object' || fields === null) throw new Error(`${secretName} holds no JSON object.`);
  return { ...fields };
}

export function loginIn({ username, password }: StoredFields): Login {
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  throw new Error(`${secretName} holds no username and password.`);
}

/** Whether two values of the secret differ in nothing but the login. */
export function sameBesidesLogin(one: StoredFields, other: StoredFields): boolean {
  const rest = ({ username: _username, password: _password, ...fields }: StoredFields): string =>
    JSON.stringify(fields);
  return rest(one) === rest(other);
}
