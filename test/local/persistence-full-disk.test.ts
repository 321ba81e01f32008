import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { explainStoreFailure, StoreError } from '../../src/local/store/store-error.ts';
import { clientAt, runKeyturn, startKeyturnLocal } from '../cli/keyturn-process.ts';
import { expectError, start, temporaryFolder } from './harness.ts';

const run = promisify(execFile);
const secretValue = 'v'.repeat(20_000);
const otherValue = 'w'.repeat(60_000);
const full = /^The disk of \S+secrets\.db is full: nothing was stored\. Make room, and try again\.$/;

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

/** Fills the disk to its last byte. */
async function fill(folder: string): Promise<void> {
  await expect(writeFile(join(folder, 'rest'), Buffer.alloc(4_000_000))).rejects.toMatchObject({
    code: 'ENOSPC',
  });
}

/** Makes secrets until one is refused. @returns the names of those that were answered */
async function createUntilRefused(client: SecretsManager, prefix: string): Promise<string[]> {
  const created: string[] = [];
  for (let n = 0; n < 1_000; n++) {
    const Name = `${prefix}-${n}`;
    const answered = await client.createSecret({ Name, SecretString: secretValue }).catch(() => undefined);
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
      client.createSecret({ Name: 'more', SecretString: secretValue }),
      'InternalServiceError',
      full,
    );
    await expectError(
      client.putSecretValue({ SecretId: 'before-0', SecretString: otherValue }),
      'InternalServiceError',
      full,
    );
    expect(await namesOf(client)).toEqual(created);
    for (const SecretId of created) {
      expect((await client.getSecretValue({ SecretId })).SecretString).toBe(secretValue);
    }
    await rm(join(folder, 'other'));
    await client.putSecretValue({ SecretId: 'before-0', SecretString: otherValue });
    expect((await client.getSecretValue({ SecretId: 'before-0' })).SecretString).toBe(otherValue);
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
      expect((await second.client.getSecretValue({ SecretId })).SecretString).toBe(secretValue);
    }
  });

  it.for(['SIGTERM', 'SIGKILL'] as const)(
    'is read from when it is full at the start, after a %s',
    async (signal, context) => {
      const folder = await smallDisk(context);
      const dataDirectory = join(folder, 'data');
      const first = await startKeyturnLocal('--data', dataDirectory);
      await clientAt(first.url).createSecret({ Name: 'n', SecretString: secretValue });
      await first.kill(signal);
      await fill(folder);
      const { client } = await start({ dataDirectory });
      for (let n = 0; n < 3; n++) {
        expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe(secretValue);
      }
      const more = client.createSecret({ Name: 'more', SecretString: otherValue });
      await expectError(more, 'InternalServiceError', full);
      await rm(join(folder, 'rest'));
      await client.createSecret({ Name: 'more', SecretString: otherValue });
    },
  );
});

describe('a folder that can’t be written', () => {
  const READ_ONLY =
    /^\S+ can't be written: nothing was stored\. Make the folder and its files writable for this user, or use a copy that is\.$/;

  it('says what to do at the start, in one line', async (context) => {
    const folder = await smallDisk(context);
    const dataDirectory = join(folder, 'data');
    await (await startKeyturnLocal('--data', dataDirectory)).kill('SIGTERM');
    await run('mount', ['-o', 'remount,ro', folder]);
    const ended = await runKeyturn('local', '--data', dataDirectory);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr.trim().replace(/^[^/]*/, '')).toMatch(READ_ONLY);
  });

  it('refuses writes if that happens while it runs, goes on reading, and prints no stack trace', async (context) => {
    const folder = await smallDisk(context);
    const server = await startKeyturnLocal('--data', join(folder, 'data'));
    const client = clientAt(server.url);
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    // Files that are open for writing keep a mount from becoming read-only, so the disk is made full instead of that.
    await fill(folder);
    const refused = client.createSecret({ Name: 'm', SecretString: otherValue, KmsKeyId: 'alias/new' });
    await expectError(refused, 'InternalServiceError', full);
    for (let n = 0; n < 3; n++)
      expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe('v');
    const { stderr } = await server.kill('SIGTERM');
    expect(stderr).not.toContain('    at ');
  });

  it('or is not a folder is named', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, '');
    for (const dataDirectory of [path, join(path, 'inside')]) {
      await expect(startLocalSecretsManager({ dataDirectory })).rejects.toMatchObject({
        name: 'StoreError',
        message: `${dataDirectory} is no folder: name one, or one that is to be made.`,
      });
    }
  });

  it.runIf(process.platform === 'linux')('is refused at once where no folder can be made', async () => {
    const dataDirectory = '/proc/keyturn/secrets';
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toMatchObject({
      name: 'StoreError',
      message: "/proc/keyturn/secrets can't be made there: name a folder elsewhere.",
    });
  });

  it.each([
    ['EROFS', "can't be written"],
    ['EACCES', "can't be written"],
    ['ENOSPC', 'is full'],
    ['EDQUOT', 'is full'],
    ['EIO', 'look at its disk'],
  ])('is explained by the system’s code %s', (code, words) => {
    const error = Object.assign(new Error('refused'), { code });
    const explained = explainStoreFailure(error, '/data/secrets.db');
    expect(explained).toBeInstanceOf(StoreError);
    expect(String(explained)).toContain(words);
  });
});
