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
  ACCOUNT,
  allow,
  deny,
  OTHER_ACCOUNT,
  policy,
  refusalOf,
  user,
  withSecret,
} from './access-harness.ts';

type Call = (client: SecretsManagerClient) => Promise<unknown>;

const SecretId = 'shop';
const lambda = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:rotate`;
const closed = JSON.stringify(policy(deny('secretsmanager:DeleteSecret', { Principal: '*' })));

const look: Call = (c) => c.send(new DescribeSecretCommand({ SecretId }));
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

/** What a statement's condition asks, and a call for which it holds, or does not. */
const holds: readonly (readonly [condition: object, call: Call])[] = [
  [{ ArnLike: { 'secretsmanager:SecretId': named('shop') } }, look],
  [{ StringLike: { 'secretsmanager:Name': 'new*' } }, create()],
  [{ StringEquals: { 'secretsmanager:KmsKeyId': 'customer' } }, create({ KmsKeyId: 'customer' })],
  [{ StringEquals: { 'secretsmanager:KmsKeyId': 'customer' } }, update('customer')],
  [current, read()],
  [{ Null: { 'secretsmanager:VersionId': 'true' } }, read()],
  [{ ArnEquals: { 'secretsmanager:RotationLambdaARN': lambda } }, rotate()],
  [{ Bool: { 'secretsmanager:RotateImmediately': 'false' } }, rotate({ RotateImmediately: false })],
  [{ StringEquals: { 'secretsmanager:ResourceTag/team': 'a' } }, look],
  [{ StringEquals: { 'aws:ResourceTag/team': ofPrincipal } }, look],
  [{ StringEquals: { 'aws:RequestTag/team': 'a' } }, tag('team', 'a')],
  [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } }, tag('team', 'a')],
  [{ Bool: { 'secretsmanager:BlockPublicPolicy': 'true' } }, protect({ BlockPublicPolicy: true })],
  [slowly, remove({ RecoveryWindowInDays: 30 })],
  [notAtOnce, remove({})],
  [inIreland, replicate('eu-west-1')],
  [{ ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:user/some*` } }, password],
  [{ StringEquals: { 'aws:PrincipalAccount': ACCOUNT } }, password],
  [{ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, password],
  [{ DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, password],
  [{ Bool: { 'aws:SecureTransport': 'true' } }, password],
  [{ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, password],
  [{ StringEquals: { 'aws:username': 'someone' } }, password],
];
const fails: typeof holds = [
  [{ ArnLike: { 'secretsmanager:SecretId': named('other') } }, look],
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
  [{ StringEquals: { 'aws:PrincipalAccount': OTHER_ACCOUNT } }, password],
  [{ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }, password],
  [{ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, password],
  [{ Null: { 'secretsmanager:resource/AllowRotationLambdaArn': 'false' } }, look],
];

describe('condition keys', () => {
  const answerTo = (Condition: object, call: Call) => {
    const someone = user('someone', {
      policies: [policy(allow('secretsmanager:*', { Condition }), allow('kms:*'))],
      context: { 'aws:PrincipalTag/team': 'a' },
    });
    return withSecret([someone], (harness) => {
      harness.local.registerFunction(lambda, () => undefined);
      return refusalOf(call(harness.as(someone)));
    });
  };

  it.each(holds)('%j holds', async (condition, call) => {
    expect(await answerTo(condition, call)).toBeUndefined();
  });

  it.each(fails)('%j does not hold', async (condition, call) => {
    expect(await answerTo(condition, call)).toContain(
      `AccessDeniedException: User: arn:aws:iam::${ACCOUNT}:user/someone`,
    );
  });
});
