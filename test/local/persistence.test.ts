import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { clientAt, type ServerProcess, startKeyturnLocal } from '../cli/keyturn-process.ts';
import { start, temporaryFolder, token } from './harness.ts';

const WRITERS = ['a', 'b', 'c', 'd'];
const ROUNDS = 4;

describe('a data folder', () => {
  it('keeps everything from one server to the next', async () => {
    const dataDirectory = join(await temporaryFolder(), 'made', 'by', 'it');
    const first = await start({ dataDirectory });
    await first.client.createSecret({
      Name: 'text',
      SecretString: '1',
      KmsKeyId: 'alias/mine',
      Tags: [{ Key: 'k', Value: 'v' }],
    });
    await first.client.createSecret({ Name: 'bytes', SecretBinary: Buffer.from([0, 1, 255]) });
    await first.client.putSecretValue({ SecretId: 'text', SecretString: '2' });
    const { $metadata: _, ...described } = await first.client.describeSecret({ SecretId: 'text' });
    await first.local.close();
    const { client } = await start({ dataDirectory });
    expect(await client.describeSecret({ SecretId: 'text' })).toMatchObject(described);
    expect(
      (await client.getSecretValue({ SecretId: 'text', VersionStage: 'AWSPREVIOUS' })).SecretString,
    ).toBe('1');
    expect([...((await client.getSecretValue({ SecretId: 'bytes' })).SecretBinary ?? [])]).toEqual([
      0, 1, 255,
    ]);
  });

  it('holds no value that can be read, and is its owner’s alone', async () => {
    const dataDirectory = join(await temporaryFolder(), 'data');
    const { local, client } = await start({ dataDirectory });
    const value = 'correct horse battery staple';
    await client.createSecret({ Name: 'n', SecretString: value });
    await client.updateSecret({ SecretId: 'n', KmsKeyId: 'alias/other' });
    await client.putSecretValue({ SecretId: 'n', SecretString: `${value}!` });
    await expectNoTrace(dataDirectory, value);
    await local.close();
    await expectNoTrace(dataDirectory, value);
    const keys: unknown = JSON.parse(await readFile(join(dataDirectory, 'keys.json'), 'utf8'));
    expect(keys).toEqual({
      'alias/aws/secretsmanager': expect.any(String),
      'alias/other': expect.any(String),
    });
    expect((await stat(dataDirectory)).mode & 0o077).toBe(0);
    for (const name of await readdir(dataDirectory))
      expect((await stat(join(dataDirectory, name))).mode & 0o077).toBe(0);
  });

  it('is refused to a second server, and free again after the first', async () => {
    const dataDirectory = await temporaryFolder();
    const { local } = await start({ dataDirectory });
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(/in use by another process/);
    await local.close();
    await start({ dataDirectory });
  });

  it.each([
    ['keys.json', 'not json', /key file .* is damaged/],
    ['keys.json', '{"alias/aws/secretsmanager": "c2hvcnQ="}', /key file .* is damaged/],
    [
      'secrets.db',
      'this is no database, only some text that is long enough to be taken for one'.repeat(20),
      /can't be opened/,
    ],
  ])('is refused when %s is damaged', async (name, content, message) => {
    const dataDirectory = await temporaryFolder();
    const { local, client } = await start({ dataDirectory });
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    await local.close();
    await writeFile(join(dataDirectory, name), content);
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(message);
  });

  it('is refused when its keys are gone, or another folder’s', async () => {
    const folders = [await temporaryFolder(), await temporaryFolder()] as const;
    for (const dataDirectory of folders) {
      const { local, client } = await start({ dataDirectory });
      await client.createSecret({ Name: 'n', SecretString: 'v' });
      await local.close();
    }
    const [dataDirectory, other] = folders;
    await copyFile(join(other, 'keys.json'), join(dataDirectory, 'keys.json'));
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(
      /does not belong to the database/,
    );
    await rm(join(dataDirectory, 'keys.json'));
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(/is missing/);
  });

  it('has every answered write after kill -9, and no half of one', async () => {
    const folder = await temporaryFolder();
    const written = new Map(WRITERS.map((name) => [name, { answered: 0, sent: 0 }]));
    let server = await startKeyturnLocal('--data', folder);
    await Promise.all(
      WRITERS.map((Name) =>
        clientAt(server.url).createSecret({ Name, SecretString: '0', ClientRequestToken: token('0') }),
      ),
    );
    for (let round = 0; round < ROUNDS; round++) {
      await writeUntilKilled(server, written, 10 + round * 17);
      server = await startKeyturnLocal('--data', folder);
      for (const [name, counts] of written) await expectIntact(clientAt(server.url), name, counts);
    }
    await server.kill('SIGTERM');
  });
});

interface Counts {
  answered: number;
  sent: number;
}

/** Each writer counts up in a secret of its own, until the server is killed in the middle of all that. */
async function writeUntilKilled(
  server: ServerProcess,
  written: Map<string, Counts>,
  writes: number,
): Promise<void> {
  let answers = 0;
  const write = async (SecretId: string, counts: Counts) => {
    const client = clientAt(server.url);
    for (;;) {
      counts.sent += 1;
      const next = String(counts.sent);
      await client.putSecretValue({ SecretId, SecretString: next, ClientRequestToken: token(next) });
      counts.answered = counts.sent;
      answers += 1;
      if (answers === writes) void server.kill('SIGKILL');
    }
  };
  await Promise.allSettled([...written].map(([name, counts]) => write(name, counts)));
  expect(answers).toBeGreaterThanOrEqual(writes);
}

/** The last write may have been done without an answer; then the writer goes on from there. */
async function expectIntact(client: SecretsManager, SecretId: string, counts: Counts): Promise<void> {
  const { SecretString, VersionId } = await client.getSecretValue({ SecretId });
  const current = Number(SecretString);
  expect([counts.answered, counts.sent]).toContain(current);
  expect(VersionId).toBe(token(String(current)));
  const { VersionIdsToStages } = await client.describeSecret({ SecretId });
  const previous = current > 0 ? { [token(String(current - 1))]: ['AWSPREVIOUS'] } : {};
  expect(VersionIdsToStages).toEqual({ [token(String(current))]: ['AWSCURRENT'], ...previous });
  for (let n = Math.max(0, current - 5); n < current; n++) {
    expect((await client.getSecretValue({ SecretId, VersionId: token(String(n)) })).SecretString).toBe(
      String(n),
    );
  }
  Object.assign(counts, { answered: current, sent: current });
}

async function expectNoTrace(folder: string, value: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name));
    for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')]) {
      expect(content.includes(form), `${name} holds the value`).toBe(false);
    }
  }
}
