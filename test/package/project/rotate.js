// Rotates a password of the service with the bundle of a function: node rotate.js BUNDLE. Prints the new length.
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { startLocalSecretsManager } from 'keyturn/local';
import { startHttpService } from './http-service.js';

const [bundle = ''] = process.argv.slice(2);
const service = await startHttpService();
service.passwords.set('robot', 'first-password');
const local = await startLocalSecretsManager();
const client = new SecretsManagerClient(local.clientConfig);

Object.assign(process.env, {
  SECRETS_MANAGER_ENDPOINT: local.url,
  KEYTURN_ROTATOR: 'http-password',
  PASSWORD_LENGTH: '30',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});
const { handler } = await import(pathToFileURL(resolve(bundle)).href);
const context = { functionName: 'own', awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 30_000 };
const RotationLambdaARN = local.registerFunction('own', (event) => handler(event, context));

const SecretString = JSON.stringify({ host: service.url, username: 'robot', password: 'first-password' });
await client.send(new CreateSecretCommand({ Name: 'robot', SecretString }));
const RotationRules = { AutomaticallyAfterDays: 30 };
await client.send(new RotateSecretCommand({ SecretId: 'robot', RotationLambdaARN, RotationRules }));
await local.rotated('robot');
const { SecretString: rotated = '{}' } = await client.send(new GetSecretValueCommand({ SecretId: 'robot' }));
const { password } = JSON.parse(rotated);
if (service.passwords.get('robot') !== password) throw new Error('The service has another password.');
await local.close();
await service.stop();
client.destroy();
console.log(`Rotated: ${password.length} characters`);
