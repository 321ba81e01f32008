import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeUnless } from '../sam/tools.ts';

const root = join(import.meta.dirname, '../..');
const manifest: {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** The most packages, and bytes, that are installed for rotating a token of an API. */
const [mostPackages, mostBytes] = [40, 30_000_000];
/** Most bytes of a bundle with no rotator in it: 400 KB. */
const mostBundleBytes = 400 * 1024;
/** Only these tests use them. Rspack treats an import that it can't resolve as webpack does, and takes a second. */
const bundlers = ['@rspack/core@^2.3.3', 'vite@^8.3.8'];
const yarn = '@yarnpkg/cli-dist@^4.18.1';
/** Makes node:test print the same everywhere, and hides the outer test runner from it. */
const environment = {
  ...process.env,
  NODE_ENV: '',
  NODE_OPTIONS: '',
  VITEST: undefined,
  NODE_TEST_CONTEXT: undefined,
};

/** Runs a program to its end. @throws Error with all that it wrote */
async function run(cwd: string, program: string, args: readonly string[], path?: string): Promise<string> {
  const env = { ...environment, PATH: [...(path ? [path] : []), process.env.PATH].join(delimiter) };
  try {
    return (await promisify(execFile)(program, [...args], { cwd, env, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = Object(error);
    throw new Error(`${program} ${args.join(' ')}: ${error}\n${stdout}\n${stderr}`);
  }
}

async function missingRegistry(): Promise<string | undefined> {
  try {
    await run(tmpdir(), 'npm', [
      'view',
      'typescript',
      'version',
      '--fetch-retries=1',
      '--fetch-timeout=20000',
    ]);
    return undefined;
  } catch (error) {
    return `npm reaches no registry: ${String(error).split('\n')[0]}`;
  }
}

/** The disk space of files, which is more than their sizes. */
async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).blocks * 512);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

describeUnless(await missingRegistry(), 'the packed package, in a project of its own', () => {
  let folder: string;
  let project: string;
  let tarball: string;
  let installed: string[];
  let installedBytes: number;
  /** The folder of the oldest Node.js that the package says it runs on. */
  let oldestNode: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-package-'));
    project = join(folder, 'project');
    tarball = await pack(join(folder, 'checkout'));
    await layProject(project);
    await run(project, 'npm', ['install', '--no-audit', '--no-fund', tarball]);
    const lock: { packages: object } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    installed = Object.keys(lock.packages).filter((path) => path !== '');
    installedBytes = await bytesIn(join(project, 'node_modules'));
    const oldest = manifest.engines.node.replace('>=', '');
    const tools = ['typescript', 'esbuild', '@types/node'].map(
      (name) => `${name}@${manifest.devDependencies[name]}`,
    );
    const flags = ['--no-audit', '--no-fund', '--save-dev'];
    await run(project, 'npm', ['install', ...flags, ...tools, ...bundlers, yarn, `node@~${oldest}`]);
    oldestNode = join(project, 'node_modules/node/bin');
    await run(project, process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json']);
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true }));

  it('brings few packages, and none of the optional ones', () => {
    const optional = Object.keys(manifest.peerDependencies);
    expect(installed.length).toBeLessThanOrEqual(mostPackages);
    expect(installedBytes).toBeLessThanOrEqual(mostBytes);
    expect(installed.filter((path) => optional.includes(path.replace('node_modules/', '')))).toEqual([]);
    console.log(`${installed.length} packages, ${(installedBytes / 1e6).toFixed(1)} MB`);
  });

  it.each([
    ['nodenext', 'nodenext', ['es2022']],
    ['node16', 'node16', ['es2022']],
    ['preserve', 'bundler', ['es2022', 'dom']],
  ])(
    'has types that resolve if the module is %s and resolved by %s',
    async (module, moduleResolution, lib) => {
      const compilerOptions = {
        noEmit: true,
        strict: true,
        target: 'es2022',
        types: ['node'],
        lib,
        module,
        moduleResolution,
      };
      const file = `tsconfig.${moduleResolution}.json`;
      await writeFile(join(project, file), JSON.stringify({ compilerOptions, files: ['all.ts'] }));
      await run(project, process.execPath, ['node_modules/typescript/bin/tsc', '--project', file]);
    },
  );

  it.each(['oldest', 'newest'])('proves a rotator with node:test, on the %s Node.js', async (node) => {
    const said = await run(
      project,
      'node',
      ['--test', '--test-reporter=tap', 'out/conformance.test.js'],
      pathOf(node),
    );
    expect(said).toMatch(/^# fail 0$/m);
    expect(Number(/^# pass (\d+)$/m.exec(said)?.[1])).toBeGreaterThan(30);
  });

  it.each(['oldest', 'newest'])(
    'rotates, bundled as the documentation says, on the %s Node.js',
    async (node) => {
      await bundle('function.ts', 'out/function.mjs');
      expect(await run(project, 'node', ['out/rotate.js', 'out/function.mjs'], pathOf(node))).toContain(
        'Rotated: 30 characters',
      );
    },
  );

  it('is small in a bundle with no rotator', async () => {
    await bundle('empty.ts', 'out/empty.mjs');
    const { size } = await stat(join(project, 'out/empty.mjs'));
    console.log(`A bundle with no rotator: ${(size / 1024).toFixed(1)} KB`);
    expect(size).toBeLessThan(mostBundleBytes);
  });

  /** Takes what a script printed: a message for each package. @returns the packages */
  function packagesIn(printed: string): string[] {
    const said: Record<string, string> = JSON.parse(printed);
    for (const [name, message] of Object.entries(said)) {
      expect(message, name).toContain('DriverMissing');
      expect(message, name).toContain(`npm install ${name})`);
    }
    return Object.keys(said);
  }

  it('says which package is missing, and the line that installs it', async () => {
    const asked = [
      ...packagesIn(await run(project, 'node', ['out/missing.js'])),
      ...packagesIn(await run(project, 'node', ['out/missing-commands.js'])),
      // The test runner is the reader's own choice. Passwords outside of ASCII come only after a login by pg.
      'vitest',
      '@mongodb-js/saslprep',
    ];
    expect(asked.sort()).toEqual(Object.keys(manifest.peerDependencies).sort());
  });

  it.each(['esbuild', 'rspack', 'vite'])(
    'is bundled by %s without its optional packages, and says which one is missing',
    async (bundler) => {
      await cp(join(import.meta.dirname, 'project/bundle.js'), join(project, 'bundle.js'));
      await run(project, 'node', ['bundle.js', bundler, 'out/missing.js', `out/${bundler}`]);
      expect(packagesIn(await run(project, 'node', [`out/${bundler}/bundle.mjs`]))).not.toEqual([]);
    },
  );

  it("says which package is missing with Yarn's Plug'n'Play, or too old", async () => {
    const here = join(folder, 'plug-n-play');
    await mkdir(here);
    const dependencies = {
      keyturn: `file:${tarball}`,
      '@aws-sdk/client-secrets-manager': manifest.dependencies['@aws-sdk/client-secrets-manager'],
    };
    const writeManifest = (more: object = {}) =>
      writeFile(
        join(here, 'package.json'),
        JSON.stringify({
          name: 'x',
          private: true,
          type: 'module',
          dependencies: { ...dependencies, ...more },
        }),
      );
    // Yarn reads none of npm's settings.
    const ofNpm = async (name: string): Promise<string> =>
      (await run(here, 'npm', ['config', 'get', name])).trim();
    const [npmRegistryServer, authorities] = [await ofNpm('registry'), await ofNpm('cafile')];
    const settings = {
      nodeLinker: 'pnp',
      enableTelemetry: false,
      globalFolder: join(folder, 'yarn'),
      npmRegistryServer,
      ...(authorities !== 'null' && { httpsCaFilePath: authorities }),
    };
    await writeManifest();
    await writeFile(join(here, '.yarnrc.yml'), JSON.stringify(settings));
    await writeFile(join(here, 'yarn.lock'), '');
    await cp(join(project, 'out/missing.js'), join(here, 'missing.js'));
    const command = join(project, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js');
    await run(here, 'node', [command, 'install', '--no-immutable']);
    expect(packagesIn(await run(here, 'node', [command, 'node', 'missing.js']))).not.toEqual([]);

    await writeManifest({ oauth4webapi: '2.17.0' });
    await run(here, 'node', [command, 'install', '--no-immutable']);
    const said: Record<string, string> = JSON.parse(await run(here, 'node', [command, 'node', 'missing.js']));
    expect(said.oauth4webapi).toContain('and 2.17.0 is installed');
  });

  it.each(['oldest', 'newest'])('has a command that runs on the %s Node.js', async (node) => {
    const command = join(project, 'node_modules/keyturn/bin/keyturn.js');
    expect(await run(project, 'node', [command, '--help'], pathOf(node))).toContain('Usage');
    expect(await run(project, 'node', [command, 'local', '--help'], pathOf(node))).toContain('--port');
  });

  it.each(['oldest', 'newest'])(
    'serves the console on the %s Node.js, without further packages',
    async (node) => {
      const command = join(project, 'node_modules/keyturn/bin/keyturn.js');
      const child = spawn(join(pathOf(node), 'node'), [command, 'console'], {
        cwd: project,
        env: environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        let address = '';
        for await (const line of createInterface(child.stdout)) {
          address = /http:\S+\?token=\S+/.exec(line)?.[0] ?? '';
          if (address !== '') break;
        }
        const opened = await fetch(address);
        const [cookie = '', path = ''] = opened.headers.get('set-cookie')?.split('; Path=') ?? [];
        const [base = ''] = path.split(';');
        const files = ['', 'assets/console.css', 'assets/console.js', 'who-may', 'rotations', 'store'];
        const answers = files.map((file) => fetch(new URL(base + file, address), { headers: { cookie } }));
        const statuses = (await Promise.all(answers)).map(({ status }) => status);
        expect(statuses).toEqual([200, 200, 200, 404, 200, 200]);
      } finally {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    },
  );

  const pathOf = (node: string): string => (node === 'oldest' ? oldestNode : join(process.execPath, '..'));

  /** Runs the documentation's own command line. */
  async function bundle(entry: string, outfile: string): Promise<void> {
    const docs = await readFile(join(root, 'docs/own-function.md'), 'utf8');
    const line = /^npx (esbuild function\.ts .*)$/m.exec(docs)?.[1];
    if (line === undefined) throw new Error('docs/own-function.md shows no way to bundle function.ts.');
    const own = line
      .replace('function.ts', entry)
      .replace('--outfile=dist/function.mjs', `--outfile=${outfile}`);
    await run(project, 'sh', ['-c', `node_modules/.bin/${own}`]);
  }
});

/** Packs a copy of the checkout, since packing makes its `dist` anew. @returns the tarball */
async function pack(checkout: string): Promise<string> {
  await mkdir(checkout);
  const { files }: { files: string[] } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const wanted = new Set([
    ...files,
    'package.json',
    'src',
    'rotators',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.ts',
  ]);
  wanted.delete('dist');
  for (const name of wanted) await cp(join(root, name), join(checkout, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  await run(checkout, 'npm', ['pack', '--silent']);
  return join(checkout, `keyturn-${manifest.version}.tgz`);
}

/** A project as its author would write it: the rotator and the function of docs/rotators.md, a proof, and a use of every export. */
async function layProject(project: string): Promise<void> {
  const write = (name: string, text: string) => writeFile(join(project, name), text);
  const copy = async (from: string, name: string) => {
    const text = await readFile(join(root, from), 'utf8');
    await write(
      name,
      text
        .replaceAll(/'(?:\.\.\/)+src\/index\.ts'/g, "'keyturn'")
        .replaceAll(/'(?:\.\.\/)+src\/rotator\/index\.ts'/g, "'keyturn/rotator'")
        .replaceAll(/'(?:\.\.\/)+src\/testing\/index\.ts'/g, "'keyturn/testing'")
        .replaceAll("'../../examples/http-password.ts'", "'./http-password.ts'"),
    );
  };
  const page = await readFile(join(root, 'docs/rotators.md'), 'utf8');
  const [, ownFunction] = /```ts\n(import \{ createRotationHandler[^`]*)```/.exec(page) ?? [];
  if (ownFunction === undefined) throw new Error('docs/rotators.md shows no function.');
  const modules = Object.entries(manifest.exports).filter(([, file]) => file.endsWith('.js'));
  const imports = modules.map(([name], index) => `export * as all${index} from 'keyturn${name.slice(1)}';`);

  await mkdir(join(project, 'out'), { recursive: true });
  // The npm package node needs its script, which brings Node.js itself.
  const allowScripts = { node: true, esbuild: false };
  await write(
    'package.json',
    JSON.stringify({ name: 'project', private: true, type: 'module', allowScripts }),
  );
  await copy('examples/http-password.ts', 'http-password.ts');
  await copy('test/examples/harness.ts', 'harness.ts');
  await copy('test/examples/http-service.ts', 'http-service.ts');
  await write('function.ts', ownFunction);
  await write(
    'empty.ts',
    ownFunction.replace(/^import { httpPassword.*\n/m, '').replace('[httpPassword]', '[]'),
  );
  await write('all.ts', `${imports.join('\n')}\n`);
  for (const name of ['rotate.js', 'missing.js', 'missing-commands.js', 'conformance.test.js'])
    await cp(join(import.meta.dirname, 'project', name), join(project, 'out', name));
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    rewriteRelativeImportExtensions: true,
    outDir: 'out',
    rootDir: '.',
  };
  const files = ['http-password.ts', 'harness.ts', 'http-service.ts', 'function.ts'];
  await write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
}
