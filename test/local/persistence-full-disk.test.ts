import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { expectError, start } from './harness.ts';

const run = promisify(execFile);
const VALUE = 'v'.repeat(20_000);
const OTHER_VALUE = 'w'.repeat(60_000);
const FULL = /^The disk of \S+secrets\.db is full: nothing was stored\. Make room, and try again\.$/;

/** A disk of two megabytes. Only root may mount one. */
async function smallDisk(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-disk-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).catch((error: unknown) =>
    context.skip(`No small disk can be mounted: ${String(error)}`),
  );
  onTestFinished(async () => void (await run('umount', ['--lazy', folder])));
  return folder;
}

/** Makes secrets until one is refused; gives the names of those that were answered. */
async function createUntilRefused(client: SecretsManager, prefix: string): Promise<string[]> {
  const created: string[] = [];
  for (let n = 0; n < 1_000; n++) {
    const Name = `${prefix}-${n}`;
    const answered = await client.createSecret({ Name, SecretString: VALUE }).catch(() => undefined);
    if (!answered) return created;
    created.push(Name);
  }
  throw new Error('The disk does not get full.');
}

async function namesOf(client: SecretsManager): Promise<string[]> {
  const { SecretList = [] } = await client.listSecrets({ MaxResults: 100 });
  return SecretList.map(({ Name = '' }) => Name);
}

describe('a full disk', () => {
  it('refuses writes with a reason, loses nothing, goes on reading, and takes writes again', async (context) => {
    const folder = await smallDisk(context);
    await writeFile(join(folder, 'other'), Buffer.alloc(500_000));
    const { client } = await start({ dataDirectory: join(folder, 'data') });
    const created = await createUntilRefused(client, 'before');
    expect(created.length).toBeGreaterThan(10);
    await expectError(
      client.createSecret({ Name: 'more', SecretString: VALUE }),
      'InternalServiceError',
      FULL,
    );
    await expectError(
      client.putSecretValue({ SecretId: 'before-0', SecretString: OTHER_VALUE }),
      'InternalServiceError',
      FULL,
    );
    expect(await namesOf(client)).toEqual(created);
    for (const SecretId of created) {
      expect((await client.getSecretValue({ SecretId })).SecretString).toBe(VALUE);
    }
    await rm(join(folder, 'other'));
    await client.putSecretValue({ SecretId: 'before-0', SecretString: OTHER_VALUE });
    expect((await client.getSecretValue({ SecretId: 'before-0' })).SecretString).toBe(OTHER_VALUE);
  });

  it('has everything that was answered at the next start', async (context) => {
    const folder = await smallDisk(context);
    const dataDirectory = join(folder, 'data');
    const first = await start({ dataDirectory });
    // Many at once: some of what is committed together is refused together.
    const rounds = await Promise.all(
      ['a', 'b', 'c'].map((prefix) => createUntilRefused(first.client, prefix)),
    );
    await first.local.close();
    const second = await start({ dataDirectory });
    expect((await namesOf(second.client)).sort()).toEqual(rounds.flat().sort());
    for (const SecretId of rounds.flat()) {
      expect((await second.client.getSecretValue({ SecretId })).SecretString).toBe(VALUE);
    }
  });
});
