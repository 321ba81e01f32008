import { homeOf, isFunctionArn, keyArn, type Partition, partitionOf, secretArn } from '../arn.ts';
import { managedPolicyOf } from '../cross-account.ts';
import type { Secret } from '../model.ts';
import { primaryRegionOf } from '../replication.ts';
import type { Body } from './body.ts';
import type { AccessRequest } from './decide.ts';
import { type ConditionContext, findKey, type LocalKey, type PolicyJson } from './principals.ts';

/** A request to Secrets Manager, with the secrets that it is about. */
export interface Subject {
  readonly operation: string;
  readonly body: Body;
  /** The caller's account, and the region that was called. */
  readonly partition: Partition;
  /** The secret, if it names one that exists. */
  readonly secret: Secret | undefined;
  /** The replica in another account, if it names one that exists. */
  readonly replica: Secret | undefined;
}

const actionsOnNoResource = new Set(['BatchGetSecretValue', 'GetRandomPassword', 'ListSecrets']);

/**
 * All permissions that a request needs.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 */
export function permissionsOf(subject: Subject, keys: readonly LocalKey[]): readonly AccessRequest[] {
  const { operation, secret } = subject;
  const arn = secretArnOf(subject);
  const context = contextOf(subject, arn, keys);
  const facts = { accountId: homeOf(arn).accountId, policy: secret && policyOf(secret) };
  const onSecret = [operation, ...furtherActions(subject)].flatMap((action) =>
    secretIdsOf(subject, arn).map((secretId) => ({
      action: `secretsmanager:${action}`,
      resource: actionsOnNoResource.has(action) ? '*' : arn,
      context: withoutUndefined({ ...context, 'secretsmanager:SecretId': secretId }),
      ...facts,
    })),
  );
  return [...onSecret, ...onFunction(subject), ...onReplica(subject)];
}

/**
 * The permissions at the replica: Secrets Manager accepts the replication there, in the caller's name.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/cross-account-replicate-associate.html
 */
function onReplica({ operation, body, replica }: Subject): readonly AccessRequest[] {
  const arn = body.text('CrossAccountReplicaARN') ?? '';
  if (operation !== 'AssociateCrossAccountReplica' || !partitionOf(arn)) return [];
  const { accountId } = homeOf(arn);
  const accept = { resource: arn, accountId, policy: replica && policyOf(replica) };
  const roleArn = body.text('ReplicationRoleARN');
  return [
    {
      action: 'secretsmanager:AcceptCrossAccountReplication',
      ...accept,
      context: { 'secretsmanager:SecretId': arn, ...tagsOf(replica) },
    },
    ...(roleArn === undefined ? [] : [passingOf(roleArn)]),
  ];
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html */
function passingOf(roleArn: string): AccessRequest {
  const [, , , , accountId = ''] = roleArn.split(':');
  const context = { 'iam:PassedToService': 'secretsmanager.amazonaws.com' };
  return { action: 'iam:PassRole', resource: roleArn, accountId, context };
}

/**
 * The values of the condition key `secretsmanager:SecretId`. AWS documents it as an ARN, and elsewhere as the value in the
 * request. If these differ, both must be allowed, so that nothing is allowed here that AWS may deny.
 */
function secretIdsOf({ body }: Subject, arn: string): readonly (string | undefined)[] {
  const asked = body.text('SecretId');
  return asked === undefined ? [undefined] : [...new Set([arn, asked])];
}

/**
 * The caller of RotateSecret must be allowed to invoke the function.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
 */
function onFunction({ operation, body, partition, secret }: Subject): readonly AccessRequest[] {
  const arn = body.text('RotationLambdaARN') || secret?.rotation?.lambdaArn;
  // The operation refuses a malformed ARN.
  if (operation !== 'RotateSecret' || arn === undefined || !isFunctionArn(arn)) return [];
  const request = requestOfFunction('InvokeFunction', arn);
  const isOwn = request.accountId === partition.accountId;
  return [isOwn ? request : { ...request, policy: openToOtherAccounts }];
}

/** Functions have no policies of their own here. A function of another account is assumed to let everybody in. */
const openToOtherAccounts: PolicyJson = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction', Resource: '*' }],
};

/** The permission to use a function. @param action without `lambda:` */
export function requestOfFunction(action: string, arn: string): AccessRequest {
  const [, , , , accountId = ''] = arn.split(':');
  return { action: `lambda:${action}`, resource: arn, accountId, context: {} };
}

