import { createHash } from 'node:crypto';
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleLambda } from '../../bench/support/bundle.ts';
import { root, run } from '../../examples/sam/program.ts';
import { describeUnless, missingSam } from './tools.ts';

/** Paths that git ignores. */
const made = new Set(['.git', '.aws-sam', 'node_modules', 'dist', 'coverage']);

describeUnless(await missingSam(), 'sam build, in two fresh checkouts', () => {
  let folder: string;
  let builds: readonly Readonly<Record<string, string>>[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-build-'));
    const [one, other] = [join(folder, 'one'), join(folder, 'somewhere/else')];
    builds = [await buildIn(one), await buildIn(other)];
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function buildIn(checkout: string): Promise<Readonly<Record<string, string>>> {
    await cp(root, checkout, {
      recursive: true,
      filter: (source) => !made.has(source.slice(root.length)) && !source.endsWith('/node_modules'),
    });
    await run('sam', ['build'], { folder: checkout, env: await withNpmThatTells() });
    return digests(join(checkout, '.aws-sam/build'));
  }

  /** A script `npm` that notes its arguments and then calls the real npm. */
  async function withNpmThatTells(): Promise<{ readonly PATH: string }> {
    const npm = join(folder, 'npm');
    const { stdout } = await run('which', ['npm']);
    await writeFile(
      npm,
      `#!/bin/sh\necho "$@" >> '${join(folder, 'calls')}'\nexec '${stdout.trim()}' "$@"\n`,
    );
    await chmod(npm, 0o755);
    return { PATH: [folder, `${root}node_modules/.bin`, process.env.PATH].join(delimiter) };
  }

  it('makes the same files, byte for byte', () => {
    const [one = {}, other] = builds;
    expect(Object.keys(one).length).toBeGreaterThan(20);
    expect(other).toEqual(one);
  });

  it('makes what is measured and tested as the bundle, and no source maps', async () => {
    const bundle = join(folder, 'bundle');
    await bundleLambda(bundle);
    const files = Object.entries(await digests(bundle)).map(([name, digest]) => [
      `RotationFunction/${name}`,
      digest,
    ]);
    const { 'template.yaml': template, ...built } = builds[0] ?? {};
    expect(template).toBeDefined();
    expect(built).toEqual(Object.fromEntries(files));
    expect(Object.keys(built).filter((name) => name.endsWith('.map'))).toEqual([]);
  });

  it('installs what the lock file says', async () => {
    const calls = (await readFile(join(folder, 'calls'), 'utf8')).split('\n');
    const installs = calls.filter((call) => /^(ci|install|i|update)\b/.test(call));
    expect(installs).toEqual(['ci', 'ci']);
  });
});

/** Digests of all files below a folder, by their paths in it. */
async function digests(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const found = files.map(async ({ parentPath, name }) => {
    const file = join(parentPath, name);
    const digest = createHash('sha256').update(await readFile(file));
    return [file.slice(folder.length + 1), digest.digest('hex')];
  });
  return Object.fromEntries(await Promise.all(found));
}
