import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { plainRotation, temporaryFolder } from '../local/harness.ts';
import { runInShell, runKeyturn } from './keyturn-process.ts';

/** The blocks of a page that have a language, or none for commands. */
async function blocksOf(page: string, language = ''): Promise<string[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, of, block = '']) =>
    of === language ? [block] : [],
  );
}

/** Programs that the pages run and that no test machine has. */
const programs = {
  psql: '[ "$*" = "--host db --username app" ] && echo "psql: $PGPASSWORD"',
  dotnet: 'echo "dotnet: $(cat "$KEYTURN_FILES/appsettings.json")"',
  'generate-token': 'echo generated-token-0123456789',
};

/** A folder with the files that the pages speak of. The programs are in its folder `bin`. */
async function prepareFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const scripts = { ...programs, '../migrate': 'echo "migrate: $DB_PASSWORD"' };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await writeFile(join(folder, 'password'), 'First-Passw0rd\n');
  await writeFile(join(folder, 'server.js'), "console.log('server: ' + process.env.PASSWORD);");
  const [template = ''] = await blocksOf('render.md', 'json');
  await writeFile(join(folder, 'appsettings.template.json'), template);
  return folder;
}

it('docs/create.md, get.md, render.md and exec.md have commands that work as they are printed', {
  timeout: 60_000,
}, async () => {
  const local = await startLocalSecretsManager({ region: 'eu-west-1' });
  const client = new SecretsManager(local.clientConfig);
  onTestFinished(async () => {
    client.destroy();
    await local.close();
  });
  local.registerFunction(
    'keyturn',
    plainRotation(client, (password) => JSON.stringify({ username: 'app', password })),
  );
  const secrets = {
    'prod/shop': '{"password":"of the shop"}',
    'prod/MyTestConnectionString/SqlServer': 'Server=db;User Id=app;Password=x',
    'prod/smtp': '{"username":"mailer","port":"25"}',
  };
  for (const [Name, SecretString] of Object.entries(secrets))
    await client.createSecret({ Name, SecretString });
  const folder = await prepareFolder();
  const run = async (script: string): Promise<string> => {
    const variables = { AWS_ENDPOINT_URL: local.url, AWS_REGION: 'eu-west-1' };
    const ended = await runInShell(`set -eu\nPATH="$PWD/bin:$PATH"\n${script}`, { variables, cwd: folder });
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    return ended.stdout;
  };
  const read = async (SecretId: string) => (await client.getSecretValue({ SecretId })).SecretString;

  const [atTerminal, ...others] = await blocksOf('create.md');
  const create = others.find((block) => block.startsWith('keyturn create'));
  expect(atTerminal).toBe('keyturn create prod/shop/Postgres\n');
  expect(await run(create ?? 'false')).toContain('Attached: prod/shop/Postgres rotates every 30 days.');
  expect(await read('prod/token')).toBe('generated-token-0123456789');

  const [get = ''] = await blocksOf('get.md');
  const shown = await run(get);
  expect(shown).toMatch(/^prod\/shop\/Postgres$/m);
  expect(shown).toContain(await read('prod/shop/Postgres'));
  expect(shown).toMatch(/psql: [\w-]{36}\n$/);

  const [render = ''] = await blocksOf('render.md');
  await run(render);
  const rendered = await readFile(join(folder, 'appsettings.json'), 'utf8');
  expect(rendered).toContain('"Server=db;User Id=app;Password=x"');

  const [exec = ''] = await blocksOf('exec.md');
  expect(await run(exec)).toBe(`server: of the shop\nmigrate: of the shop\ndotnet: ${rendered.trimEnd()}\n`);
});

/** The commands in the code of the README and of all pages, each in one line. */
async function commandsOfAllPages(): Promise<{ readonly page: string; readonly line: string }[]> {
  const root = join(import.meta.dirname, '../..');
  const pages = [
    'README.md',
    ...(await readdir(join(root, 'docs'))).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
  ];
  const lines = pages.map(async (page) => {
    const text = await readFile(join(root, page), 'utf8');
    const blocks = [...text.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) =>
      block.replaceAll(/\\\n\s*/g, '').split('\n'),
    );
    const words = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g);
    const inText = [...words].map(([, code = '']) => code.replaceAll(/\s+/g, ' '));
    return [...blocks, ...inText].map((line) => ({ page, line }));
  });
  return (await Promise.all(lines)).flat();
}

it('name options of keyturn that its own help has, and parameters that the template has', async () => {
  const lines = await commandsOfAllPages();
  const commands = lines.flatMap(({ page, line }) =>
    [...line.matchAll(/\bkeyturn ([a-z]+)((?: (?!-- |\|)[^ |)]+)*)/g)].map(([, name = '', rest = '']) => ({
      page,
      name,
      options: rest.match(/(?<= )--[a-z-]+/g) ?? [],
    })),
  );
  const names = [...new Set(commands.map(({ name }) => name))];
  expect(names).toEqual(expect.arrayContaining(['attach', 'create', 'exec', 'fleet', 'local', 'status']));
  const helps = new Map<string, string>();
  for (const name of names) helps.set(name, (await runKeyturn(name, '--help')).stdout);
  expect(commands.flatMap(({ options }) => options).length).toBeGreaterThan(50);
  const unknown = commands.flatMap(({ page, name, options }) =>
    options
      .filter((option) => !new RegExp(`${option}(?![a-z-])`).test(helps.get(name) ?? ''))
      .map((option) => `${page}: keyturn ${name} ${option}`),
  );
  expect(unknown).toEqual([]);

  const template = await readFile(new URL('../../template.yaml', import.meta.url), 'utf8');
  const given = lines.flatMap(({ page, line }) =>
    line.includes('npm run deploy --')
      ? [...line.matchAll(/ (\w+)=/g)].map(([, parameter]) => ({ page, parameter }))
      : [],
  );
  expect(given.length).toBeGreaterThan(2);
  for (const { page, parameter } of given)
    expect(template, page).toMatch(new RegExp(`^ {2}${parameter}:$`, 'm'));
});
