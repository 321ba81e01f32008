import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectError, start } from './harness.ts';

const notFound = "Secrets Manager can't find the specified secret.";

async function startWithClients() {
  const { local } = await start({ accountId: '111111111111' });
  const clientIn = (region: string, accessKeyId = 'AKIDEXAMPLE') => {
    const credentials = { accessKeyId, secretAccessKey: 'any' };
    const client = new SecretsManager({ endpoint: local.url, region, credentials, maxAttempts: 1 });
    onTestFinished(() => client.destroy());
    return client;
  };
  return { local, clientIn };
}

describe('accounts and regions', () => {
  it('are those of the signature, and each has its own secrets', async () => {
    const { clientIn } = await startWithClients();
    const home = await clientIn('eu-west-1').createSecret({ Name: 'n', SecretString: 'home' });
    const other = await clientIn('eu-west-1', '222222222222').createSecret({
      Name: 'n',
      SecretString: 'other',
    });
    const away = await clientIn('cn-north-1').createSecret({ Name: 'n', SecretString: 'away' });
    expect(home.ARN).toMatch(/^arn:aws:secretsmanager:eu-west-1:111111111111:secret:n-\w{6}$/);
    expect(other.ARN).toMatch(/^arn:aws:secretsmanager:eu-west-1:222222222222:secret:n-\w{6}$/);
    expect(away.ARN).toMatch(/^arn:aws-cn:secretsmanager:cn-north-1:111111111111:secret:n-\w{6}$/);
    expect((await clientIn('eu-west-1').getSecretValue({ SecretId: 'n' })).SecretString).toBe('home');
    expect((await clientIn('eu-west-1').listSecrets({})).SecretList).toMatchObject([{ ARN: home.ARN }]);
    await expectError(
      clientIn('us-east-1').getSecretValue({ SecretId: 'n' }),
      'ResourceNotFoundException',
      notFound,
    );
    await expectError(
      clientIn('us-east-1').getSecretValue({ SecretId: home.ARN }),
      'ResourceNotFoundException',
      notFound,
    );
  });

  it('share a secret by its ARN, unless the AWS managed key encrypts it', async () => {
    const { clientIn } = await startWithClients();
    const owner = clientIn('eu-west-1');
    const guest = clientIn('eu-west-1', '222222222222');
    const { ARN: SecretId } = await owner.createSecret({ Name: 'n', SecretString: '1' });
    const refused =
      "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";
    await expectError(guest.getSecretValue({ SecretId }), 'InvalidRequestException', refused);
    await expectError(
      guest.putSecretValue({ SecretId, SecretString: '2' }),
      'InvalidRequestException',
      refused,
    );
    expect((await guest.describeSecret({ SecretId })).Name).toBe('n');
    await owner.updateSecret({ SecretId, KmsKeyId: 'alias/shared' });
    expect((await guest.getSecretValue({ SecretId })).SecretString).toBe('1');
    await guest.putSecretValue({ SecretId, SecretString: '2' });
    expect((await owner.getSecretValue({ SecretId })).SecretString).toBe('2');
  });

  it('know a service that owns a secret by the secret’s name', async () => {
    const { clientIn } = await startWithClients();
    const client = clientIn('eu-west-1');
    const Tags = [
      { Key: 'aws:rds:primaryDBInstanceArn', Value: 'arn:aws:rds:eu-west-1:111111111111:db:orders' },
    ];
    await client.createSecret({ Name: 'rds!db-1', SecretString: 'v', Tags });
    await client.createSecret({ Name: 'mine', SecretString: 'v' });
    const described = await client.describeSecret({ SecretId: 'rds!db-1' });
    expect(described).toMatchObject({
      OwningService: 'rds',
      Tags: [{ Key: 'aws:secretsmanager:owningService', Value: 'rds' }, ...Tags],
    });
    const owned = await client.listSecrets({ Filters: [{ Key: 'owning-service', Values: ['rds'] }] });
    expect(owned.SecretList).toMatchObject([{ Name: 'rds!db-1', OwningService: 'rds' }]);
    await expectError(
      client.tagResource({ SecretId: 'mine', Tags }),
      'InvalidParameterException',
      'aws: prefixed tag key names are not allowed for external use.',
    );
  });
});
