import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalPrincipal, LocalRole, LocalSecretsManager } from '../../src/local/index.ts';
import {
  account,
  allow,
  deny,
  otherAccount,
  policy,
  refusalOf,
  root,
  session,
  startEnforcing,
  user,
} from './access-harness.ts';
import { start } from './harness.ts';

function stsOf(
  { clientConfig }: LocalSecretsManager,
  principal?: LocalPrincipal,
  region = 'us-east-1',
): STSClient {
  const credentials = principal ?? clientConfig.credentials;
  const client = new STSClient({ ...clientConfig, region, credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

const identityOf = async (client: STSClient) => {
  const { $metadata: _, ...identity } = await client.send(new GetCallerIdentityCommand({}));
  return identity;
};

describe('GetCallerIdentity', () => {
  it('tells the account of an access key, where everybody may do everything', async () => {
    const { local } = await start();
    expect(await identityOf(stsOf(local))).toEqual({
      Account: account,
      Arn: `arn:aws:iam::${account}:root`,
      UserId: account,
    });
    const other = { arn: '', accessKeyId: otherAccount, secretAccessKey: 'x' };
    expect((await identityOf(stsOf(local, other))).Account).toBe(otherAccount);
  });

  it('tells who a principal is, without any permission', async () => {
    const [nobody, role] = [user('nobody'), session('role')];
    await using harness = await startEnforcing([nobody, role]);
    expect(await identityOf(stsOf(harness.local, nobody))).toEqual({
      Account: account,
      Arn: nobody.arn,
      UserId: expect.stringMatching(/^AIDA[A-Z2-7]{17}$/),
    });
    expect(await identityOf(stsOf(harness.local, role, 'eu-west-1'))).toEqual({
      Account: account,
      Arn: role.arn,
      UserId: expect.stringMatching(/^AROA[A-Z2-7]{17}:session$/),
    });
  });

  it('is refused in STS’s words', async () => {
    await using harness = await startEnforcing();
    const ask = (principal: LocalPrincipal) => refusalOf(identityOf(stsOf(harness.local, principal)));
    expect(await ask({ ...root, accessKeyId: 'AKIANOBODY' })).toBe(
      'InvalidClientTokenId: The security token included in the request is invalid.',
    );
    expect(await ask({ ...root, secretAccessKey: 'another' })).toMatch(/^SignatureDoesNotMatch: /);
  });

  it('is not told to a form that nobody signed', async () => {
    const { local } = await start();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const body = 'Action=GetCallerIdentity&Version=2011-06-15';
    const answer = await fetch(local.url, { method: 'POST', headers, body });
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('<Code>MissingAuthenticationToken</Code>'),
    ]);
  });
});

describe('AssumeRole', () => {
  const arn = `arn:aws:iam::${account}:role/reader`;
  const secrets = allow('secretsmanager:*');
  const trusting = (principal: string, more: object = {}) =>
    policy({ Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole', ...more });
  const roleOf = (more: Partial<LocalRole> = {}): LocalRole => ({
    arn,
    trustPolicy: trusting(`arn:aws:iam::${account}:root`),
    policies: [policy(secrets)],
    ...more,
  });
  const caller = user('caller', { policies: [policy(allow('sts:AssumeRole', { Resource: arn }))] });
  const RoleSessionName = 'work';

  const assume = async (
    role: LocalRole,
    more: Partial<ConstructorParameters<typeof AssumeRoleCommand>[0]> = {},
    by: LocalPrincipal = caller,
  ) => {
    const harness = await startEnforcing([by], { roles: [role] });
    onTestFinished(() => harness[Symbol.asyncDispose]());
    const command = new AssumeRoleCommand({ RoleArn: arn, RoleSessionName, ...more });
    const { Credentials, AssumedRoleUser } = await stsOf(harness.local, by).send(command);
    const credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    return { harness, credentials, expiration: Credentials?.Expiration, assumed: AssumedRoleUser };
  };

  it('gives a session of the role, with its rights', async () => {
    const { harness, credentials, expiration, assumed } = await assume(roleOf());
    const sessionArn = `arn:aws:sts::${account}:assumed-role/reader/work`;
    expect(assumed).toEqual({ Arn: sessionArn, AssumedRoleId: expect.stringMatching(/^AROA.*:work$/) });
    expect(credentials.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    const seconds = ((expiration?.getTime() ?? 0) - Date.now()) / 1000;
    expect(seconds > 3000 && seconds <= 3600).toBe(true);
    const holder = { arn: sessionArn, ...credentials };
    expect(await identityOf(stsOf(harness.local, holder))).toMatchObject({ Arn: sessionArn });
    const client = new SecretsManagerClient({ ...harness.local.clientConfig, credentials });
    onTestFinished(() => client.destroy());
    // It is allowed to ask, so the answer is that there is none.
    expect(await refusalOf(client.send(new GetSecretValueCommand({ SecretId: 'none' })))).toMatch(
      /^ResourceNotFoundException/,
    );
    const impostor = { ...holder, sessionToken: 'another' };
    expect(await refusalOf(identityOf(stsOf(harness.local, impostor)))).toMatch(/^InvalidClientTokenId/);
  });

  it('limits the session by a session policy', async () => {
    const Policy = JSON.stringify(policy(secrets, deny('secretsmanager:GetSecretValue')));
    const { harness, credentials } = await assume(roleOf(), { Policy });
    const client = new SecretsManagerClient({ ...harness.local.clientConfig, credentials });
    onTestFinished(() => client.destroy());
    expect(await refusalOf(client.send(new GetSecretValueCommand({ SecretId: 'none' })))).toContain(
      'with an explicit deny in a session policy',
    );
  });

  it('needs the role’s trust, and the caller’s permission unless he is trusted by name', async () => {
    const refused = `AccessDenied: User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn} `;
    const strangers = roleOf({ trustPolicy: trusting(`arn:aws:iam::${otherAccount}:root`) });
    expect(await refusalOf(assume(strangers))).toContain(refused);
    const unpermitted = user('caller');
    expect(await refusalOf(assume(roleOf(), {}, unpermitted))).toContain(refused);
    const named = roleOf({ trustPolicy: trusting(caller.arn) });
    expect(await refusalOf(assume(named, {}, unpermitted))).toBeUndefined();
    const missing = { RoleArn: `${arn}-2` };
    expect(await refusalOf(assume(roleOf(), missing))).toContain(`${arn}-2`);
  });

  it('asks for the external id', async () => {
    const Condition = { StringEquals: { 'sts:ExternalId': 'contract' } };
    const role = roleOf({ trustPolicy: trusting(`arn:aws:iam::${account}:root`, { Condition }) });
    expect(await refusalOf(assume(role))).toMatch(/^AccessDenied/);
    expect(await refusalOf(assume(role, { ExternalId: 'other' }))).toMatch(/^AccessDenied/);
    expect(await refusalOf(assume(role, { ExternalId: 'contract' }))).toBeUndefined();
  });

  it.each([
    [{ DurationSeconds: 899 }, /^ValidationError: .*greater than or equal to 900/],
    [{ DurationSeconds: 3601 }, /^ValidationError: .*MaxSessionDuration/],
    [{ RoleSessionName: 'a name' }, /^ValidationError: .*roleSessionName/],
    [{ RoleSessionName: '<&>' }, /Value '<&>' at 'roleSessionName'/],
    [{ Policy: '{' }, /^MalformedPolicyDocument/],
    [
      { Policy: '{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]}' },
      /^MalformedPolicyDocument/,
    ],
    [{ Tags: [{ Key: 'team', Value: 'a' }] }, /^ValidationError: .*Tags/],
    [{ SourceIdentity: 'somebody' }, /^ValidationError: .*SourceIdentity/],
  ])('refuses %j', async (more, refusal) => {
    expect(await refusalOf(assume(roleOf(), more))).toMatch(refusal);
  });

  it('knows no role where policies are not enforced, and says so', async () => {
    const { local } = await start();
    const command = new AssumeRoleCommand({ RoleArn: arn, RoleSessionName });
    expect(await refusalOf(stsOf(local).send(command))).toMatch(/^AccessDenied: .*--enforce/);
  });
});

describe('another service', () => {
  const scope = (service: string) =>
    `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const words = /request is for (\w+)\. Set AWS_ENDPOINT_URL_SECRETS_MANAGER/;

  it.each([
    ['kms', { 'Content-Type': 'application/x-amz-json-1.1' }, '"__type":"UnknownOperationException"'],
    ['sqs', form, '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>'],
    ['ec2', form, '<Response><Errors><Error><Code>UnknownOperationException</Code>'],
    ['s3', {}, '<Error><Code>UnknownOperationException</Code>'],
    ['monitoring', { 'Smithy-Protocol': 'rpc-v2-cbor' }, 'UnknownOperationException'],
  ])('%s hears in its own protocol that it is not here', async (service, headers: object, start_) => {
    const { local } = await start();
    const answer = await fetch(`${local.url}/some/path`, {
      method: 'POST',
      headers: { ...headers, Authorization: scope(service) },
      body: 'x',
    });
    const text = await answer.text();
    expect([answer.status >= 400 && answer.status < 500, text]).toEqual([
      true,
      expect.stringContaining(start_),
    ]);
    expect(text).toMatch(words);
  });
});
