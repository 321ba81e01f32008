import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ReplicateSecretToRegionsCommand,
  type SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { LocalPrincipal } from '../../src/local/index.ts';
import { account, allow, policy, refusalOf, user, withSecret } from './access-harness.ts';

const read = (client: SecretsManagerClient, SecretId: string) =>
  refusalOf(client.send(new GetSecretValueCommand({ SecretId })));

describe('a customer’s key', () => {
  const secrets = allow('secretsmanager:*');
  const via = (service: string, more: object = {}) => ({
    Condition: { StringEquals: { 'kms:ViaService': `${service}.us-east-1.amazonaws.com`, ...more } },
  });
  const answersTo = (...statements: object[]) => {
    const principal = user('someone', { policies: [policy(secrets, ...statements)] });
    return withSecret(
      [principal],
      async (harness, SecretId) => {
        const client = harness.as(principal);
        const put = new PutSecretValueCommand({ SecretId, SecretString: 'next' });
        return [await read(client, SecretId), await refusalOf(client.send(put))];
      },
      { KmsKeyId: 'customer' },
    );
  };
  const REFUSED = 'AccessDeniedException: Access to KMS is not allowed';

  it('needs kms:Decrypt to read, kms:GenerateDataKey besides to write, by way of Secrets Manager', async () => {
    expect(await answersTo()).toEqual([REFUSED, REFUSED]);
    expect(await answersTo(allow('kms:Decrypt', via('secretsmanager')))).toEqual([undefined, REFUSED]);
    expect(await answersTo(allow('kms:*', via('secretsmanager')))).toEqual([undefined, undefined]);
    expect(await answersTo(allow('kms:*', via('s3')))).toEqual([REFUSED, REFUSED]);
  });

  it('can’t be replaced by another key without permission to use it', async () => {
    const mayUpdate = (...statements: object[]) =>
      user('updater', { policies: [policy(allow('secretsmanager:*'), ...statements)] });
    const answerTo = (principal: LocalPrincipal) =>
      withSecret(
        [principal],
        (harness, SecretId) => {
          const update = new UpdateSecretCommand({ SecretId, KmsKeyId: 'alias/aws/secretsmanager' });
          return refusalOf(harness.as(principal).send(update));
        },
        { KmsKeyId: 'customer' },
      );
    expect(await answerTo(mayUpdate())).toBe(REFUSED);
    expect(await answerTo(mayUpdate(allow('kms:Decrypt')))).toBeUndefined();
  });

  it('is used with the secret and the version as the encryption context', async () => {
    const arn = `arn:aws:secretsmanager:us-east-1:${account}:secret:`;
    const bound = (name: string) => ({
      Condition: {
        StringLike: { 'kms:EncryptionContext:SecretARN': `${arn}${name}-??????` },
        Null: { 'kms:EncryptionContext:SecretVersionId': 'false' },
      },
    });
    expect(await answersTo(allow('kms:*', bound('shop')))).toEqual([undefined, undefined]);
    expect(await answersTo(allow('kms:*', bound('other')))).toEqual([REFUSED, REFUSED]);
  });
});

describe('the key of a replica', () => {
  const away = 'arn:aws:kms:eu-west-1:123456789012:key/away';
  const answersTo = (...statements: object[]) => {
    const policies = [policy(allow('secretsmanager:*'), ...statements)];
    const principal = user('someone', { policies });
    return withSecret(
      [principal],
      async (harness, SecretId) => {
        const client = harness.as(principal);
        const AddReplicaRegions = [{ Region: 'eu-west-1', KmsKeyId: 'away' }];
        const create = new CreateSecretCommand({ Name: 'new', SecretString: 'x', AddReplicaRegions });
        const replicate = new ReplicateSecretToRegionsCommand({ SecretId, AddReplicaRegions });
        return [await refusalOf(client.send(create)), await refusalOf(client.send(replicate))];
      },
      { KmsKeyId: 'customer' },
    );
  };
  const REFUSED = 'AccessDeniedException: Access to KMS is not allowed';

  it('needs kms:GenerateDataKey and kms:Encrypt in its region; that of the primary kms:Decrypt', async () => {
    const on = (arn: string) => ({ Resource: arn });
    const use = allow(['kms:GenerateDataKey', 'kms:Encrypt'], on(away));
    const read = allow('kms:Decrypt', on('arn:aws:kms:us-east-1:123456789012:key/customer'));
    expect(await answersTo(read)).toEqual([REFUSED, REFUSED]);
    expect(await answersTo(use)).toEqual([undefined, REFUSED]);
    expect(await answersTo(allow('kms:GenerateDataKey', on(away)), read)).toEqual([REFUSED, REFUSED]);
    expect(await answersTo(use, read)).toEqual([undefined, undefined]);
  });

  it('is not used from the address of the caller', async () => {
    const here = { Condition: { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } } };
    expect(await answersTo(allow('kms:*', here))).toEqual([REFUSED, REFUSED]);
  });
});

describe('what an operation does not read', () => {
  const resource = (name: string) => ({
    Resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:${name}-??????`,
  });

  it('decides nothing: another secret’s name beside that of CreateSecret, a stage beside VersionId, another key', async () => {
    const someone = user('someone', {
      policies: [
        policy(
          allow('secretsmanager:CreateSecret', resource('shop')),
          allow('secretsmanager:GetSecretValue', {
            Condition: { StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
          }),
          allow('secretsmanager:PutSecretValue'),
        ),
      ],
    });
    await withSecret(
      [someone],
      async (harness, SecretId) => {
        const call = (operation: string, body: object) =>
          harness.send(someone, operation, { ClientRequestToken: 'a'.repeat(32), ...body });
        const { VersionId } = await harness
          .as()
          .send(new DescribeSecretCommand({ SecretId }))
          .then(({ VersionIdsToStages = {} }) => ({ VersionId: Object.keys(VersionIdsToStages)[0] }));
        expect(await call('CreateSecret', { Name: 'theirs', SecretId })).toBe('AccessDeniedException');
        expect(await call('GetSecretValue', { SecretId, VersionId, VersionStages: ['AWSCURRENT'] })).toBe(
          'AccessDeniedException',
        );
        const KmsKeyId = 'alias/aws/secretsmanager';
        expect(await call('PutSecretValue', { SecretId, SecretString: 'x', KmsKeyId })).toBe(
          'AccessDeniedException',
        );
      },
      { KmsKeyId: 'customer' },
    );
  });
});
