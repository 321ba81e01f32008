import { arnInRegion, dnsSuffix, homeOf, keyArn } from '../arn.ts';
import { currentLabel } from '../labels.ts';
import { defaultKmsKeyId, type Secret } from '../model.ts';
import { kmsKeyOf } from '../operations/secrets.ts';
import type { Store } from '../store/store.ts';
import type { AccessRequest } from './decide.ts';
import { type Subject, secretArnOf } from './permissions.ts';
import { type ConditionContext, findKey, type LocalKey, type PolicyJson } from './principals.ts';

/** A use of a key: a value is encrypted or decrypted on the caller's behalf. */
interface KeyUse {
  readonly keyId: string;
  readonly actions: readonly string[];
  readonly versionId: string;
  /** The ARN of the replica whose value this is. Undefined for the secret itself. */
  readonly replicaArn?: string;
}

/**
 * The permissions that a request needs of customer managed keys. The AWS managed key needs none: everybody in its account may
 * use it through Secrets Manager.
 * @returns undefined if the request names an alias that no key has
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export function keyPermissionsOf(
  subject: Subject,
  store: Store,
  keys: readonly LocalKey[],
): readonly AccessRequest[] | undefined {
  const secretArn = secretArnOf(subject);
  const permissions = usesOf(subject, store)
    .filter(({ keyId }) => !keyId.endsWith(defaultKmsKeyId))
    .map(({ keyId, actions, versionId, replicaArn: arn = secretArn }) => {
      const key = findKey(keys, keyId, keyArn(homeOf(arn), keyId));
      const context = contextOf(subject, arn, versionId);
      return key && actions.map((action) => useOfKey(key, action, context));
    });
  return permissions.every((permission) => permission !== undefined) ? permissions.flat() : undefined;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html KmsKeyId */
function usesOf(subject: Subject, store: Store): readonly KeyUse[] {
  const { operation, body, secret } = subject;
  if (operation === 'GetSecretValue') {
    const versionId = body.text('VersionId') ?? secret?.labels[body.text('VersionStage') ?? currentLabel];
    return secret && versionId !== undefined ? readsOf(secret, [versionId], store) : [];
  }
  if (operation === 'AssociateCrossAccountReplica') return usesAbroad(subject, store);
  if (operation === 'ReplicateSecretToRegions') {
    const reads = secret ? readsOf(secret, Object.values(secret.labels), store) : [];
    const versionIds = reads.map(({ versionId }) => versionId);
    return [...reads, ...replicasOf(subject, versionIds)];
  }
  const before = secret ? kmsKeyOf(secret) : defaultKmsKeyId;
  const keyId = (body.text('KmsKeyId') ?? before) || defaultKmsKeyId;
  const versionId = body.text('ClientRequestToken') ?? '';
  const hasValue = body.has('SecretString') || body.has('SecretBinary');
  const writes = hasValue ? [{ keyId, actions: ['GenerateDataKey', 'Decrypt'], versionId }] : [];
  if (!secret) return [...writes, ...replicasOf(subject, hasValue ? [versionId] : [])];
  if (keyId === before) return writes;
  // Versions with labels are encrypted anew with the new key.
  const moved = readsOf(secret, Object.values(secret.labels), store);
  return [
    ...writes,
    ...moved,
    ...moved.map((read) => ({ ...read, keyId, actions: ['GenerateDataKey', 'Encrypt', 'Decrypt'] })),
  ];
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html */
function replicasOf(subject: Subject, versionIds: readonly string[]): readonly KeyUse[] {
  const { body } = subject;
  const regions = body.each('AddReplicaRegions', 'Region') ?? [];
  const keyIds = body.each('AddReplicaRegions', 'KmsKeyId') ?? [];
  return regions.flatMap((region, index) => {
    const replicaArn = arnInRegion(secretArnOf(subject), region);
    const keyId = keyIds[index] || defaultKmsKeyId;
    const actions = ['GenerateDataKey', 'Encrypt'];
    return versionIds.map((versionId) => ({ keyId, actions, versionId, replicaArn }));
  });
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/cross-account-replicate-associate.html */
function usesAbroad({ secret, replica }: Subject, store: Store): readonly KeyUse[] {
  const versionId = secret?.labels[currentLabel];
  if (!secret || !replica || versionId === undefined) return [];
  const encrypt = { keyId: kmsKeyOf(replica), actions: ['Encrypt'], versionId, replicaArn: replica.arn };
  return [...readsOf(secret, [versionId], store), encrypt];
}

/** Empty versions are encrypted with no key. */
function readsOf({ arn }: Secret, versionIds: readonly string[], store: Store): readonly KeyUse[] {
  return [...new Set(versionIds)].flatMap((versionId) => {
    const keyId = store.version(arn, versionId)?.kmsKeyId;
    return keyId === undefined ? [] : [{ keyId, actions: ['Decrypt'], versionId }];
  });
}

/** The permission to use a key. */
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
    'kms:ViaService': `secretsmanager.${region}.${dnsSuffix(region)}`,
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
