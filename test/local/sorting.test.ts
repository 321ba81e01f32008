import type { ListSecretsCommandInput, SecretListEntry } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/local/index.ts';
import { type Harness, start } from './harness.ts';

const day = 86_400_000;

async function startWithSecrets() {
  const clock = manualClock(Date.UTC(2024, 0, 15));
  const harness = await start({ clock });
  const { client } = harness;
  for (const Name of ['c', 'a', 'd', 'b']) {
    await clock.advance(1_000);
    await client.createSecret({ Name, SecretString: 'v' });
  }
  for (const SecretId of ['d', 'c']) {
    await clock.advance(day);
    await client.getSecretValue({ SecretId });
  }
  await client.updateSecret({ SecretId: 'a', Description: 'changed' });
  return harness;
}

/** The names in the order of the answers, read in pages of one. */
async function names({ client }: Harness, request: ListSecretsCommandInput): Promise<string> {
  const found: SecretListEntry[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.listSecrets({ ...request, MaxResults: 1, NextToken });
    found.push(...(page.SecretList ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found.map(({ Name }) => Name).join('');
}

describe('ListSecrets', () => {
  it.each<[ListSecretsCommandInput['SortBy'], string]>([
    [undefined, 'cadb'],
    ['created-date', 'cadb'],
    ['name', 'abcd'],
    ['last-changed-date', 'cdba'],
    ['last-accessed-date', 'abdc'],
  ])('sorts by %s, in both directions and in pages', async (SortBy, expected) => {
    const harness = await startWithSecrets();
    expect(await names(harness, { SortBy })).toBe(expected);
    expect(await names(harness, { SortBy, SortOrder: 'desc' })).toBe([...expected].reverse().join(''));
  });

  it('goes on where it was, whatever is added and removed meanwhile', async () => {
    const { client } = await startWithSecrets();
    const first = await client.listSecrets({ SortBy: 'name', MaxResults: 2 });
    await client.createSecret({ Name: 'aa' });
    await client.createSecret({ Name: 'cc' });
    await client.deleteSecret({ SecretId: 'c', ForceDeleteWithoutRecovery: true });
    const rest = await client.listSecrets({ SortBy: 'name', NextToken: first.NextToken });
    expect(rest.SecretList?.map(({ Name }) => Name)).toEqual(['cc', 'd']);
  });
});
