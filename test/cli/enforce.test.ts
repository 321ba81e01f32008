import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { refusalOf } from '../local/access-harness.ts';
import { temporaryFolder } from '../local/harness.ts';
import { runKeyturn, startKeyturnLocal } from './keyturn-process.ts';

const johndoe = fileURLToPath(new URL('../../examples/policies/johndoe.json', import.meta.url));

it('enforces the policies of a file', async () => {
  const { url: endpoint } = await startKeyturnLocal('--enforce', '--policies', johndoe);
  const as = (accessKeyId: string, secretAccessKey: string) =>
    new SecretsManagerClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    });
  const SecretId = 'dev/MyTestConnectionString/SqlServer';
  await as('ADMIN', 'of-the-admin').send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }));
  const client = as('JOHNDOE', 'of-johndoe');
  expect(await refusalOf(client.send(new GetSecretValueCommand({ SecretId })))).toBeUndefined();
  expect(await refusalOf(client.send(new GetResourcePolicyCommand({ SecretId })))).toContain(
    'with an explicit deny in an identity-based policy',
  );
});

it.each([
  [['--enforce'], 'go together'],
  [['--policies', johndoe], 'go together'],
  [['--enforce', '--policies', 'nowhere.json'], "nowhere.json can't be read (ENOENT)"],
])('refuses %j', async (args, problem) => {
  const ended = await runKeyturn('local', ...args);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(problem);
});

it.each([
  ['{', 'is not JSON'],
  ['{"principals": [{"arn": "x", "accessKeyId": "y"}]}', 'at principals.0.secretAccessKey'],
  ['{"principals": [], "rules": []}', 'at rules'],
])('refuses a file that holds %s', async (content, problem) => {
  const file = join(await temporaryFolder(), 'policies.json');
  await writeFile(file, content);
  const ended = await runKeyturn('local', '--enforce', '--policies', file);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(problem);
});
