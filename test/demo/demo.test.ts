import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';

const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

/** A demo that runs, with a folder of its own for everything that it writes. */
interface RunningDemo {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

let folder: string;
let running: RunningDemo[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-demo-test-'));
  // If root runs the demo, PostgreSQL runs as another user, who must be able to enter this folder.
  await chmod(folder, 0o755);
});

afterEach(async () => {
  for (const { child } of running) child.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  await rm(folder, { recursive: true, force: true });
});

function startDemo(...args: string[]): RunningDemo {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'examples/demo/main.ts', ...args],
    {
      env: { ...process.env, TMPDIR: folder, FORCE_COLOR: undefined, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, to which a test can do what Ctrl-C in a terminal does.
      detached: true,
    },
  );
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const demo = { child, said, ended: once(child, 'close').then(() => undefined) };
  running.push(demo);
  return demo;
}

/** Waits until `condition` holds; fails when the demo ends before that. */
async function until(demo: RunningDemo, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    if (demo.child.exitCode !== null) throw new Error(`The demo has ended: ${demo.said.stderr}`);
    await sleep(5);
  }
}

/** Sends the signal to all of the process group, PostgreSQL included, as a terminal does. */
function interrupt({ child: { pid } }: RunningDemo): void {
  if (pid === undefined) throw new Error('The demo has no process.');
  process.kill(-pid, 'SIGINT');
}

/** Command lines of the processes that have to do with this test's folder. */
async function processesOfTheFolder(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder));
}

async function expectNothingLeft(context: TestContext): Promise<void> {
  expect(await readdir(folder)).toEqual([]);
  if (process.platform !== 'linux') context.skip('Processes are looked for in /proc, which only Linux has.');
  expect(await processesOfTheFolder()).toEqual([]);
}

describe('the demo with --json', () => {
  it.for([
    { strategy: 'a single user', args: [], logins: 2, inSetSecret: 'changed-and-current' },
    { strategy: 'alternating users', args: ['--alternating'], logins: 3, inSetSecret: 'changed' },
  ])('rotates $strategy twice and proves it', async ({ args, logins, inSetSecret }, context) => {
    const demo = startDemo('--json', ...args);
    await demo.ended;
    expect(demo.said.stderr).toBe('');
    const outcome: unknown = JSON.parse(demo.said.stdout);
    const rotation = {
      secretsManagerCalls: expect.toSatisfy((calls: number) => calls > 0 && calls <= 8),
      logins,
      refusedLogins: 0,
      gapMs: inSetSecret === 'changed' ? 0 : expect.any(Number),
      durationMs: expect.any(Number),
      steps: steps.map((step) => ({
        step,
        durationMs: expect.any(Number),
        outcome: step === 'setSecret' ? inSetSecret : expect.any(String),
      })),
    };
    expect(outcome).toEqual({
      rotations: [rotation, rotation],
      newPasswordAccepted: true,
      oldPasswordRefused: true,
    });
    expect(demo.child.exitCode).toBe(0);
    await expectNothingLeft(context);
  });
});

describe('the demo with --document', () => {
  it('rotates a connection string and shows it with its password masked', async (context) => {
    const demo = startDemo('--json', '--document');
    await demo.ended;
    expect(demo.said.stderr).toBe('');
    const masked = expect.stringMatching(
      /^postgres:\/\/demo_app:\*{4}@localhost:\d+\/demo\?sslmode=verify-full&application_name=orders$/,
    );
    const outcome: Record<string, unknown> = JSON.parse(demo.said.stdout);
    expect(outcome).toMatchObject({
      newPasswordAccepted: true,
      oldPasswordRefused: true,
      documentBefore: masked,
      documentAfter: masked,
      rotations: [
        { logins: 2, refusedLogins: 0 },
        { logins: 2, refusedLogins: 0 },
      ],
    });
    expect(outcome.documentAfter).toBe(outcome.documentBefore);
    await expectNothingLeft(context);
  });
});

describe('the demo with --token', () => {
  it('leaves two tokens alive after 50 crashes, and refuses its application nothing', {
    timeout: 300_000,
  }, async (context) => {
    const demo = startDemo('--token', '--json');
    await demo.ended;
    expect(demo.said.stderr).toBe('');
    const outcome: { rotations: { attempts: number; crashedAt: string | null }[] } = JSON.parse(
      demo.said.stdout,
    );
    expect(outcome).toMatchObject({ liveTokens: 2, refusedCalls: 0 });
    const crashed = outcome.rotations.filter(({ crashedAt }) => crashedAt !== null);
    expect([outcome.rotations.length, crashed.length]).toEqual([53, 50]);
    // A process that is killed before its first call or after its last one needs no second try.
    expect(crashed.every(({ attempts }) => attempts === 1 || attempts === 2)).toBe(true);
    const places = crashed.map(({ crashedAt }) => crashedAt).join('\n');
    for (const place of ['POST', 'PutSecretValue', 'GET /', 'UpdateSecretVersionStage', 'DELETE']) {
      expect(places).toContain(place);
    }
    expect(demo.child.exitCode).toBe(0);
    await expectNothingLeft(context);
  });
});

