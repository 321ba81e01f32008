import {
  CreateSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { type AskedCall, explainAccess, type SecretFacts } from '../../src/local/access/explain.ts';
import type { LocalKey, LocalPrincipal } from '../../src/local/index.ts';
import {
  account,
  allow,
  deny,
  otherAccount,
  policy,
  refusalOf,
  root,
  startEnforcing,
  user,
} from './access-harness.ts';

const secretArn = `arn:aws:secretsmanager:us-east-1:${account}:secret:shop-abcdef`;
const shop: SecretFacts = {
  arn: secretArn,
  name: 'shop',
  tags: [{ Key: 'team', Value: 'a' }],
  policy: undefined,
  kmsKeyId: undefined,
  primaryRegion: undefined,
  type: undefined,
  functionArn: undefined,
};

function ask(
  principal: LocalPrincipal,
  operation: string,
  secret: SecretFacts | undefined = shop,
  keys: readonly LocalKey[] = [],
): ReturnType<typeof explainAccess> {
  const asked: AskedCall = {
    principal: principal.arn,
    operation,
    secret,
    partition: { region: 'us-east-1', accountId: account },
  };
  const principals = principal === root ? [root] : [root, principal];
  return explainAccess({ principals, keys }, asked);
}

describe('why a call is allowed or denied', () => {
  it('names the deny that decides, its policy and its place, with the allow beside it', async () => {
    const johndoe = user('johndoe', {
      policies: [
        policy(allow('secretsmanager:*')),
        policy(allow('s3:*'), deny('secretsmanager:GetResourcePolicy', { Sid: 'NoPolicies' })),
      ],
    });
    const { allowed, permissions } = await ask(johndoe, 'GetResourcePolicy');
    expect(allowed).toBe(false);
    const [permission] = permissions;
    expect(permission?.reason).toBe('with an explicit deny in an identity-based policy');
    expect(permission?.decisive).toMatchObject([
      { policy: 'identity policy 2', number: 2, sid: 'NoPolicies', effect: 'Deny', matches: true },
    ]);
    expect(JSON.parse(permission?.decisive[0]?.json ?? '')).toEqual(
      deny('secretsmanager:GetResourcePolicy', { Sid: 'NoPolicies' }),
    );
    expect(permission?.others.find(({ policy: name }) => name === 'identity policy 1')?.matches).toBe(true);
    expect(
      permission?.others.find(({ number, policy: name }) => name === 'identity policy 2' && number === 1)
        ?.misses,
    ).toContain('another action');
    expect((await ask(johndoe, 'DescribeSecret')).allowed).toBe(true);
  });

  it('says so where nothing allows it, and what each statement is about instead', async () => {
    const other = user('other', {
      policies: [
        policy(
          allow('secretsmanager:GetSecretValue', { Resource: `${secretArn.slice(0, -11)}another-??????` }),
          allow('secretsmanager:GetSecretValue', {
            Condition: { StringEquals: { 'secretsmanager:ResourceTag/team': 'b' } },
          }),
        ),
      ],
    });
    const { allowed, permissions } = await ask(other, 'GetSecretValue');
    expect(allowed).toBe(false);
    expect(permissions[0]?.reason).toBe(
      'because no identity-based policy allows the secretsmanager:GetSecretValue action',
    );
    expect(permissions[0]?.decisive).toEqual([]);
    expect(permissions[0]?.others.map(({ misses }) => misses)).toEqual([
      ['another resource'],
      ['a condition that does not hold'],
    ]);
    // The key as the policy has it, not as the evaluation names it.
    expect(permissions[0]?.others[1]?.json).toContain('secretsmanager:ResourceTag/team');
  });

  it('names the resource policy where that decides', async () => {
    const guest = user('guest');
    const shared = {
      ...shop,
      policy: JSON.stringify(
        policy(allow('secretsmanager:GetSecretValue', { Principal: { AWS: guest.arn } })),
      ),
    };
    const { allowed, permissions } = await ask(guest, 'GetSecretValue', shared);
    expect(allowed).toBe(true);
    expect(permissions[0]?.decisive.map(({ policy: name }) => name)).toEqual([
      "the secret's resource policy",
    ]);
  });

  it('asks for the key of the secret as well', async () => {
    const reader = user('reader', { policies: [policy(allow('secretsmanager:*'))] });
    const key = { arn: `arn:aws:kms:us-east-1:${account}:key/shared`, aliases: ['alias/shared'] };
    const encrypted = { ...shop, kmsKeyId: 'alias/shared' };
    const refused = await ask(reader, 'GetSecretValue', encrypted, [key]);
    expect(refused.permissions.map(({ action, allowed }) => [action, allowed])).toEqual([
      ['secretsmanager:GetSecretValue', true],
      ['kms:Decrypt', false],
    ]);
    expect((await ask(root, 'GetSecretValue', encrypted, [key])).allowed).toBe(true);
    expect((await ask(root, 'GetSecretValue', encrypted)).permissions.at(-1)?.reason).toBe(
      'because no key has that alias',
    );
    const abroad = user('abroad', { policies: [policy(allow('*'))] }, otherAccount);
    const open = { ...shop, policy: JSON.stringify(policy(allow('secretsmanager:*', { Principal: '*' }))) };
    const managed = (await ask(abroad, 'GetSecretValue', open)).permissions.at(-1);
    expect([managed?.action, managed?.allowed]).toEqual(['kms:Decrypt', false]);
  });

  it('uses a key as Secrets Manager does: from an address of its own, in the region of the secret', async () => {
    const arn = `arn:aws:kms:us-east-1:${account}:key/customer`;
    const encrypted = { ...shop, kmsKeyId: arn };
    const reader = (Condition: object) =>
      user('reader', {
        policies: [policy(allow('secretsmanager:*'), allow('kms:*', { Condition }))],
      });
    const answer = async (Condition: object, operation = 'GetSecretValue') =>
      (await ask(reader(Condition), operation, encrypted, [{ arn }])).allowed;
    expect(await answer({ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } })).toBe(false);
    expect(await answer({ Bool: { 'aws:ViaAWSService': 'true' } })).toBe(true);
    expect(await answer({ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } })).toBe(true);
    const never = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
    expect(await answer(never, 'ReplicateSecretToRegions')).toBe(false);
  });

  it('is the same as what is enforced', async () => {
    const principals = [
      user('reads', { policies: [policy(allow('secretsmanager:GetSecretValue'))] }),
      user('denied', {
        policies: [policy(allow('secretsmanager:*'), deny('secretsmanager:GetSecretValue'))],
      }),
      user('bounded', {
        policies: [policy(allow('secretsmanager:*'))],
        permissionsBoundary: policy(allow('secretsmanager:GetResourcePolicy')),
      }),
      user('shared'),
    ];
    await using harness = await startEnforcing(principals);
    const { ARN: arn = '' } = await harness
      .as()
      .send(new CreateSecretCommand({ Name: 'shop', SecretString: 'x' }));
    const ResourcePolicy = JSON.stringify(
      policy(allow('secretsmanager:GetResourcePolicy', { Principal: { AWS: principals[3]?.arn } })),
    );
    await harness.as().send(new PutResourcePolicyCommand({ SecretId: arn, ResourcePolicy }));
    for (const principal of principals) {
      const client = harness.as(principal);
      const answers = {
        GetSecretValue: await refusalOf(client.send(new GetSecretValueCommand({ SecretId: arn }))),
        GetResourcePolicy: await refusalOf(client.send(new GetResourcePolicyCommand({ SecretId: arn }))),
      };
      for (const [operation, refusal] of Object.entries(answers)) {
        const { allowed, permissions } = await ask(principal, operation, {
          ...shop,
          arn,
          tags: undefined,
          policy: ResourcePolicy,
        });
        expect([principal.arn, operation, allowed]).toEqual([
          principal.arn,
          operation,
          refusal === undefined,
        ]);
        const reason = permissions.find((permission) => !permission.allowed)?.reason ?? '';
        if (refusal !== undefined) expect(refusal).toContain(reason);
      }
    }
  });

  it('knows only the principals that it was given', async () => {
    await expect(
      explainAccess(
        { principals: [root] },
        {
          principal: 'arn:aws:iam::1:user/x',
          operation: 'ListSecrets',
          secret: undefined,
          partition: { region: 'us-east-1', accountId: account },
        },
      ),
    ).rejects.toThrow('none of the principals');
    expect((await ask(root, 'ListSecrets', undefined)).allowed).toBe(true);
  });
});
