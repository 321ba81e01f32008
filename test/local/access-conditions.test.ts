import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  ReplicateSecretToRegionsCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import {
  account,
  allow,
  deny,
  otherAccount,
  policy,
  refusalOf,
  session,
  user,
  withSecret,
} from './access-harness.ts';

type Call = (client: SecretsManagerClient, arn: string) => Promise<unknown>;

const SecretId = 'shop';
const lambda = `arn:aws:lambda:us-east-1:${account}:function:rotate`;
const keyArn = `arn:aws:kms:us-east-1:${account}:key/customer`;
const RotationRules = { AutomaticallyAfterDays: 1 };
const closed = JSON.stringify(policy(deny('secretsmanager:DeleteSecret', { Principal: '*' })));

const look: Call = (c) => c.send(new DescribeSecretCommand({ SecretId }));
const lookByArn: Call = (c, arn) => c.send(new DescribeSecretCommand({ SecretId: arn }));
const password: Call = (c) => c.send(new GetRandomPasswordCommand({}));
const create =
  (more: object = {}): Call =>
  (c) =>
    c.send(new CreateSecretCommand({ Name: 'new', SecretString: 'x', ...more }));
const update =
  (KmsKeyId: string): Call =>
  (c) =>
    c.send(new UpdateSecretCommand({ SecretId, KmsKeyId }));
const read =
  (more: object = {}): Call =>
  (c) =>
    c.send(new GetSecretValueCommand({ SecretId, ...more }));
const rotate =
  (more: object = {}): Call =>
  (c) =>
    c.send(new RotateSecretCommand({ SecretId, RotationLambdaARN: lambda, ...more }));
const remove =
  (more: object): Call =>
  (c) =>
    c.send(new DeleteSecretCommand({ SecretId, ...more }));
const replicate =
  (Region: string): Call =>
  (c) =>
    c.send(new ReplicateSecretToRegionsCommand({ SecretId, AddReplicaRegions: [{ Region }] }));
const tag =
  (Key: string, Value: string): Call =>
  (c) =>
    c.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }));
const protect =
  (more: object = {}): Call =>
  (c) =>
    c.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy: closed, ...more }));

