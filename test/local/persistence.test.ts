import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { start, temporaryFolder } from './harness.ts';

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
});

async function expectNoTrace(folder: string, value: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name));
    for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')]) {
      expect(content.includes(form), `${name} holds the value`).toBe(false);
    }
  }
}
