import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/local/index.ts';
import { expectError, stagesOf, start, token } from './harness.ts';

const notFound = "Secrets Manager can't find the specified secret.";
const startMs = Date.UTC(2024, 0, 15, 10, 30, 0, 250);

describe('CreateSecret', () => {
  it('makes a secret with all that was asked, under an ARN with a random end', async () => {
    const { client } = await start({
      region: 'eu-west-1',
      accountId: '210987654321',
      clock: manualClock(startMs),
    });
    const created = await client.createSecret({
      Name: 'dev/db',
      Description: 'a login',
      KmsKeyId: 'alias/mine',
      SecretString: 'first',
      ClientRequestToken: token('one'),
      Tags: [{ Key: 'team', Value: 'a' }],
    });
    expect(created).toMatchObject({
      ARN: expect.stringMatching(
        /^arn:aws:secretsmanager:eu-west-1:210987654321:secret:dev\/db-[A-Za-z0-9]{6}$/,
      ),
      Name: 'dev/db',
      VersionId: token('one'),
    });
    const { $metadata, ...described } = await client.describeSecret({ SecretId: 'dev/db' });
    expect(described).toEqual({
      ARN: created.ARN,
      Name: 'dev/db',
      Description: 'a login',
      KmsKeyId: 'alias/mine',
      Tags: [{ Key: 'team', Value: 'a' }],
      CreatedDate: new Date(startMs),
      LastChangedDate: new Date(startMs),
      VersionIdsToStages: { [token('one')]: ['AWSCURRENT'] },
    });
  });

  it('makes an empty secret, whose first value is AWSCURRENT', async () => {
    const { client } = await start();
    expect((await client.createSecret({ Name: 'empty' })).VersionId).toBeUndefined();
    expect((await client.describeSecret({ SecretId: 'empty' })).VersionIdsToStages).toBeUndefined();
    const missing = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    await expectError(client.getSecretValue({ SecretId: 'empty' }), 'ResourceNotFoundException', missing);
    const put = await client.putSecretValue({
      SecretId: 'empty',
      SecretString: 'v',
      VersionStages: ['mine'],
    });
    expect(put.VersionStages?.sort()).toEqual(['AWSCURRENT', 'mine']);
  });

  it('answers the same request again, and refuses another one', async () => {
    const { client } = await start();
    const request = { Name: 'n', SecretString: 'v', ClientRequestToken: token('one') };
    const { ARN } = await client.createSecret(request);
    expect(await client.createSecret(request)).toMatchObject({ ARN, VersionId: token('one') });
    await expectError(
      client.createSecret({ ...request, SecretString: 'other' }),
      'ResourceExistsException',
      `You can't use ClientRequestToken ${token('one')} because that value is already in use for a version of secret ${ARN}.`,
    );
    await expectError(
      client.createSecret({ Name: 'n', SecretString: 'v' }),
      'ResourceExistsException',
      'The operation failed because the secret n already exists.',
    );
  });

  it('refuses bad names, too many tags, and two kinds of value', async () => {
    const { client } = await start();
    await expectError(
      client.createSecret({ Name: 'a b' }),
      'ValidationException',
      /^Invalid name\. Must be a valid name/,
    );
    const many = Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
    await expectError(client.createSecret({ Name: 'n', Tags: many }), 'InvalidParameterException', /50 tags/);
    await expectError(
      client.createSecret({ Name: 'n', SecretString: 'a', SecretBinary: Buffer.from('a') }),
      'InvalidParameterException',
      "The request had invalid params: You can't specify both a binary secret value and a string secret value in the same secret.",
    );
    expect((await client.listSecrets({})).SecretList).toEqual([]);
  });
});