describe('the demo with --client', () => {
  it.for([{ args: [] }, { args: ['--alternating', '--document'] }])(
    'lets no error reach the application, in ten rotations with %o',
    { timeout: 180_000 },
    async ({ args }, context) => {
      const demo = startDemo('--client', '--json', ...args);
      await demo.ended;
      expect(demo.said.stderr).toBe('');
      const outcome: { client: { calls: number; refusedLogins: number } } = JSON.parse(demo.said.stdout);
      const counts = { calls: expect.any(Number), secretsManagerCalls: expect.any(Number) };
      expect(outcome).toEqual({
        rotations: 10,
        client: {
          ...counts,
          errors: 0,
          refusedLogins: expect.any(Number),
          bridgedRefusals: expect.any(Number),
        },
        cache: { ...counts, errors: expect.any(Number) },
      });
      expect(outcome.client.calls).toBeGreaterThan(20);
      expect(outcome.client.refusedLogins).toBeGreaterThan(0);
      expect(demo.child.exitCode).toBe(0);
      await expectNothingLeft(context);
    },
  );
});

describe('the demo when it is interrupted', () => {
  it('leaves nothing behind while PostgreSQL is being set up', async (context) => {
    const demo = startDemo();
    await until(demo, async () => (await readdir(folder)).length > 0);
    interrupt(demo);
    await demo.ended;
    expect(demo.child.exitCode).toBe(130);
    expect(demo.said.stderr).toBe('');
    await expectNothingLeft(context);
  });

  it('leaves nothing behind in the middle of a rotation', async (context) => {
    const demo = startDemo();
    await until(demo, () => demo.said.stdout.includes('createSecret'));
    if (process.platform === 'linux') expect(await processesOfTheFolder()).not.toEqual([]);
    interrupt(demo);
    await demo.ended;
    expect(demo.child.exitCode).toBe(130);
    expect(demo.said.stderr).toBe('');
    await expectNothingLeft(context);
  });
});

describe('the demo with --keep', () => {
  it('answers the real SDK until SIGTERM', async (context) => {
    const demo = startDemo('--keep');
    await until(demo, () => demo.said.stdout.includes('rotate-secret'));
    const endpoint = /--endpoint-url (\S+)/.exec(demo.said.stdout)?.[1] ?? '';
    const client = new SecretsManagerClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const secret = await client.send(new DescribeSecretCommand({ SecretId: 'dev/demo/Postgres' }));
    const { SecretString = '' } = await client.send(
      new GetSecretValueCommand({ SecretId: 'dev/demo/Postgres' }),
    );
    client.destroy();
    const [, host = '', port, database] =
      /psql "host=(\S+) port=(\d+) dbname=(\w+) sslmode=require"/.exec(demo.said.stdout) ?? [];
    expect(demo.said.stdout).toContain(`${host}:${port}, the database ${database}`);
    const { username: user, password } = JSON.parse(SecretString);
    const ssl = { rejectUnauthorized: false };
    const login = new pg.Client({ host, port: Number(port), database, user, password, ssl });
    await login.connect();
    await login.end();
    expect(secret).toMatchObject({
      RotationEnabled: true,
      RotationRules: { ScheduleExpression: 'rate(4 hours)', Duration: '1h' },
      KmsKeyId: expect.stringContaining('alias/keyturn-demo'),
      Description: expect.any(String),
      Tags: expect.arrayContaining([{ Key: 'application', Value: 'demo' }]),
    });
    const console_ = /http:\S+\?token=[\w-]+/.exec(demo.said.stdout)?.[0] ?? '';
    expect((await fetch(console_)).headers.get('set-cookie')).toContain('HttpOnly');
    demo.child.kill('SIGTERM');
    await demo.ended;
    expect(demo.child.exitCode).toBe(143);
    expect(demo.said.stderr).toBe('');
    await expectNothingLeft(context);
  });
});

describe("the demo's arguments", () => {
  it.each([
    ['--nonsense'],
    ['extra'],
    ['--json', '--keep'],
    ['--token', '--alternating'],
    ['--client', '--keep'],
  ])('refuse %s %s with one line', async (...args) => {
    const demo = startDemo(...args);
    await demo.ended;
    expect(demo.child.exitCode).toBe(2);
    expect(demo.said.stdout).toBe('');
    expect(demo.said.stderr).toMatch(/^.+\n$/);
  });

  it('explain themselves with --help', async () => {
    const demo = startDemo('--help');
    await demo.ended;
    expect(demo.child.exitCode).toBe(0);
    expect(demo.said.stdout).toMatch(/--alternating .*--keep .*--json .*--help /s);
    expect(demo.said.stderr).toBe('');
  });
});
