import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startMiniflux } from '../../support/token-servers/miniflux.ts';
import { textOf } from '../../support/token-servers/process.ts';

const program = process.env.KEYTURN_TEST_MINIFLUX;
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The first block of docs/api-token-describe.md that has a label, and a text in it. */
async function blockOf(label: string, text = ''): Promise<string> {
  const page = await readFile(join(root, 'docs/api-token-describe.md'), 'utf8');
  const blocks = page.split(`\`\`\`${label}\n`).slice(1);
  const block = blocks.map((one) => one.slice(0, one.indexOf('```'))).find((one) => one.includes(text));
  if (block === undefined) throw new Error(`The page has no block ${label} with ${text}.`);
  return block;
}

/** Makes the page's program import the checkout instead of the package. */
const sources = {
  keyturn: 'src/index.ts',
  'keyturn/local': 'src/local/index.ts',
  'keyturn/rotators/api-token': 'rotators/api-token/index.ts',
};

it('docs/api-token-describe.md leads from the first call to a rotated token at a real Miniflux', async ({
  skip,
}) => {
  if (program === undefined) return skip('KEYTURN_TEST_MINIFLUX names no binary of Miniflux.');
  const server = await startMiniflux(program);
  onTestFinished(server.stop);
  const { username, password } = await server.newUser();

  // The calls of the page, each with the results of the earlier ones pasted in.
  const answers: string[] = [];
  let [token, id] = ['', ''];
  for (const line of (await blockOf('bash')).trim().split('\n')) {
    if (!line.startsWith('curl')) continue;
    const typed = line.replace('-u robot', '-u "$LOGIN"').replace('/ID', `/${id}`);
    const env = { PATH: process.env.PATH, FEEDS: server.url, TOKEN: token, LOGIN: `${username}:${password}` };
    const { stdout } = await run('bash', ['-c', typed.replace('curl', 'curl --silent')], { env });
    answers.push(stdout);
    if (token === '') token = textOf(JSON.parse(stdout), 'token');
    if (line.includes('to be revoked')) id = textOf(JSON.parse(stdout), 'id');
  }
  const [made, me, list, , deleted, wrong] = answers;
  expect(JSON.parse(me ?? '')).toMatchObject({ username });
  expect(JSON.parse(list ?? '')).toHaveLength(1);
  expect(deleted).toMatch(/^204\s*$/);
  expect(wrong).toMatch(/401\s*$/);

  const folder = await mkdtemp(join(tmpdir(), 'keyturn-miniflux-walk-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const tokenId = textOf(JSON.parse(made ?? ''), 'id');
  const secret = { host: server.url, username, token, tokenId };
  const source = Object.entries(sources).reduce(
    (text, [name, path]) => text.replace(`'${name}'`, `'${join(root, path)}'`),
    await blockOf('ts file=try.ts'),
  );
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'try.ts'), source);
  await writeFile(join(folder, 'apis.json'), await blockOf('json', '"name": "miniflux"'));
  await writeFile(join(folder, 'secret.json'), JSON.stringify(secret));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const node = join(root, 'node_modules/node/bin/node');
  const { stdout } = await run(node, ['--disable-warning=ExperimentalWarning', 'try.ts'], { cwd: folder });
  const [, current] = /^Rotated twice\. AWSCURRENT is the token with the id (\S+)$/m.exec(stdout) ?? [];

  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const response = await fetch(`${server.url}/v1/api-keys`, { headers: { authorization } });
  const left: { id: number; description: string }[] = JSON.parse(await response.text());
  expect(left.map((key) => String(key.id))).toContain(current);
  expect(left.map((key) => String(key.id))).not.toContain(tokenId);
  expect(left.filter(({ description }) => description.startsWith('keyturn-'))).toHaveLength(2);
  expect(left).toHaveLength(2);
});