/** All policies of a secret as one. PutResourcePolicy has checked them. */
function policyOf(secret: Secret): PolicyJson | undefined {
  const documents = [secret.policy, managedPolicyOf(secret)].flatMap((text): PolicyJson[] =>
    text === undefined ? [] : [JSON.parse(text)],
  );
  const [first, ...others] = documents;
  return others.length === 0
    ? first
    : { ...first, Statement: documents.flatMap(({ Statement }) => Statement) };
}

/** Further permissions, from "Required permissions" on the pages of the operations. */
function furtherActions({ operation, body, secret }: Subject): readonly string[] {
  switch (operation) {
    case 'AssociateCrossAccountReplica':
      return ['GetSecretValue'];
    case 'StopReplicationToReplica':
      return secret?.crossAccountPrimary ? ['DeleteResourcePolicy'] : [];
    case 'BatchGetSecretValue':
      return body.has('Filters') ? ['ListSecrets'] : [];
    case 'CreateSecret':
      return [
        ...(body.has('Tags') ? ['TagResource'] : []),
        ...(body.has('AddReplicaRegions') ? ['ReplicateSecretToRegions'] : []),
        ...(body.has('CrossAccountPrimaryARN') ? ['PutResourcePolicy'] : []),
      ];
    case 'ValidateResourcePolicy':
      return ['PutResourcePolicy'];
    default:
      return [];
  }
}

/**
 * The secret's ARN. If the secret doesn't exist, an ARN is made of its name, without the six random characters. So a caller who
 * may not use the secret can't learn whether it exists.
 */
export function secretArnOf({ body, partition, secret }: Subject): string {
  const id = secret?.arn ?? body.text('SecretId') ?? body.text('Name') ?? '*';
  return partitionOf(id) ? id : secretArn(partition, id);
}

/**
 * The condition keys of a request. Keys that its action doesn't have are included, because the library ignores them. As on
 * AWS, a member that the request leaves out has no key, even if the API has a default: a GetSecretValue without a stage has no
 * VersionStage.
 */
function contextOf({ body, secret }: Subject, arn: string, keys: readonly LocalKey[]) {
  const keyId = body.text('KmsKeyId');
  return {
    'secretsmanager:Name': body.text('Name'),
    'secretsmanager:Description': body.text('Description'),
    'secretsmanager:Type': body.text('Type'),
    'secretsmanager:KmsKeyId': keyId,
    'secretsmanager:KmsKeyArn': keyId && findKey(keys, keyId, keyArn(homeOf(arn), keyId))?.arn,
    'secretsmanager:VersionId': body.text('VersionId'),
    'secretsmanager:VersionStage': body.text('VersionStage') ?? body.texts('VersionStages'),
    'secretsmanager:RotationLambdaARN': body.text('RotationLambdaARN'),
    'secretsmanager:ExternalSecretRotationRoleArn': body.text('ExternalSecretRotationRoleArn'),
    'secretsmanager:ModifyRotationRules': body.has('RotationRules') ? 'true' : undefined,
    'secretsmanager:RotateImmediately': body.scalar('RotateImmediately'),
    'secretsmanager:BlockPublicPolicy': body.scalar('BlockPublicPolicy'),
    'secretsmanager:RecoveryWindowInDays': body.scalar('RecoveryWindowInDays'),
    'secretsmanager:ForceDeleteWithoutRecovery': body.scalar('ForceDeleteWithoutRecovery'),
    'secretsmanager:ForceOverwriteReplicaSecret': body.scalar('ForceOverwriteReplicaSecret'),
    'secretsmanager:AddReplicaRegions': body.each('AddReplicaRegions', 'Region'),
    'secretsmanager:SecretPrimaryRegion': secret && primaryRegionOf(secret),
    'secretsmanager:resource/AllowRotationLambdaArn': secret?.rotation?.lambdaArn,
    'secretsmanager:resource/Type': secret?.type,
    ...tagsOf(secret),
    ...requestTagsOf(body),
  };
}

function tagsOf(secret: Secret | undefined): ConditionContext {
  const tags = secret?.tags ?? [];
  return Object.fromEntries(tags.map(({ Key, Value }) => [`aws:ResourceTag/${Key}`, Value]));
}

function requestTagsOf(body: Body): Readonly<Record<string, string | readonly string[] | undefined>> {
  const keys = body.each('Tags', 'Key');
  const values = body.each('Tags', 'Value');
  return {
    'aws:TagKeys': keys ?? body.texts('TagKeys'),
    ...Object.fromEntries((keys ?? []).map((key, index) => [`aws:RequestTag/${key}`, values?.[index] ?? ''])),
  };
}

function withoutUndefined(
  context: Readonly<Record<string, string | readonly string[] | undefined>>,
): ConditionContext {
  return Object.fromEntries(
    Object.entries(context).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
