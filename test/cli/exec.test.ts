import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startTestSecretsManager, type TestSecretsManager } from '../../src/testing/secrets.ts';
import { temporaryFolder } from '../local/harness.ts';
import { eventually } from '../support/eventually.ts';
import { type Ended, ending, type RunSettings, runKeyturnWith, startKeyturn } from './keyturn-process.ts';
import { createSecrets } from './secret-fixtures.ts';
import { runAtTerminal, whyNoTerminal } from './terminal.ts';

const hostile = `'"\`$(touch pwned)\${HOME}\\ \n%s;&|*é🔑`;
const secrets = {
  'prod/shop': JSON.stringify({
    host: 'the-host',
    username: 'the-user',
    'api-key': hostile,
    port: 5432,
    none: null,
  }),
  'prod/plain': 'hunter2hunter2',
  'prod/odd': JSON.stringify({
    PATH: '/evil',
    'ld-preload': 'evil.so',
    node_options: '-r evil',
    é: 'x',
    'a.b': '1',
    A_B: '2',
    ok: 'x\0y',
  }),
};

let manager: TestSecretsManager;
beforeAll(async () => {
  manager = await startTestSecretsManager();
  await createSecrets(manager.client, secrets);
});
afterAll(() => manager.close());

const at = (...args: string[]): string[] => ['exec', '--endpoint', manager.local.url, ...args];
const exec = (settings: RunSettings, ...args: string[]): Promise<Ended> =>
  runKeyturnWith(settings, ...at(...args));
/** A command that runs JavaScript. */
const node = (script: string): string[] => ['--', process.execPath, '-e', script];
const printEnvironment = node('console.log(JSON.stringify(process.env))');
const environmentOf = ({ stdout }: Ended): Record<string, string> => JSON.parse(stdout);
const put = (SecretId: string, SecretString: string) =>
  manager.client.send(new PutSecretValueCommand({ SecretId, SecretString }));

