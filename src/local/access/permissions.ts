import { functionArn, homeOf, type Partition, partitionOf, secretArn } from '../arn.ts';
import type { Secret } from '../model.ts';
import { primaryRegionOf } from '../replication.ts';
import type { Body } from './body.ts';
import type { AccessRequest } from './decide.ts';
import type { ConditionContext, PolicyJson } from './principals.ts';

/** What a request is about. */
export interface Subject {
  readonly operation: string;
  readonly body: Body;
  /** The caller's account, and the region that was asked. */
  readonly partition: Partition;
  /** The secret, if it names one that exists. */
  readonly secret: Secret | undefined;
}

const ON_NO_RESOURCE = new Set(['BatchGetSecretValue', 'GetRandomPassword', 'ListSecrets']);

/**
 * What a request needs to be allowed.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 */
export function permissionsOf(subject: Subject): readonly AccessRequest[] {
  const { operation, secret } = subject;
  const arn = secretArnOf(subject);
  const facts = {
    accountId: homeOf(arn).accountId,
    context: contextOf(subject, arn),
    policy: secret && policyOf(secret),
  };
  return [operation, ...furtherActions(subject)].map((action) => ({
    action: `secretsmanager:${action}`,
    resource: ON_NO_RESOURCE.has(action) ? '*' : arn,
    ...facts,
  }));
}

/** PutResourcePolicy has found it well-formed. */
function policyOf({ policy }: Secret): PolicyJson | undefined {
  if (policy === undefined) return undefined;
  const document: PolicyJson = JSON.parse(policy);
  return document;
}

/** The "required permissions" of the operations' own pages. */
function furtherActions({ operation, body }: Subject): readonly string[] {
  switch (operation) {
    case 'BatchGetSecretValue':
      return body.has('Filters') ? ['ListSecrets'] : [];
    case 'CreateSecret':
      return [
        ...(body.has('Tags') ? ['TagResource'] : []),
        ...(body.has('AddReplicaRegions') ? ['ReplicateSecretToRegions'] : []),
      ];
    case 'ValidateResourcePolicy':
      return ['PutResourcePolicy'];
    default:
      return [];
  }
}

/**
 * The secret's ARN. A secret that isn't there has the ARN that its name makes without six random characters, so that
 * whoever may not touch it can't learn that it isn't there.
 */
export function secretArnOf({ body, partition, secret }: Subject): string {
  const id = secret?.arn ?? body.text('SecretId') ?? body.text('Name') ?? '*';
  return partitionOf(id) ? id : secretArn(partition, id);
}

/** The condition keys of a request, whether its action has them or not: the library knows which one has which. */
function contextOf({ operation, body, partition, secret }: Subject, arn: string): ConditionContext {
  const rotationFunction = body.text('RotationLambdaARN');
  return withoutUndefined({
    'secretsmanager:SecretId': body.has('SecretId') ? arn : undefined,
    'secretsmanager:Name': body.text('Name'),
    'secretsmanager:Description': body.text('Description'),
    'secretsmanager:Type': body.text('Type'),
    'secretsmanager:KmsKeyId': body.text('KmsKeyId'),
    'secretsmanager:VersionId': body.text('VersionId'),
    'secretsmanager:VersionStage': stageOf(operation, body),
    'secretsmanager:RotationLambdaARN': rotationFunction && functionArn(partition, rotationFunction),
    'secretsmanager:ModifyRotationRules': String(body.has('RotationRules')),
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
  });
}

/** GetSecretValue reads AWSCURRENT when it isn't told what to read. */
function stageOf(operation: string, body: Body): string | readonly string[] | undefined {
  const asked = body.text('VersionStage') ?? body.texts('VersionStages');
  return asked ?? (operation === 'GetSecretValue' && !body.has('VersionId') ? 'AWSCURRENT' : undefined);
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