describe('a secret', () => {
  it('is found by name, ARN and ARN without its end', async () => {
    const { client } = await start();
    const { ARN = '' } = await client.createSecret({ Name: 'dev/db', SecretString: 'v' });
    for (const SecretId of ['dev/db', ARN, ARN.slice(0, -7)]) {
      expect((await client.getSecretValue({ SecretId })).SecretString).toBe('v');
    }
    for (const SecretId of [
      'dev',
      'DEV/DB',
      ARN.slice(0, -1),
      `${ARN.slice(0, -6)}xxxxxx`,
      ARN.replace('us-east-1', 'eu-west-1').slice(0, -7),
    ]) {
      await expectError(client.getSecretValue({ SecretId }), 'ResourceNotFoundException', notFound);
    }
  });

  it('keeps text and bytes as they are', async () => {
    const { client } = await start();
    const text = `quotes "' \\ \n \u0000 Ünïcødé 🗝`;
    const bytes = new Uint8Array([0, 255, 1, 128]);
    await client.createSecret({ Name: 'text', SecretString: text });
    await client.createSecret({ Name: 'bytes', SecretBinary: bytes });
    expect((await client.getSecretValue({ SecretId: 'text' })).SecretString).toBe(text);
    const got = await client.getSecretValue({ SecretId: 'bytes' });
    expect(new Uint8Array(got.SecretBinary ?? [])).toEqual(bytes);
    expect(got.SecretString).toBeUndefined();
  });

  it('takes a value of 65536 bytes and no more', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '\u0001'.repeat(65_536) });
    const tooLong = client.putSecretValue({ SecretId: 'n', SecretString: 'é'.repeat(32_769) });
    await expectError(tooLong, 'ValidationException', /length less than or equal to 65536/);
  });
});

describe('PutSecretValue and UpdateSecret', () => {
  it('move AWSCURRENT, and AWSPREVIOUS follows', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '1', ClientRequestToken: token('one') });
    await client.putSecretValue({ SecretId: 'n', SecretString: '2', ClientRequestToken: token('two') });
    await client.updateSecret({ SecretId: 'n', SecretString: '3', ClientRequestToken: token('three') });
    expect(await stagesOf(client, 'n')).toEqual({
      [token('three')]: ['AWSCURRENT'],
      [token('two')]: ['AWSPREVIOUS'],
    });
    expect(await client.getSecretValue({ SecretId: 'n', VersionId: token('one') })).not.toHaveProperty(
      'VersionStages',
    );
  });

  it('attach the stages that are asked for, taking them off others', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '1', ClientRequestToken: token('one') });
    for (const word of ['two', 'three']) {
      const VersionStages = ['AWSPENDING', 'mine'];
      await client.putSecretValue({
        SecretId: 'n',
        SecretString: word,
        ClientRequestToken: token(word),
        VersionStages,
      });
    }
    expect(await stagesOf(client, 'n')).toEqual({
      [token('one')]: ['AWSCURRENT'],
      [token('three')]: ['AWSPENDING', 'mine'],
    });
  });

  it.each(['putSecretValue', 'updateSecret'] as const)(
    '%s: the same token twice changes nothing',
    async (operation) => {
      const { client } = await start();
      const { ARN } = await client.createSecret({
        Name: 'n',
        SecretString: '1',
        ClientRequestToken: token('one'),
      });
      const put = async (SecretString: string, word: string) => {
        const request = { SecretId: 'n', SecretString, ClientRequestToken: token(word) };
        return operation === 'putSecretValue' ? client.putSecretValue(request) : client.updateSecret(request);
      };
      await put('2', 'two');
      await put('3', 'three');
      const before = await stagesOf(client, 'n');
      expect(await put('2', 'two')).toMatchObject({ ARN, VersionId: token('two') });
      await expectError(
        put('other', 'two'),
        'ResourceExistsException',
        /because that value is already in use for a version/,
      );
      expect(await stagesOf(client, 'n')).toEqual(before);
    },
  );

  it('need a value, and a secret', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    await expectError(
      client.putSecretValue({ SecretId: 'n' }),
      'InvalidRequestException',
      'You must provide either SecretString or SecretBinary.',
    );
    await expectError(
      client.putSecretValue({ SecretId: 'm', SecretString: 'v' }),
      'ResourceNotFoundException',
      notFound,
    );
  });

  it('UpdateSecret changes description and key, and encrypts labelled versions anew', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '1' });
    const updated = await client.updateSecret({ SecretId: 'n', Description: 'new', KmsKeyId: 'alias/other' });
    expect(updated.VersionId).toBeUndefined();
    expect(await client.describeSecret({ SecretId: 'n' })).toMatchObject({
      Description: 'new',
      KmsKeyId: 'alias/other',
    });
    expect((await client.listSecretVersionIds({ SecretId: 'n' })).Versions).toMatchObject([
      { KmsKeyIds: ['alias/other'] },
    ]);
    expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe('1');
  });
});
