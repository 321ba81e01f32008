import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface LockedPackage {
  /** True for a folder of the repository. */
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../..');

/** Finds the package that an import would find: beside the importing package, or beside a folder above it. */
function entryFor(packages: ReadonlyMap<string, LockedPackage>, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (packages.has(`${folder === '' ? '' : `${folder}/`}node_modules/${name}`)) return true;
    if (folder === '') return false;
  }
}

describe('the lock file', () => {
  let packages: ReadonlyMap<string, LockedPackage>;
  let folder: string;
  beforeAll(async () => {
    const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
      await readFile(join(root, 'package-lock.json'), 'utf8'),
    );
    packages = new Map(Object.entries(lock.packages));
    folder = await mkdtemp(join(tmpdir(), 'keyturn-lock-'));
    await mkdir(join(folder, 'function'));
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'function/package.json'])
      await copyFile(join(root, file), join(folder, file));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has what each package needs on each platform', () => {
    const missing = [...packages].flatMap(([from, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !entryFor(packages, from, name))
        .map((name) => `${name}, of ${from}`),
    );
    expect(missing).toEqual([]);
    // One that no machine of CI installs.
    expect(packages.has('node_modules/@biomejs/cli-win32-arm64')).toBe(true);
  });

  it('has a checksum and no address for each package', () => {
    const installed = [...packages].filter(([path, { link }]) => path.includes('node_modules/') && !link);
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual(
      [],
    );
  });

  // Without a registry and without a cache, npm has only the lock file.
  it('is what npm ci installs', async () => {
    const flags = ['--dry-run', '--ignore-scripts', '--offline', '--cache', join(folder, 'empty-cache')];
    await promisify(execFile)('npm', ['ci', ...flags], { cwd: folder });
  });
});

describe('the optional packages', () => {
  type Packages = Readonly<Record<string, string>>;
  const read = async (file: string) => JSON.parse(await readFile(join(root, file), 'utf8'));
  /** What the function has no use for: a checkout has them for its tests and its commands. */
  const tools = [
    '@aws-sdk/client-cloudwatch-logs',
    '@aws-sdk/client-ec2',
    '@aws-sdk/client-kms',
    '@aws-sdk/client-lambda',
    '@aws-sdk/client-s3',
    '@aws-sdk/client-sfn',
    '@aws-sdk/client-sts',
    '@cloud-copilot/iam-simulate',
    'fast-check',
    'vitest',
  ];

  it('are installed in a checkout and with sam build, in the versions that the package asks for', async () => {
    const manifest: { peerDependencies: Packages; devDependencies: Packages } = await read('package.json');
    const { dependencies }: { dependencies: Packages } = await read('function/package.json');
    const bundled = Object.entries(manifest.peerDependencies).filter(([name]) => !tools.includes(name));
    expect(dependencies).toEqual(Object.fromEntries(bundled));
    expect(tools.filter((name) => manifest.devDependencies[name] === undefined)).toEqual([]);
  });

  it('are all optional, so that npm installs none of them by itself', async () => {
    const { peerDependencies, peerDependenciesMeta } = await read('package.json');
    const optional = Object.keys(peerDependencies).map((name) => [name, { optional: true }]);
    expect(peerDependenciesMeta).toEqual(Object.fromEntries(optional));
  });
});
