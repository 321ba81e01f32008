import type { Filter } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { expectError, start } from './harness.ts';

async function startWithSecrets() {
  const harness = await start();
  const { client } = harness;
  await client.createSecret({ Name: 'dev/a', SecretString: 'a' });
  await client.createSecret({ Name: 'dev/b', SecretBinary: Buffer.from('b') });
  await client.createSecret({ Name: 'dev/empty' });
  await client.createSecret({ Name: 'gone', SecretString: 'g' });
  await client.deleteSecret({ SecretId: 'gone' });
  return harness;
}

describe('BatchGetSecretValue', () => {
  it('answers what it can in the order asked for, and tells what it can’t', async () => {
    const { client } = await startWithSecrets();
    const { SecretValues, Errors, NextToken } = await client.batchGetSecretValue({
      SecretIdList: ['dev/b', 'nowhere', 'dev/a', 'dev/empty', 'gone', 'no name'],
    });
    expect(SecretValues).toMatchObject([
      { Name: 'dev/b', VersionStages: ['AWSCURRENT'] },
      { Name: 'dev/a', SecretString: 'a' },
    ]);
    expect(Buffer.from(SecretValues?.[0]?.SecretBinary ?? []).toString()).toBe('b');
    expect(Errors).toEqual([
      {
        SecretId: 'nowhere',
        ErrorCode: 'ResourceNotFoundException',
        Message: "Secrets Manager can't find the specified secret.",
      },
      {
        SecretId: 'dev/empty',
        ErrorCode: 'ResourceNotFoundException',
        Message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
      },
      {
        SecretId: 'gone',
        ErrorCode: 'InvalidRequestException',
        Message: "You can't perform this operation on the secret because it was marked for deletion.",
      },
      {
        SecretId: 'no name',
        ErrorCode: 'ValidationException',
        Message: expect.stringMatching(/^Invalid name/),
      },
    ]);
    expect(NextToken).toBeUndefined();
  });

  it('goes by filters, in pages', async () => {
    const { client } = await startWithSecrets();
    const Filters: Filter[] = [{ Key: 'name', Values: ['dev/'] }];
    const first = await client.batchGetSecretValue({ Filters, MaxResults: 1 });
    expect(first.SecretValues).toMatchObject([{ Name: 'dev/a' }]);
    const rest = await client.batchGetSecretValue({ Filters, NextToken: first.NextToken });
    expect(rest.SecretValues).toMatchObject([{ Name: 'dev/b' }]);
    expect(rest.Errors).toMatchObject([{ ErrorCode: 'ResourceNotFoundException' }]);
    expect(rest.NextToken).toBeUndefined();
  });

  it('notes the access of each secret', async () => {
    const { client } = await startWithSecrets();
    await client.batchGetSecretValue({ SecretIdList: ['dev/a'] });
    expect((await client.describeSecret({ SecretId: 'dev/a' })).LastAccessedDate).toBeInstanceOf(Date);
    expect((await client.describeSecret({ SecretId: 'dev/b' })).LastAccessedDate).toBeUndefined();
  });

  it('takes either names or filters', async () => {
    const { client } = await start();
    const either = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
    const both = client.batchGetSecretValue({
      SecretIdList: ['a'],
      Filters: [{ Key: 'name', Values: ['a'] }],
    });
    await expectError(both, 'InvalidParameterException', either);
    await expectError(client.batchGetSecretValue({}), 'InvalidParameterException', either);
    await expectError(
      client.batchGetSecretValue({ SecretIdList: ['a'], MaxResults: 1 }),
      'InvalidParameterException',
      "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
    );
  });
});
