import type { Filter, SecretListEntry, SecretVersionsListEntry } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { expectError, start, token } from './harness.ts';

async function startWithSecrets() {
  const harness = await start();
  const { client } = harness;
  await client.createSecret({
    Name: 'dev/db',
    Description: 'Orders database',
    Tags: [{ Key: 'team', Value: 'red' }],
  });
  await client.createSecret({
    Name: 'dev/api',
    Description: 'payments',
    Tags: [{ Key: 'owner', Value: 'blue' }],
  });
  await client.createSecret({ Name: 'prod/db', SecretString: 'v', ClientRequestToken: token('one') });
  const names = async (
    request: { Filters?: Filter[]; SortOrder?: 'asc' | 'desc'; IncludePlannedDeletion?: boolean } = {},
  ) => (await client.listSecrets(request)).SecretList?.map(({ Name }) => Name);
  return { ...harness, names };
}

describe('ListSecrets', () => {
  it('tells of each secret what DescribeSecret tells', async () => {
    const { client } = await startWithSecrets();
    const { SecretList = [] } = await client.listSecrets({});
    const { $metadata, VersionIdsToStages, ...described } = await client.describeSecret({
      SecretId: 'prod/db',
    });
    expect(SecretList[2]).toEqual({ ...described, SecretVersionsToStages: VersionIdsToStages });
  });

  it.each<[NonNullable<Filter['Key']>, string[], string[]]>([
    ['name', ['dev/'], ['dev/db', 'dev/api']],
    ['name', ['Dev/'], []],
    ['name', ['!dev/'], ['prod/db']],
    ['name', ['dev/a', 'prod'], ['dev/api', 'prod/db']],
    ['description', ['orders'], ['dev/db']],
    ['description', ['data ord'], ['dev/db']],
    ['tag-key', ['team'], ['dev/db']],
    ['tag-value', ['blue'], ['dev/api']],
    ['all', ['DB'], ['dev/db', 'prod/db']],
    ['all', ['red'], ['dev/db']],
    ['owning-service', ['rds'], []],
  ])('filters %s by %j', async (Key, Values, expected) => {
    const { names } = await startWithSecrets();
    expect(await names({ Filters: [{ Key, Values }] })).toEqual(expected);
  });

  it('needs all filters to match', async () => {
    const { names } = await startWithSecrets();
    expect(
      await names({
        Filters: [
          { Key: 'name', Values: ['dev/'] },
          { Key: 'all', Values: ['payments'] },
        ],
      }),
    ).toEqual(['dev/api']);
  });

  it('pages through everything once, in both orders', async () => {
    const { client, names } = await startWithSecrets();
    for (const SortOrder of ['asc', 'desc'] as const) {
      const found: SecretListEntry[] = [];
      let NextToken: string | undefined;
      do {
        const page = await client.listSecrets({ MaxResults: 1, NextToken, SortOrder });
        found.push(...(page.SecretList ?? []));
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
      expect(found.map(({ Name }) => Name)).toEqual(await names({ SortOrder }));
      expect(found).toHaveLength(3);
    }
    await expectError(
      client.listSecrets({ NextToken: 'nonsense' }),
      'InvalidNextTokenException',
      /NextToken/,
    );
  });

  it('leaves out what is marked for deletion, unless asked', async () => {
    const { client, names } = await startWithSecrets();
    await client.deleteSecret({ SecretId: 'dev/db' });
    expect(await names()).toEqual(['dev/api', 'prod/db']);
    expect(await names({ IncludePlannedDeletion: true })).toEqual(['dev/db', 'dev/api', 'prod/db']);
  });
});

describe('ListSecretVersionIds', () => {
  it('lists labelled versions, all of them when asked, and in pages', async () => {
    const { client } = await startWithSecrets();
    for (const word of ['two', 'three']) {
      await client.putSecretValue({
        SecretId: 'prod/db',
        SecretString: word,
        ClientRequestToken: token(word),
      });
    }
    const ids = (versions: SecretVersionsListEntry[] = []) => versions.map(({ VersionId }) => VersionId);
    const labelled = await client.listSecretVersionIds({ SecretId: 'prod/db' });
    expect(ids(labelled.Versions)).toEqual([token('two'), token('three')]);
    expect(labelled.Versions?.[1]).toMatchObject({
      VersionStages: ['AWSCURRENT'],
      KmsKeyIds: ['DefaultEncryptionKey'],
    });
    const first = await client.listSecretVersionIds({
      SecretId: 'prod/db',
      IncludeDeprecated: true,
      MaxResults: 2,
    });
    const second = await client.listSecretVersionIds({
      SecretId: 'prod/db',
      IncludeDeprecated: true,
      NextToken: first.NextToken,
    });
    expect([...ids(first.Versions), ...ids(second.Versions)]).toEqual(['one', 'two', 'three'].map(token));
    expect(second.NextToken).toBeUndefined();
  });
});

describe('GetRandomPassword', () => {
  it('has 32 characters, of each type one at least', async () => {
    const { client } = await start();
    const { RandomPassword = '' } = await client.getRandomPassword({});
    expect(RandomPassword).toHaveLength(32);
    for (const type of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]) expect(RandomPassword).toMatch(type);
  });

  it('leaves out what is excluded, down to one character', async () => {
    const { client } = await start();
    const digits = await client.getRandomPassword({
      PasswordLength: 4_096,
      ExcludeLowercase: true,
      ExcludeUppercase: true,
      ExcludePunctuation: true,
      ExcludeCharacters: '0123',
    });
    expect(digits.RandomPassword).toMatch(/^[4-9]{4096}$/);
    const spaces = await client.getRandomPassword({
      PasswordLength: 4,
      IncludeSpace: true,
      ExcludeNumbers: true,
      ExcludePunctuation: true,
      ExcludeLowercase: true,
      ExcludeUppercase: true,
    });
    expect(spaces.RandomPassword).toBe('    ');
  });

  it('refuses a password that can’t be made', async () => {
    const { client } = await start();
    await expectError(
      client.getRandomPassword({ PasswordLength: 3 }),
      'InvalidParameterException',
      'Password length is too short based on the required types.',
    );
    expect(
      (await client.getRandomPassword({ PasswordLength: 3, RequireEachIncludedType: false })).RandomPassword,
    ).toHaveLength(3);
    await expectError(
      client.getRandomPassword({ PasswordLength: 5_000 }),
      'ValidationException',
      /less than or equal to 4096/,
    );
    const nothing = {
      ExcludeLowercase: true,
      ExcludeUppercase: true,
      ExcludePunctuation: true,
      ExcludeNumbers: true,
    };
    await expectError(client.getRandomPassword(nothing), 'InvalidParameterException', /no characters/);
  });
});
