import { readFileSync } from 'node:fs';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type PostgresOptions, postgres, postgresAlternatingUsers } from '../rotators/postgres/index.ts';
import { randomRotators } from '../rotators/random/index.ts';
import { type SqlServerOptions, sqlServer, sqlServerAlternatingUsers } from '../rotators/sqlserver/index.ts';
import { type Environment, flag, readConfiguration, text } from './configuration.ts';
import { KeyturnError } from './errors.ts';
import { createRotationHandler } from './handler.ts';
import { createLambdaHandler } from './powertools.ts';

function readCa(environment: Environment): string | undefined {
  const file = text(environment, 'KEYTURN_CA_FILE');
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeyturnError(
      'InvalidConfiguration',
      'KEYTURN_CA_FILE can not be read.',
      'Name a PEM file of the bundle.',
      {
        field: 'KEYTURN_CA_FILE',
        cause,
      },
    );
  }
}

function postgresOptions(environment: Environment): PostgresOptions {
  return {
    ca: () => readCa(environment),
    allowPlaintext: flag(environment, 'KEYTURN_ALLOW_PLAINTEXT') ?? false,
  };
}

function sqlServerOptions(environment: Environment): SqlServerOptions {
  return {
    ...postgresOptions(environment),
    trustServerCertificate: flag(environment, 'KEYTURN_TRUST_SERVER_CERTIFICATE') ?? false,
  };
}

/** The deployed function: which rotators it serves, and the only place that reads the process's environment. */
export const handler = createLambdaHandler(process.env, (telemetry) => {
  const endpoint = text(process.env, 'SECRETS_MANAGER_ENDPOINT');
  const options = postgresOptions(process.env);
  const forSqlServer = sqlServerOptions(process.env);
  return createRotationHandler({
    rotators: [
      postgres(options),
      postgresAlternatingUsers(options),
      sqlServer(forSqlServer),
      sqlServerAlternatingUsers(forSqlServer),
      ...randomRotators(),
    ],
    client: new SecretsManagerClient(endpoint === undefined ? {} : { endpoint }),
    configuration: readConfiguration(process.env),
    telemetry,
  });
});
