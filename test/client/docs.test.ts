import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sqlServer } from '../../rotators/sqlserver/index.ts';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { standInHarness } from '../support/tds/harness.ts';

const root = join(import.meta.dirname, '../..');

/** A page with its code samples. */
interface Page {
  readonly name: string;
  readonly text: string;
  readonly samples: readonly string[];
}

let pages: Page[];
beforeAll(async () => {
  pages = [];
  for await (const name of glob('docs/client*.md', { cwd: root })) {
    const text = await readFile(join(root, name), 'utf8');
    const samples = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, sample = '']) => sample);
    pages.push({ name, text, samples });
  }
});

/** Where the repository's packages are found. */
async function temporaryFolder(): Promise<string> {
  const parent = join(root, 'node_modules/.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'keyturn-docs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

describe("the client's pages", () => {
  // tsc reads the whole project, which takes half of the usual time-out where three test files run at once.
  it('have samples, each of which compiles as it stands', { timeout: 180_000 }, async () => {
    const folder = await temporaryFolder();
    let count = 0;
    for (const { name, samples } of pages) {
      for (const [index, sample] of samples.entries()) {
        const file = `${name.replaceAll('/', '-')}-${index + 1}.ts`;
        await writeFile(join(folder, file), `${sample}\nexport {};\n`);
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(15);
    const configuration = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noUnusedLocals: false,
        paths: { 'keyturn/client': [join(root, 'src/client/index.ts')] },
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['*.ts'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(configuration));
    expect(await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder], folder)).toBe('');
  });

  it('name every export, option and event of the client', async () => {
    const all = pages.map(({ text }) => text).join('\n');
    const client = await import('../../src/client/index.ts');
    const explained = Object.keys(client).filter((name) =>
      /^(create|refusedBy|lambda|secretsManagerAgent|metrics)/.test(name),
    );
    expect(explained.length).toBeGreaterThan(10);
    for (const name of explained) expect(all).toContain(name);
    const options = await readFile(join(root, 'src/client/secrets.ts'), 'utf8');
    const [, body = ''] = /interface SecretsOptions \{(.*?)^\}/ms.exec(options) ?? [];
    for (const [, option = ''] of body.matchAll(/^ {2}readonly (\w+)\?:/gm))
      expect(all).toContain(`| \`${option}\``);
    const events = await readFile(join(root, 'src/client/events.ts'), 'utf8');
    for (const [, type] of events.matchAll(/readonly type: '([\w-]+)'/g))
      expect(all).toContain(`| \`${type}\``);
  });
});

it('the samples that need no driver run as they stand', async () => {
  const local = await startLocalSecretsManager();
  const client = new SecretsManagerClient(local.clientConfig);
  onTestFinished(async () => {
    client.destroy();
    await local.close();
  });
  const SecretString = '{"engine":"postgres","host":"db","username":"app","password":"p"}';
  for (const Name of ['prod/db', 'prod/cache', 'prod/api'])
    await client.send(new CreateSecretCommand({ Name, SecretString }));
  const samples = pages
    .flatMap((page) => page.samples)
    .filter((sample) => !/from '(?!keyturn\/client')/.test(sample) && !sample.includes('fetch('));
  expect(samples.length).toBeGreaterThan(5);
  const folder = await temporaryFolder();
  const files = await Promise.all(
    samples.map(async (sample, index) => {
      const file = join(folder, `${index}.mjs`);
      await writeFile(file, stripTypeScriptTypes(fromSource(sample)));
      return file;
    }),
  );
  const all = 'for (const file of process.argv.slice(1)) await import(file); console.log("all have run");';
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', all];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, ...files], {
    env: {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: local.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'sample',
      AWS_SECRET_ACCESS_KEY: 'sample',
    },
  });
  expect(stdout).toBe('all have run\n');
});

/** A sample that imports the client of this checkout. */
function fromSource(sample: string): string {
  return sample.replace("'keyturn/client'", `'${pathToFileURL(join(root, 'src/client/index.ts')).href}'`);
}

/** Imports a handler, and answers each line with its result or its error. */
const runtime = `
  import { createInterface } from 'node:readline';
  const { handler } = await import(process.argv[1]);
  process.stdout.write('ready\\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await handler(JSON.parse(line)).then(() => 'done', (error) => String(error));
    process.stdout.write(answer + '\\n');
  }
  process.exit();`;

describe('the first sample', () => {
  it('is called through rotations, in a process of its own, and never fails', async () => {
    const harness = await standInHarness();
    const fixture = await startFixture({ rotators: [sqlServer(harness.options)] });
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-sample-'));
    onTestFinished(async () => {
      await fixture.close();
      await harness.stop();
      await rm(folder, { recursive: true });
    });
    const { username, password } = await harness.createLogin();
    const { host, port } = harness.secretOf({ username: '', password: '' });
    const name = 'dev/MyTestConnectionString/SqlServer';
    const SecretString = `Server=tcp:${host},${port};Initial Catalog=${harness.database};User ID=${username};Password="${password}";Encrypt=True`;
    await fixture.client.send(new CreateSecretCommand({ Name: name, SecretString }));

    const [sample = ''] = pages.find((page) => page.name === 'docs/client.md')?.samples ?? [];
    // The stand-in knows this statement, and no table; and connections end soon, so that each call logs in.
    const ready = fromSource(sample)
      .replace(/'SELECT id.*?'/, "'SELECT 1'")
      .replace(/\n *\.input\(.*\)/, '')
      .replace(
        'ConnectionPool, secret)',
        'ConnectionPool, secret, { pool: { idleTimeoutMillis: 1, reapIntervalMillis: 5 } })',
      );
    expect(ready).toContain("'SELECT 1'");
    const file = join(await temporaryFolder(), 'handler.mjs');
    await writeFile(file, stripTypeScriptTypes(ready));
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, harness.standIn.ca);
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', runtime, file],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: ca,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: fixture.local.url,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'sample',
          AWS_SECRET_ACCESS_KEY: 'sample',
        },
      },
    );
    onTestFinished(() => void child.kill());
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => (await answers.next()).value ?? 'ended';
    expect(await next()).toBe('ready');
    const call = (): Promise<string> => {
      child.stdin.write('{"customer":1}\n');
      return next();
    };
    const given = new Set([await call()]);
    for (let rotation = 0; rotation < 3; rotation += 1) {
      let isOver = false;
      const rotating = fixture.rotate(name).finally(() => {
        isOver = true;
      });
      while (!isOver) given.add(await call());
      expect(await rotating).toBeUndefined();
      given.add(await call());
    }
    expect([...given]).toEqual(['done']);
    expect(await harness.canLogIn({ username, password })).toBe(false);
    child.stdin.end();
    await once(child, 'exit');
  });
});