const named = (name: string) => `arn:aws:secretsmanager:*:*:secret:${name}-*`;
const current = { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': 'AWSCURRENT' } };
const slowly = { NumericGreaterThanEquals: { 'secretsmanager:RecoveryWindowInDays': '20' } };
const notAtOnce = { BoolIfExists: { 'secretsmanager:ForceDeleteWithoutRecovery': 'false' } };
const inIreland = { 'ForAllValues:StringEquals': { 'secretsmanager:AddReplicaRegions': ['eu-west-1'] } };
const ofPrincipal = ['$', '{aws:PrincipalTag/team}'].join('');

/** The condition of a statement, and a call for which it holds or doesn't. */
const holds: readonly (readonly [condition: object, call: Call])[] = [
  [{ ArnLike: { 'secretsmanager:SecretId': named('shop') } }, lookByArn],
  [{ StringLike: { 'secretsmanager:Name': 'new*' } }, create()],
  [{ ArnEquals: { 'secretsmanager:KmsKeyArn': keyArn } }, create({ KmsKeyId: 'customer' })],
  [{ StringEquals: { 'secretsmanager:KmsKeyId': 'customer' } }, create({ KmsKeyId: 'customer' })],
  [{ StringEquals: { 'secretsmanager:KmsKeyId': 'customer' } }, update('customer')],
  [current, read({ VersionStage: 'AWSCURRENT' })],
  [{ Null: { 'secretsmanager:VersionId': 'true' } }, read()],
  [{ ArnEquals: { 'secretsmanager:RotationLambdaARN': lambda } }, rotate()],
  [{ Bool: { 'secretsmanager:RotateImmediately': 'false' } }, rotate({ RotateImmediately: false })],
  [{ Bool: { 'secretsmanager:ModifyRotationRules': 'true' } }, rotate({ RotationRules })],
  [{ StringEquals: { 'secretsmanager:ResourceTag/team': 'a' } }, look],
  [{ StringEquals: { 'aws:ResourceTag/team': ofPrincipal } }, look],
  [{ StringEquals: { 'aws:RequestTag/team': 'a' } }, tag('team', 'a')],
  [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } }, tag('team', 'a')],
  [{ Bool: { 'secretsmanager:BlockPublicPolicy': 'true' } }, protect({ BlockPublicPolicy: true })],
  [slowly, remove({ RecoveryWindowInDays: 30 })],
  [notAtOnce, remove({})],
  [inIreland, replicate('eu-west-1')],
  [{ ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${account}:user/some*` } }, password],
  [{ StringEquals: { 'aws:PrincipalAccount': account } }, password],
  [{ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, password],
  [{ DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, password],
  [{ Bool: { 'aws:SecureTransport': 'true' } }, password],
  [{ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, password],
  [{ StringEquals: { 'aws:username': 'someone' } }, password],
];
const fails: typeof holds = [
  [{ ArnLike: { 'secretsmanager:SecretId': named('other') } }, lookByArn],
  // The value in the request is a name, and the key's type an ARN.
  [{ ArnLike: { 'secretsmanager:SecretId': named('shop') } }, look],
  [{ ArnNotLike: { 'secretsmanager:SecretId': named('shop') } }, look],
  [{ ArnEquals: { 'secretsmanager:KmsKeyArn': keyArn } }, create()],
  [{ ArnEquals: { 'secretsmanager:KmsKeyArn': keyArn } }, create({ KmsKeyId: 'alias/unknown' })],
  // A member that the request lacks has no condition key.
  [current, read()],
  [{ Bool: { 'secretsmanager:RotateImmediately': 'true' } }, rotate()],
  [{ Bool: { 'secretsmanager:ModifyRotationRules': 'false' } }, rotate()],
  [{ Bool: { 'secretsmanager:BlockPublicPolicy': 'false' } }, protect()],
  [{ Bool: { 'secretsmanager:ForceDeleteWithoutRecovery': 'false' } }, remove({})],
  [{ NumericEquals: { 'secretsmanager:RecoveryWindowInDays': '30' } }, remove({})],
  [{ StringLike: { 'secretsmanager:Name': 'old*' } }, create()],
  [{ StringEquals: { 'secretsmanager:KmsKeyId': 'other' } }, create({ KmsKeyId: 'customer' })],
  [current, read({ VersionStage: 'AWSPREVIOUS' })],
  [{ Null: { 'secretsmanager:VersionId': 'true' } }, read({ VersionId: 'a'.repeat(32) })],
  [{ ArnEquals: { 'secretsmanager:RotationLambdaARN': `${lambda}-2` } }, rotate()],
  [{ Bool: { 'secretsmanager:RotateImmediately': 'false' } }, rotate({ RotateImmediately: true })],
  [{ StringEquals: { 'secretsmanager:ResourceTag/team': 'b' } }, look],
  [{ StringEquals: { 'aws:ResourceTag/cost': ofPrincipal } }, look],
  [{ StringEquals: { 'aws:RequestTag/team': 'a' } }, tag('team', 'b')],
  [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } }, tag('cost', 'a')],
  [{ Bool: { 'secretsmanager:BlockPublicPolicy': 'true' } }, protect()],
  [slowly, remove({ RecoveryWindowInDays: 7 })],
  [notAtOnce, remove({ ForceDeleteWithoutRecovery: true })],
  [inIreland, replicate('eu-west-2')],
  [{ StringEquals: { 'aws:PrincipalAccount': otherAccount } }, password],
  [{ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }, password],
  [{ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, password],
  [{ Null: { 'secretsmanager:resource/AllowRotationLambdaArn': 'false' } }, look],
];

describe('condition keys', () => {
  const answerTo = (Condition: object, call: Call) => {
    const someone = user('someone', {
      policies: [policy(allow('secretsmanager:*', { Condition }), allow(['kms:*', 'lambda:InvokeFunction']))],
      context: { 'aws:PrincipalTag/team': 'a' },
    });
    return withSecret([someone], (harness, arn) => {
      harness.local.registerFunction(lambda, () => undefined);
      return refusalOf(call(harness.as(someone), arn));
    });
  };

  it.each(holds)('%j holds', async (condition, call) => {
    expect(await answerTo(condition, call)).toBeUndefined();
  });

  it.each(fails)('%j does not hold', async (condition, call) => {
    expect(await answerTo(condition, call)).toContain(
      `AccessDeniedException: User: arn:aws:iam::${account}:user/someone`,
    );
  });
});

describe('a function', () => {
  const answerTo = (...statements: object[]) => {
    const someone = user('someone', { policies: [policy(allow('secretsmanager:*'), ...statements)] });
    return withSecret([someone], async (harness, arn) => {
      harness.local.registerFunction(lambda, () => undefined);
      const first = await refusalOf(rotate()(harness.as(someone), arn));
      // Refused where the first one has begun a rotation: the function, which does nothing, never ends it.
      await refusalOf(rotate()(harness.as(), arn));
      const again = await refusalOf(harness.as(someone).send(new RotateSecretCommand({ SecretId })));
      return [first, again];
    });
  };

  it('rotates for whoever may invoke it, also when it is the secret’s already', async () => {
    const refusal =
      `AccessDeniedException: User: arn:aws:iam::${account}:user/someone is not authorized to perform: ` +
      `lambda:InvokeFunction on resource: ${lambda} because no identity-based policy allows the lambda:InvokeFunction action`;
    expect(await answerTo()).toEqual([refusal, refusal]);
    expect(await answerTo(allow('lambda:InvokeFunction', { Resource: `${lambda}-2` }))).toEqual([
      refusal,
      refusal,
    ]);
    const [first, again] = await answerTo(allow('lambda:InvokeFunction', { Resource: lambda }));
    expect(first).toBeUndefined();
    expect(again ?? '').not.toContain('AccessDenied');
  });
});

describe('a session', () => {
  it.each([
    [{ Bool: { 'aws:MultiFactorAuthPresent': 'false' } }],
    [{ DateLessThan: { 'aws:TokenIssueTime': '2999-01-01T00:00:00Z' } }],
  ])('is refused by a deny on %j, which AWS has for every session', async (Condition) => {
    const role = session('role', { policies: [policy(allow('*'), deny('*', { Condition }))] });
    await withSecret([role], async (harness) => {
      expect(await refusalOf(look(harness.as(role), ''))).toContain('explicit deny');
    });
  });
});
