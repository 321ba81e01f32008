import { readFile } from 'node:fs/promises';
import { PutResourcePolicyCommand, UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PolicyJson, startLocalSecretsManager } from '../../src/local/index.ts';
import { functionKey, type TestSecretsManager } from '../../src/testing/secrets.ts';
import {
  account,
  allow,
  clientOf,
  otherAccount,
  policy,
  root,
  session,
  user,
} from '../local/access-harness.ts';
import { canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { functionName, policyOf, readRole } from './role.ts';

const keyArn = `arn:aws:kms:us-east-1:${otherAccount}:key/shared`;
const owner = user('owner', { policies: [policy(allow('*'))] }, otherAccount);

/** What the two accounts must allow. Each test leaves one of these out. */
interface Settings {
  readonly servedAccountIds?: string;
  readonly withSecretPolicy?: boolean;
  readonly withKeyPolicy?: boolean;
  readonly withRoleForKey?: boolean;
  readonly ownKey?: boolean;
}

describe('a secret of another account, by the role of the template and the policies of docs/cross-account.md', () => {
  let documented: { readonly secret: string; readonly key: object };
  beforeAll(async () => {
    const page = await readFile(new URL('../../docs/cross-account.md', import.meta.url), 'utf8');
    const block = (name: string): string => {
      const [, json = ''] = new RegExp(`\`\`\`json policy=${name}\n(.*?)\`\`\``, 's').exec(page) ?? [];
      return json
        .replaceAll('role/keyturn-RotationRole', 'role/rotation')
        .replaceAll('function:keyturn', `function:${functionName}`);
    };
    documented = { secret: block('secret'), key: JSON.parse(block('key')) };
  });

  async function rotate({
    servedAccountIds = otherAccount,
    withSecretPolicy = true,
    withKeyPolicy = true,
    withRoleForKey = true,
    ownKey = true,
  }: Settings = {}): Promise<string | undefined> {
    const given = { functionName, servedAccountIds, ...(withRoleForKey && { kmsKeyArn: keyArn }) };
    const role = session('rotation', {
      accessKeyId: functionKey,
      policies: [policyOf(await readRole(given))],
    });
    const ofItsAccount = allow('kms:*', { Principal: { AWS: `arn:aws:iam::${otherAccount}:root` } });
    const keyPolicy: PolicyJson = policy(ofItsAccount, ...(withKeyPolicy ? [documented.key] : []));
    const start = async (retryDelaysMs: readonly number[] = []): Promise<TestSecretsManager> => {
      const local = await startLocalSecretsManager({
        retryDelaysMs,
        policies: 'enforce',
        principals: [root, owner, role],
        keys: [{ arn: keyArn, policy: keyPolicy }],
      });
      const [client, functionClient] = [clientOf(local, owner), clientOf(local, role)];
      const close = async () => {
        client.destroy();
        functionClient.destroy();
        await local.close();
      };
      return { local, client, functionClient, close };
    };
    const fixture = await startFixture({}, 0, start);
    try {
      const login = await createLogin();
      const SecretId = await fixture.createSecret(secretOf(login));
      expect(SecretId).toContain(`:${otherAccount}:`);
      if (ownKey) await fixture.client.send(new UpdateSecretCommand({ SecretId, KmsKeyId: keyArn }));
      const ResourcePolicy = documented.secret;
      if (withSecretPolicy)
        await fixture.client.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }));
      const failure = await fixture.rotate(SecretId);
      const works = await canLogIn(loginOf(await fixture.read(SecretId)));
      expect(works).toBe(true);
      expect(await canLogIn(login)).toBe(failure !== undefined);
      return failure;
    } finally {
      await fixture.close();
    }
  }

  it('is rotated', async () => {
    expect(await rotate()).toBeUndefined();
  });

  it.each([
    [
      'the parameter servedAccountIds',
      { servedAccountIds: '' },
      /AccessDenied: secretsmanager:DescribeSecret/,
    ],
    [
      'that account among those served',
      { servedAccountIds: '333333333333' },
      /AccessDenied: secretsmanager:DescribeSecret/,
    ],
    ["the secret's policy", { withSecretPolicy: false }, /AccessDenied: secretsmanager:DescribeSecret/],
    ["the key's policy", { withKeyPolicy: false }, /AccessDenied: .*GetSecretValue.*KMS/],
    ['the parameter kmsKeyArn', { withRoleForKey: false }, /AccessDenied: .*GetSecretValue.*KMS/],
    ['a key of its own', { ownKey: false }, /default KMS service key.*Correct what the message names/],
  ])('is not rotated without %s', async (_, settings, refused) => {
    expect(await rotate(settings)).toMatch(refused);
  });

  it('is of another account than the function', () => {
    expect(documented.secret).toContain(`arn:aws:iam::${account}:role/`);
    expect(JSON.stringify(documented.key)).toContain(`arn:aws:iam::${account}:role/`);
  });
});
