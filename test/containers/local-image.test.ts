import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { filesIn, projectWith } from '../support/docs-files.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Any image with `node`. In CI no image can be pulled, so it is the stand-in for Lambda's. */
const base = process.env.KEYTURN_INVOKE_IMAGE;
const isThere = async (...args: string[]): Promise<boolean> =>
  run('docker', args).then(
    () => true,
    () => false,
  );
const missing = !(await isThere('info'))
  ? 'no Docker engine answers'
  : base === undefined || !(await isThere('image', 'inspect', base))
    ? 'KEYTURN_INVOKE_IMAGE names no image to build on'
    : undefined;

describe.skipIf(missing !== undefined)(`the image of docs/testing.md${missing ? `: ${missing}` : ''}`, () => {
  it('is built of the package, answers AWS’s SDK at the port that it is given, and becomes healthy', async () => {
    const context = await mkdtemp(join(tmpdir(), 'keyturn-image-'));
    onTestFinished(() => rm(context, { recursive: true }));
    await mkdir(join(context, 'packed'));
    const { stdout: packed } = await run(
      'npm',
      ['pack', '--json', '--pack-destination', join(context, 'packed')],
      { cwd: root, maxBuffer: 64 * 1024 * 1024 },
    );
    const [{ filename = '' } = {}]: { filename?: string }[] = JSON.parse(packed.slice(packed.indexOf('[')));
    await writeFile(join(context, 'package.json'), '{"private":true}');
    const install = ['install', '--no-audit', '--no-fund', join(context, 'packed', filename)];
    await run('npm', install, { cwd: context });
    const dockerfile = (await filesIn('docs/testing.md')).get('Dockerfile') ?? '';
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    await writeFile(join(context, '.dockerignore'), 'packed\n');
    await run('docker', [
      'build',
      '--quiet',
      '--build-arg',
      `BASE=${base}`,
      '--tag',
      'keyturn-local',
      context,
    ]);
    onTestFinished(async () => void (await run('docker', ['image', 'rm', '--force', 'keyturn-local'])));

    const script = join(await projectWith('docs/testing.md', 'containers.ts'), 'containers.ts');
    const node = ['--disable-warning=ExperimentalWarning', script];
    expect((await run(process.execPath, node)).stdout).toBe('value\n');

    await using container = await new GenericContainer('keyturn-local')
      .withExposedPorts(4584)
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    // First by the name that other containers use, then by a name that it was not told.
    const answerTo = async (host: string): Promise<string> => {
      const headers = {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.X',
      };
      const request = JSON.stringify({ port: 4584, method: 'POST', headers });
      const code = `require('http').request(${request}, (answer) => answer.pipe(process.stdout)).end('{}')`;
      return (await container.exec(['node', '-e', code])).output;
    };
    expect(await answerTo('keyturn:4584')).not.toContain('AccessDenied');
    expect(await answerTo('elsewhere:4584')).toContain('AccessDenied');
  });
});
