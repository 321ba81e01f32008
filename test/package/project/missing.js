// What is said where an optional package is missing: prints a JSON object of messages, by package.
import {
  CreateSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createRotationHandler } from 'keyturn';
import { createLambdaHandler } from 'keyturn/lambda';
import { startLocalSecretsManager } from 'keyturn/local';
import { apiTokens } from 'keyturn/rotators/api-token';
import { elastiCache, memoryDb } from 'keyturn/rotators/elasticache';
import { mysql } from 'keyturn/rotators/mysql';
import { oauthRotators } from 'keyturn/rotators/oauth';
import { postgres } from 'keyturn/rotators/postgres';
import { redis } from 'keyturn/rotators/redis';
import { sqlServer } from 'keyturn/rotators/sqlserver';
import { randomWalks } from 'keyturn/testing';

const login = { host: '127.0.0.1', port: 1, username: 'app', password: 'old' };
const event = { Step: 'createSecret', SecretId: 'a', ClientRequestToken: 'b'.repeat(36) };

/** An admin changes it. Whether the admin's server is the source of the secret's, only RDS's API can tell. */
const byAdmin = {
  kind: 'changes',
  name: 'by-admin',
  overlap: 'none',
  changedBy: 'admin',
  parse: ({ host, username, password }) => ({ host, username, password }),
  target: ({ host, username }) => ({ host, account: username }),
  generate: async () => ({ password: 'new' }),
  open: async () => ({ close: async () => undefined }),
  change: async () => undefined,
};
const rdsHost = (name) => `${name}.c0ffee.us-east-1.rds.amazonaws.com`;

/** Rotates a secret. @returns what the rotation failed with */
async function rotate(rotators, rotator, fields, { admin, lambdaEndpoint } = {}) {
  const options = lambdaEndpoint === undefined ? {} : { lambdaEndpoint };
  const local = await startLocalSecretsManager({ retryDelaysMs: [], ...options });
  const client = new SecretsManagerClient(local.clientConfig);
  const handler = createRotationHandler({
    rotators,
    client,
    environment: {},
    configuration: { defaultRotator: rotator },
  });
  const create = async (Name, value) => {
    const { ARN } = await client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }));
    return ARN;
  };
  const masterarn = admin && (await create('admin', admin));
  await create('secret', masterarn === undefined ? fields : { ...fields, masterarn });
  const RotationLambdaARN =
    lambdaEndpoint === undefined
      ? local.registerFunction('own', handler)
      : 'arn:aws:lambda:us-east-1:123456789012:function:own';
  const RotationRules = { AutomaticallyAfterDays: 30 };
  await client.send(new RotateSecretCommand({ SecretId: 'secret', RotationLambdaARN, RotationRules }));
  const failure = await failureOf(local.rotated('secret'));
  await local.close();
  client.destroy();
  return failure;
}

async function failureOf(promise) {
  return promise.then(
    () => 'It did not fail.',
    ({ name, message }) => `${name}: ${message}`,
  );
}

const client = {
  client_id: 'a',
  client_secret: 'b',
  access_token: 'c',
  token_endpoint: 'http://127.0.0.1:1/token',
};
const traced = createLambdaHandler({ POWERTOOLS_TRACE_ENABLED: 'true' }, () => async () => undefined);
const openTelemetry = createLambdaHandler({ KEYTURN_TRACING: 'opentelemetry' }, () => async () => undefined);

async function main() {
  const said = {
    pg: await rotate([postgres()], 'postgres', login),
    mysql2: await rotate([mysql()], 'mysql', login),
    ioredis: await rotate([redis()], 'redis', login),
    '@aws-sdk/client-elasticache': await rotate([elastiCache()], 'elasticache', {
      username: 'app',
      password: 'old',
      user_arn: 'arn:aws:elasticache:us-east-1:123456789012:user:app',
    }),
    '@aws-sdk/client-memorydb': await rotate([memoryDb()], 'memorydb', {
      username: 'app',
      password: 'old',
      user_arn: 'arn:aws:memorydb:us-east-1:123456789012:user/app',
    }),
    tedious: await rotate([sqlServer()], 'sqlserver', login),
    oauth4webapi: await rotate(oauthRotators(), 'oauth/client-credentials', client),
    undici: await rotate(apiTokens({ ca: () => 'a CA' }), 'api-token/jupyterhub', {
      host: 'http://127.0.0.1:1',
      username: 'robot',
      token: 'a',
      tokenId: 'b',
    }),
    '@aws-sdk/client-rds': await rotate(
      [byAdmin],
      'by-admin',
      { ...login, host: rdsHost('replica') },
      { admin: { ...login, host: rdsHost('source'), username: 'admin' } },
    ),
    '@aws-sdk/client-lambda': await rotate([], 'none', login, { lambdaEndpoint: 'http://127.0.0.1:1' }),
    '@aws-lambda-powertools/tracer': await failureOf(traced(event, { functionName: 'own' })),
    '@opentelemetry/api': await failureOf(openTelemetry(event, { functionName: 'own' })),
    '@cloud-copilot/iam-simulate': await failureOf(startLocalSecretsManager({ policies: 'enforce' })),
    // The walks load it before they look at the rotator.
    'fast-check': await failureOf(randomWalks({}, { walks: 1 })),
  };
  console.log(JSON.stringify(said));
}

// Not awaited: a bundle that is one file defines its modules below.
main();