describe('the environment of keyturn exec', () => {
  it('has a variable for each key, as it is, and no shell in between', async () => {
    const cwd = await temporaryFolder();
    const ended = await exec(
      { cwd, variables: { OTHER: 'stays' } },
      'prod/shop',
      '--prefix',
      'SHOP_',
      ...printEnvironment,
    );
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const environment = environmentOf(ended);
    expect(environment).toMatchObject({
      OTHER: 'stays',
      SHOP_HOST: 'the-host',
      SHOP_USERNAME: 'the-user',
      SHOP_API_KEY: hostile,
      SHOP_PORT: '5432',
    });
    expect(environment).not.toHaveProperty('SHOP_NONE');
    expect(await readdir(cwd)).toEqual([]);
  });

  it('has a variable for each mapping', async () => {
    const ended = await exec(
      {},
      ...[
        'KEY=prod/shop#api-key',
        'URL_KEY=${env}/shop#api-key|url',
        'WHOLE=prod/plain',
        'NONE=prod/shop#x:-y z',
      ],
      ...['--env', 'prod', '--pristine', '--keep', 'HOME', ...printEnvironment],
    );
    const { HOME, ...environment } = environmentOf(ended);
    expect(HOME).toBeDefined();
    expect(environment).toEqual({
      KEY: hostile,
      URL_KEY: encodeURIComponent(hostile).replace(
        /['()*]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
      WHOLE: 'hunter2hunter2',
      NONE: 'y z',
    });
  });

  it('lists all keys that must not choose a name at once, and refuses to start', async () => {
    const ended = await exec({}, 'prod/odd', ...node('console.log("started")'));
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    const lines = ended.stderr.trimEnd().split('\n');
    for (const name of ['PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'é', 'A_B']) {
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${name}: EnvironmentRefused: `)));
    }
    expect(lines).toContainEqual(
      expect.stringMatching(/^OK: ValueNotWritable: prod\/odd#ok: The value has a NUL/),
    );
    expect(lines.at(-1)).toMatch(/^keyturn exec: CommandNotStarted: 6 things are wrong/);
    expect(ended.stderr).not.toContain('evil');
  });

  it('may have such a name if the command line gives it', async () => {
    const ended = await exec({}, 'NODE_OPTIONS=prod/none:---no-warnings', ...printEnvironment);
    expect(environmentOf(ended)).toMatchObject({ NODE_OPTIONS: '--no-warnings' });
  });

  it('names a missing secret and a missing key, also with --json', async () => {
    const args = ['prod/none', 'A=prod/shop#nope', 'B=prod/plain#x', 'prod/plain'];
    const ended = await exec({}, '--json', ...args, ...node(''));
    expect([ended.code, ended.stderr]).toEqual([1, '']);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      outcome: 'failed',
      error: { code: 'CommandNotStarted' },
      problems: expect.arrayContaining([
        expect.objectContaining({ where: 'prod/none', code: 'SecretNotFound' }),
        expect.objectContaining({ where: 'A', code: 'InvalidSecretField', reference: 'prod/shop#nope' }),
        expect.objectContaining({ where: 'prod/plain', message: expect.stringContaining('NAME=prod/plain') }),
      ]),
    });
  });
});

describe('the end of keyturn exec', () => {
  it.each([
    [['prod/shop', ...node('process.exit(7)')], 7],
    [['prod/shop', '--', 'no-such-program'], 127],
    [['prod/shop', '--', '/etc/passwd'], 126],
    [['prod/none', ...node('')], 1],
    [['prod/shop#host', ...node('')], 2],
    [['a b=prod/shop', ...node('')], 2],
    [['prod/shop'], 2],
    [[...node('')], 2],
    [['prod/shop', '--keep', 'X', ...node('')], 2],
    [['prod/shop', '--prefix', 'a b', ...node('')], 2],
    [['--file', 'x', ...node('')], 2],
    [['--file', '../x=y', ...node('')], 2],
    [['--file', '/x=y', ...node('')], 2],
    [['prod/shop', '--on-rotation', 'reboot', ...node('')], 2],
    [['prod/shop', '--poll', '0', ...node('')], 2],
  ])('after %j is %i', async (args, code) => {
    expect(await exec({}, ...args)).toMatchObject({ code, signal: null });
  });

  it('hands --help on to the command', async () => {
    const script = 'console.log(process.argv.slice(1).join())';
    const ended = await exec({}, 'prod/shop', ...node(script), '--', '--help', '--json');
    expect(ended).toMatchObject({ code: 0, stdout: '--help,--json\n' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT'] as const)(
    'follows %s, which the command may take',
    async (signal) => {
      const script = `process.on('${signal}', () => { console.log('got ${signal}'); process.exit(3); }); setInterval(() => {}, 1000); console.log('up');`;
      const child = await startKeyturn({}, ...at('prod/shop', ...node(script)));
      const ended = ending(child);
      await once(createInterface(child.stdout), 'line');
      child.kill(signal);
      expect(await ended).toMatchObject({ code: 3, signal: null, stderr: '' });
    },
  );

  it.each(['SIGTERM', 'SIGKILL'] as const)('is %s where that ended the command', async (signal) => {
    expect(await exec({}, 'prod/shop', ...node(`process.kill(process.pid, '${signal}')`))).toMatchObject({
      code: null,
      signal,
    });
  });

  it('gets each Ctrl-C of a terminal once', async ({ skip }) => {
    if (spawnSync('python3', ['-c', 'import pty']).status !== 0)
      skip('python3, which makes a terminal, is not here');
    const count = `let n = 0; process.on('SIGINT', () => { n += 1; console.log('interrupt ' + n); }); process.stdin.once('data', () => { console.log('interrupts: ' + n); process.exit(4); }); console.log('up');`;
    const terminal = [
      'import os, pty, sys, time',
      'pid, terminal = pty.fork()',
      'if pid == 0: os.execv(sys.argv[1], sys.argv[1:])',
      'said = b""',
      'while b"up" not in said: said += os.read(terminal, 1024)',
      'for number in range(1, 6):',
      '  os.write(terminal, b"\\x03")',
      // Several pending signals of one kind count as one signal: so the next comes when this one was heard.
      '  while b"interrupt %d" % number not in said: said += os.read(terminal, 1024)',
      // If it also came by way of keyturn, that one would come now.
      '  time.sleep(0.2)',
      'os.write(terminal, b"\\n")',
      'try:',
      '  while True: said += os.read(terminal, 1024)',
      'except OSError: pass',
      'print(said.decode())',
      'sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    ].join('\n');
    const program = fileURLToPath(new URL('../../bin/keyturn.js', import.meta.url));
    const args = ['-c', terminal, process.execPath, program, ...at('prod/shop', ...node(count))];
    const child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(await ending(child)).toMatchObject({ code: 4, stdout: expect.stringContaining('interrupts: 5') });
  });
});

describe('the files of keyturn exec', () => {
  const template = async (content = '{"key":"${secret:prod/shop#api-key}"}'): Promise<string> => {
    const path = join(await temporaryFolder(), 'app.template.json');
    await writeFile(path, content);
    return path;
  };
  const show = node(
    `const { readFileSync, statSync } = require('fs'); const folder = process.env.KEYTURN_FILES;
     const mode = (path) => (statSync(path).mode & 0o777).toString(8);
     console.log(JSON.stringify({ folder, modes: [mode(folder), mode(folder + '/conf'), mode(folder + '/conf/app.json')], text: readFileSync(folder + '/conf/app.json', 'utf8') }))`,
  );
  const isGone = async (folder: string): Promise<boolean> => !(await stat(folder).catch(() => undefined));

  it('are in memory, for this user alone, and gone afterwards', async ({ skip }) => {
    if (process.platform !== 'linux') skip('there is no /dev/shm');
    const ended = await exec({}, '--file', `conf/app.json=${await template()}`, ...show);
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const { folder, modes, text } = JSON.parse(ended.stdout);
    expect(folder).toMatch(/^\/dev\/shm\/keyturn-exec-/);
    expect(modes).toEqual(['700', '700', '600']);
    expect(JSON.parse(text)).toEqual({ key: hostile });
    expect(await isGone(folder)).toBe(true);
  });

  it('are on a disk only with --files-in', async () => {
    const disk = await temporaryFolder();
    const ended = await exec({}, '--file', `conf/app.json=${await template()}`, '--files-in', disk, ...show);
    expect(JSON.parse(ended.stdout).folder).toContain(disk);
    expect(await readdir(disk)).toEqual([]);
  });

  it('that can’t be made are reported, and nothing is left', async ({ skip }) => {
    if (process.platform !== 'linux') skip('there is no /dev/shm');
    // In memory, and of this test alone: others may make folders there at the same time.
    const shared = await mkdtemp('/dev/shm/keyturn-test-');
    onTestFinished(() => rm(shared, { recursive: true }));
    const path = await template('{\n  "a": "${secret:prod/none}",\n  "b": "${secret:prod/shop#nope}"}');
    const settings = { variables: { XDG_RUNTIME_DIR: shared } };
    const ended = await exec(
      settings,
      '--file',
      `a.json=${path}`,
      'X=prod/none',
      ...node('console.log("started")'),
    );
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(/app\.template\.json:2:9: SecretNotFound: prod\/none: /);
    expect(ended.stderr).toMatch(/app\.template\.json:3:9: InvalidSecretField: prod\/shop#nope: /);
    expect(ended.stderr).toMatch(/^X: SecretNotFound/m);
    expect(await readdir(shared)).toEqual([]);
    const same = await template();
    const files = ['--file', `a=${same}`, '--file', `a/b.json=${same}`];
    expect(await exec(settings, ...files, ...node('console.log("started")'))).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^keyturn exec: OutputFailed: .*EEXIST.* is a file, and no folder/),
    });
    expect(await readdir(shared)).toEqual([]);
    const missing = await exec({}, '--file', 'a.json=nowhere.json', ...node(''));
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^nowhere\.json: InvalidTemplate: .*ENOENT/),
    });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('are gone after %s', async (signal) => {
    const parent = await temporaryFolder();
    const child = await startKeyturn(
      {},
      ...at(
        '--file',
        `conf/app.json=${await template()}`,
        '--files-in',
        parent,
        ...node('console.log("up"); setInterval(() => {}, 1000)'),
      ),
    );
    const ended = ending(child);
    await once(createInterface(child.stdout), 'line');
    expect(await readdir(parent)).toHaveLength(1);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: null, signal });
    expect(await readdir(parent)).toEqual([]);
  });

  it('that SIGKILL left are removed at the next start, and those in use stay', async () => {
    const parent = await temporaryFolder();
    const path = await template();
    const startOne = async () => {
      const script =
        'console.log(process.env.KEYTURN_FILES + " " + process.pid); setInterval(() => {}, 1000)';
      const child = await startKeyturn(
        {},
        ...at('--file', `conf/app.json=${path}`, '--files-in', parent, ...node(script)),
      );
      const [line] = await once(createInterface(child.stdout), 'line');
      const [folder = '', pid] = String(line).split(' ');
      return { child, ended: ending(child), folder, pid: Number(pid) };
    };
    const [killed, alive] = [await startOne(), await startOne()];
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    process.kill(killed.pid, 'SIGKILL');
    expect(await isGone(killed.folder)).toBe(false);
    expect((await exec({}, 'prod/shop', '--files-in', parent, ...node(''))).code).toBe(0);
    expect([await isGone(killed.folder), await isGone(alive.folder)]).toEqual([true, false]);
    alive.child.kill('SIGTERM');
    await alive.ended;
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('keyturn exec in a log', () => {
  it('has its credentials masked by GitHub Actions', async () => {
    const { stdout } = await exec(
      { variables: { GITHUB_ACTIONS: 'true' } },
      'prod/shop',
      'P=prod/plain',
      ...node('console.log("up")'),
    );
    const lines = stdout.split('\n');
    expect(lines).toContain('::add-mask::hunter2hunter2');
    expect(lines.at(-2)).toBe('up');
    for (const harmless of ['the-host', 'the-user', '5432']) expect(stdout).not.toContain(`::${harmless}`);
    const quiet = await exec(
      { variables: { GITHUB_ACTIONS: 'true' } },
      'P=prod/plain',
      '--masks',
      'stderr',
      ...node('console.log("up")'),
    );
    expect([quiet.stdout, quiet.stderr]).toEqual([
      'up\n',
      expect.stringContaining('::add-mask::hunter2hunter2\n'),
    ]);
  });

  it('has its output filtered on request', async () => {
    const script = `process.stdout.write('a ' + process.env.P.slice(0, 7)); setTimeout(() => { console.log(process.env.P.slice(7) + ' ' + Buffer.from(process.env.P).toString('base64')); console.error(process.env.HOST + ' ' + process.env.P); }, 50)`;
    const ended = await exec({}, 'prod/shop', 'P=prod/plain', '--mask-output', ...node(script));
    expect(ended).toMatchObject({ code: 0, stdout: 'a *** ***\n', stderr: 'the-host ***\n' });
  });
});

describe('keyturn exec after a rotation', () => {
  it('restarts the command with the new values', async () => {
    await createSecrets(manager.client, { 'prod/restart': '{"password":"first-password"}' });
    const path = join(await temporaryFolder(), 'a.json');
    await writeFile(path, '["${secret:prod/restart#password}"]');
    const script = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); console.log(process.env.PASSWORD + ' ' + require('fs').readFileSync(process.env.KEYTURN_FILES + '/a.json', 'utf8')); setInterval(() => {}, 1000)`;
    const child = await startKeyturn(
      {},
      ...at(
        'prod/restart',
        '--file',
        `a.json=${path}`,
        '--on-rotation',
        'restart',
        '--poll',
        '0.1',
        ...node(script),
      ),
    );
    const ended = ending(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    expect(await next()).toBe('first-password ["first-password"]');
    await put('prod/restart', '{"password":"second-password"}');
    expect([await next(), await next()]).toEqual(['bye', 'second-password ["second-password"]']);
    child.kill('SIGTERM');
    expect(await next()).toBe('bye');
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/a secret was rotated: .* is restarted/);
    expect(stderr).not.toContain('password');
  });

  it('restarts a command that went on after a signal', async () => {
    await createSecrets(manager.client, { 'prod/reload': '{"password":"first-password"}' });
    const script = `process.on('SIGHUP', () => console.log('read again')); console.log(process.env.PASSWORD); setInterval(() => {}, 1000)`;
    const child = await startKeyturn(
      {},
      ...at('prod/reload', '--on-rotation', 'restart', '--poll', '0.1', ...node(script)),
    );
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    expect(await next()).toBe('first-password');
    child.kill('SIGHUP');
    expect(await next()).toBe('read again');
    await put('prod/reload', '{"password":"second-password"}');
    expect(await next()).toBe('second-password');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it('restarts no command after a Ctrl-C while it ends', async ({ skip }) => {
    const why = whyNoTerminal();
    if (why !== undefined) skip(why);
    await createSecrets(manager.client, { 'prod/interrupted': '{"password":"first-password"}' });
    const started = join(await temporaryFolder(), 'started');
    const script = `const { existsSync, writeFileSync } = require('fs'); if (existsSync('${started}')) { console.log('started again'); process.exit(7); } process.on('SIGTERM', () => console.log('ending')); process.on('SIGINT', () => process.exit(4)); writeFileSync('${started}', ''); setInterval(() => {}, 1000)`;
    const run = runAtTerminal(
      [{ after: 'ending', type: '\x03' }],
      ...at(
        'prod/interrupted',
        '--on-rotation',
        'restart',
        '--poll',
        '0.1',
        '--grace',
        '60',
        ...node(script),
      ),
    );
    await eventually(() => stat(started));
    await put('prod/interrupted', '{"password":"second-password"}');
    const { code, stdout } = await run;
    expect([code, stdout.includes('started again')]).toEqual([4, false]);
  });

  it('renders the files anew and sends SIGHUP', async () => {
    await createSecrets(manager.client, { 'prod/hup': 'first-password' });
    const path = join(await temporaryFolder(), 'a.json');
    await writeFile(path, '["${secret:prod/hup}"]');
    const script = `const show = () => console.log(require('fs').readFileSync(process.env.KEYTURN_FILES + '/a.json', 'utf8')); process.on('SIGHUP', show); show(); setInterval(() => {}, 1000)`;
    const child = await startKeyturn(
      {},
      ...at('--file', `a.json=${path}`, '--on-rotation', 'SIGHUP', '--poll', '0.1', ...node(script)),
    );
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    expect(await next()).toBe('["first-password"]');
    await put('prod/hup', 'second-password');
    expect(await next()).toBe('["second-password"]');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it.each(['SIGHUP', 'restart'])('tries again with %s if a file can’t be written', async (action) => {
    const secret = `prod/unwritable-${action}`;
    await createSecrets(manager.client, { [secret]: 'first-password' });
    const path = join(await temporaryFolder(), 'a.json');
    await writeFile(path, `["\${secret:${secret}}"]`);
    const script = `const fs = require('fs'); const file = process.env.KEYTURN_FILES + '/a.json'; const show = () => console.log(fs.readFileSync(file, 'utf8')); process.on('SIGHUP', show); process.on('SIGUSR1', () => fs.rmdirSync(file)); show(); if (fs.readFileSync(file, 'utf8').includes('first')) { fs.unlinkSync(file); fs.mkdirSync(file); } setInterval(() => {}, 1000)`;
    const child = await startKeyturn(
      {},
      ...at('--file', `a.json=${path}`, '--on-rotation', action, '--poll', '0.1', ...node(script)),
    );
    const [out, said] = [child.stdout, child.stderr].map((stream) =>
      createInterface(stream)[Symbol.asyncIterator](),
    );
    expect((await out?.next())?.value).toBe('["first-password"]');
    await put(secret, 'second-password');
    expect((await said?.next())?.value).toMatch(/goes on with what it has\. .*a\.json is a folder/);
    child.kill('SIGUSR1');
    expect((await out?.next())?.value).toBe('["second-password"]');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it('keeps the old values if the new value can’t be used', async () => {
    await createSecrets(manager.client, { 'prod/broken': '{"password":"first-password"}' });
    const script = `console.log(process.env.PASSWORD); setInterval(() => {}, 1000)`;
    const child = await startKeyturn(
      {},
      ...at('prod/broken', '--on-rotation', 'restart', '--poll', '0.1', ...node(script)),
    );
    const [out, said] = [child.stdout, child.stderr].map((stream) =>
      createInterface(stream)[Symbol.asyncIterator](),
    );
    expect((await out?.next())?.value).toBe('first-password');
    await put('prod/broken', 'no object');
    expect((await said?.next())?.value).toMatch(/goes on with what it has\. Correct this:$/);
    expect((await said?.next())?.value).toMatch(
      /^prod\/broken: InvalidSecretField: The secret prod\/broken has no keys/,
    );
    await put('prod/broken', '{"password":"third-password"}');
    expect((await out?.next())?.value).toBe('third-password');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});

it('keyturn exec leaves no value where other processes see it', async () => {
  const script = `console.log(require('fs').readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8') + require('fs').readFileSync('/proc/' + process.ppid + '/environ', 'utf8'))`;
  const ended = await exec({}, 'P=prod/plain', ...node(script));
  expect(ended.stdout).toContain('prod/plain');
  expect(ended.stdout).not.toContain('hunter2');
  expect(await readFile('/proc/self/cmdline', 'utf8').catch(() => '')).not.toContain('hunter2');
});
