import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { filesIn, projectWith } from '../support/docs-files.ts';

const run = promisify(execFile);
const page = 'docs/testing.md';
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Why the program can't be used; undefined if it can. */
async function missing(
  what: string,
  program: string,
  ...args: readonly string[]
): Promise<string | undefined> {
  return run(program, [...args], { env: pythonEnvironment() }).then(
    () => undefined,
    () => what,
  );
}

function pythonEnvironment(): NodeJS.ProcessEnv {
  const folder = process.env.KEYTURN_TEST_PYTEST;
  return { ...process.env, ...(folder && { PYTHONPATH: folder }), PYTHONDONTWRITEBYTECODE: '1' };
}

function unless(reason: string | undefined, title: string, test: () => Promise<void>): void {
  if (reason === undefined) it(title, { timeout: 240_000 }, test);
  else it.skip(`${title}: ${reason}`, () => undefined);
}

const noPython = await missing('no Python with boto3 and pytest', 'python3', '-c', 'import boto3, pytest');
// It compiles the SDK, which takes a minute, and asks the Go module proxy.
const noGo =
  process.env.KEYTURN_TEST_GO === undefined
    ? 'KEYTURN_TEST_GO is not set'
    : await missing('no Go', 'go', 'version');

describe('what docs/testing.md shows', () => {
  it('works with Vitest, one server for all files', async () => {
    const folder = await projectWith(page, 'secrets.setup.ts', 'secrets.test.ts');
    const local = join(root, 'src/local/index.ts');
    const config = {
      resolve: { alias: { 'keyturn/local': local } },
      test: { globalSetup: ['./secrets.setup.ts'] },
    };
    await writeFile(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, NO_COLOR: '1' };
    const { stdout } = await run(process.execPath, [vitest, 'run', '--root', folder], { cwd: folder, env });
    expect(stdout).toMatch(/Tests +1 passed/);
  });

  unless(noPython, 'works with pytest', async () => {
    const folder = await projectWith(page, 'test_secrets.py');
    const { stdout } = await run('python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], {
      cwd: folder,
      env: pythonEnvironment(),
    });
    expect(stdout).toContain('1 passed');
    await expectNothingLeft();
  });

  unless(noGo, 'works with Go', async () => {
    const folder = await projectWith(page, 'secrets_test.go');
    const go = (...args: string[]) => run('go', args, { cwd: folder });
    await go('mod', 'init', 'shop');
    await go('mod', 'tidy');
    expect((await go('test', './...')).stdout).toMatch(/^ok\s+shop/);
    await expectNothingLeft();
  });

  it('starts with a Dockerfile of few lines', async () => {
    const dockerfile = (await filesIn(page)).get('Dockerfile') ?? '';
    expect(dockerfile.trim().split('\n').length).toBeLessThan(10);
  });
});

/** No server outlives the tests that have started it. */
async function expectNothingLeft(): Promise<void> {
  const { stdout } = await run('ps', ['-eo', 'args']);
  expect(stdout.split('\n').filter((line) => line.includes('keyturn-docs-'))).toEqual([]);
}
