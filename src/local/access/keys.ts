import { homeOf, keyArn } from '../arn.ts';
import { CURRENT } from '../labels.ts';
import { DEFAULT_KMS_KEY_ID } from '../model.ts';
import type { Store } from '../store/store.ts';
import type { AccessRequest } from './decide.ts';
import { type Subject, secretArnOf } from './permissions.ts';
import type { ConditionContext, LocalKey, PolicyJson } from './principals.ts';

/** A value that is to be encrypted or decrypted on the caller's behalf. */
interface KeyUse {
  readonly keyId: string;
  readonly actions: readonly string[];
  readonly versionId: string;
}

/**
 * What a request needs of the customer's key; nothing under the AWS managed key, which lets all of its account use it
 * by way of Secrets Manager.
 * @returns undefined when the key is named by an alias that no key has
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export function keyPermissionsOf(
  subject: Subject,
  store: Store,
  keys: readonly LocalKey[],
): readonly AccessRequest[] | undefined {
  const use = useOf(subject, store);
  if (!use || use.keyId.endsWith(DEFAULT_KMS_KEY_ID)) return [];
  const secretArn = secretArnOf(subject);
  const key = findKey(keys, use.keyId, keyArn(homeOf(secretArn), use.keyId));
  const context = contextOf(subject, secretArn, use.versionId);
  return key && use.actions.map((action) => useOfKey(key, action, context));
}

function useOf({ operation, body, secret }: Subject, store: Store): KeyUse | undefined {
  if (operation === 'GetSecretValue') {
    const versionId = body.text('VersionId') ?? secret?.labels[body.text('VersionStage') ?? CURRENT];
    const version = secret && versionId !== undefined ? store.version(secret.arn, versionId) : undefined;
    return version?.kmsKeyId === undefined
      ? undefined
      : { keyId: version.kmsKeyId, actions: ['Decrypt'], versionId: version.id };
  }
  if (!body.has('SecretString') && !body.has('SecretBinary')) return undefined;
  return {
    keyId: body.text('KmsKeyId') || (secret?.kmsKeyId ?? DEFAULT_KMS_KEY_ID),
    actions: ['GenerateDataKey', 'Decrypt'],
    versionId: body.text('ClientRequestToken') ?? '',
  };
}

/** A key that nobody has told of has the policy that AWS gives a new one; an alias that nobody has is no key. */
function findKey(keys: readonly LocalKey[], keyId: string, arn: string): LocalKey | undefined {
  const told = keys.find(
    (key) => key.arn === arn || key.aliases?.some((alias) => keyId === alias || keyId.endsWith(`:${alias}`)),
  );
  return told ?? (keyId.includes('alias/') ? undefined : { arn });
}

/** A use of a key for nothing in particular. */
export function useOfKey(key: LocalKey, action = 'Decrypt', context: ConditionContext = {}): AccessRequest {
  const [, aws, , , accountId = ''] = key.arn.split(':');
  return {
    action: `kms:${action}`,
    resource: key.arn,
    accountId,
    policy: key.policy ?? defaultPolicy(`arn:${aws}:iam::${accountId}:root`),
    context,
  };
}

function contextOf({ partition }: Subject, secretArn: string, versionId: string): ConditionContext {
  const { region } = homeOf(secretArn);
  return {
    'aws:RequestedRegion': region,
    'kms:ViaService': `secretsmanager.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
    'kms:CallerAccount': partition.accountId,
    'kms:EncryptionContextKeys': ['SecretARN', 'SecretVersionId'],
    'kms:EncryptionContext:SecretARN': secretArn,
    'kms:EncryptionContext:SecretVersionId': versionId,
  };
}

/** @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
function defaultPolicy(account: string): PolicyJson {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' }],
  };
}
