import { copyFile, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { runKeyturn } from '../cli/keyturn-process.ts';
import { expectError, start, temporaryFolder } from './harness.ts';

const pageBytes = 4096;

/** A folder with some secrets, which nobody uses. */
async function filledFolder(): Promise<string> {
  const dataDirectory = await temporaryFolder();
  const { local, client } = await start({ dataDirectory });
  for (let n = 0; n < 50; n++) await client.createSecret({ Name: `n-${n}`, SecretString: 'v'.repeat(500) });
  await local.close();
  return dataDirectory;
}

/** Writes over every page but the first, so that the damage is not at the database's head. */
async function overwritePages(path: string): Promise<void> {
  const { size } = await stat(path);
  const file = await open(path, 'r+');
  for (let at = pageBytes; at < size; at += pageBytes) {
    await file.write(Buffer.alloc(pageBytes / 2, 0x5a), 0, pageBytes / 2, at);
  }
  await file.close();
}

/** Changes the database behind the server's back, like damage that SQLite can't see. */
function alter(dataDirectory: string, statement: string): void {
  const database = new DatabaseSync(join(dataDirectory, 'secrets.db'));
  database.exec(statement);
  database.close();
}

describe('a damaged data folder', () => {
  it.each([
    ['keys.json', 'is no JSON', (path: string) => writeFile(path, 'not json')],
    [
      'keys.json',
      'holds a key that is too short',
      (path: string) => writeFile(path, '{"alias/aws/secretsmanager": "c2hvcnQ="}'),
    ],
    ['secrets.db', 'is no database', (path: string) => writeFile(path, 'some text '.repeat(100))],
    ['secrets.db', 'has lost its end', (path: string) => truncate(path, 5 * pageBytes)],
    ['secrets.db', 'was written over', overwritePages],
  ])('is refused at the start when %s %s', async (name, _what, damage) => {
    const dataDirectory = await filledFolder();
    const path = join(dataDirectory, name);
    await damage(path);
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toMatchObject({
      name: 'StoreError',
      message: `${path} is damaged. Put back a copy of the whole folder, or move the folder away to begin with an empty one.`,
    });
  });

  it('is told in one line by the command', async () => {
    const dataDirectory = await filledFolder();
    await overwritePages(join(dataDirectory, 'secrets.db'));
    const { code, stdout, stderr } = await runKeyturn('local', '--data', dataDirectory);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(/^keyturn local: \S+secrets\.db is damaged\. Put back .*$/);
  });

  it('is refused when its keys are gone, or another folder’s', async () => {
    const [dataDirectory, other] = [await filledFolder(), await filledFolder()];
    await copyFile(join(other, 'keys.json'), join(dataDirectory, 'keys.json'));
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(
      /does not belong to the database/,
    );
    await rm(join(dataDirectory, 'keys.json'));
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(/is missing/);
  });

  it('is refused when another version of Keyturn made it', async () => {
    const dataDirectory = await filledFolder();
    alter(dataDirectory, 'PRAGMA user_version = 999');
    await expect(startLocalSecretsManager({ dataDirectory })).rejects.toThrow(/another version of Keyturn/);
  });

  it('answers with what to do about a value or a secret that was changed, and serves the others', async () => {
    const dataDirectory = await filledFolder();
    alter(
      dataDirectory,
      `UPDATE sealed_values SET sealed = zeroblob(length(sealed))
         WHERE version = (SELECT position FROM versions WHERE arn LIKE '%:n-1-%');
       UPDATE secrets SET record = '{' WHERE name = 'n-2'`,
    );
    const { client } = await start({ dataDirectory });
    for (const SecretId of ['n-1', 'n-2']) {
      await expectError(
        client.getSecretValue({ SecretId }),
        'InternalServiceError',
        /secrets\.db is damaged\. Put back/,
      );
    }
    expect((await client.getSecretValue({ SecretId: 'n-3' })).SecretString).toBe('v'.repeat(500));
  });
});
