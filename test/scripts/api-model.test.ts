import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../local/harness.ts';

const script = fileURLToPath(new URL('../../scripts/generate-api-model.ts', import.meta.url));
const botocore = process.env.KEYTURN_BOTOCORE;

if (botocore === undefined) {
  it.skip('skipped: KEYTURN_BOTOCORE, the folder of botocore, is not set', () => undefined);
} else {
  it('the API’s model is what botocore gives', async () => {
    const generate = promisify(execFile)(process.execPath, [script, '--botocore', botocore, '--check']);
    expect((await generate).stdout).toBe('');
  });
}

it('tells what a newer botocore has that is unknown', async () => {
  const folder = await temporaryFolder();
  const model = join(folder, 'data/secretsmanager/2017-10-17');
  await mkdir(model, { recursive: true });
  await writeFile(join(folder, '__init__.py'), "__version__ = '9.9.9'\n");
  const write = (inputs: Readonly<Record<string, readonly string[]>>) => {
    const shape = (members: readonly string[]) => ({
      type: 'structure',
      members: Object.fromEntries(members.map((name) => [name, { shape: 'Text' }])),
    });
    const operations = Object.keys(inputs).map((name) => [name, { input: { shape: name } }]);
    const shapes = Object.entries(inputs).map(([name, members]) => [name, shape(members)]);
    const json = JSON.stringify({
      operations: Object.fromEntries(operations),
      shapes: Object.fromEntries(shapes),
    });
    return writeFile(join(model, 'service-2.json.gz'), gzipSync(json));
  };
  const ask = () => promisify(execFile)(process.execPath, [script, '--botocore', folder, '--unknown']);
  await write({ DescribeSecret: ['SecretId'] });
  expect((await ask()).stderr).toBe('');
  await write({ DescribeSecret: ['SecretId', 'Mood'], BurySecret: [] });
  await expect(ask()).rejects.toMatchObject({
    code: 1,
    stderr:
      'botocore 9.9.9 has Mood of DescribeSecret, which is unknown here.\n' +
      'botocore 9.9.9 has the operation BurySecret, which is unknown here.\n',
  });
});
