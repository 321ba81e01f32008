import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSecretsManager, type TestSecretsManager } from '../../src/testing/secrets.ts';
import { allow, policy, root, user } from '../local/access-harness.ts';
import { clientOf, start, temporaryFolder } from '../local/harness.ts';
import { runInShell, runKeyturnAlone, runKeyturnWith } from './keyturn-process.ts';
import { runAt, runJsonAt } from './rotation-commands.ts';
import { createSecrets } from './secret-fixtures.ts';

const secrets = {
  'dev/db': '{"engine":"postgres","host":"db","port":5432,"username":"app","password":"p\\"w<&>\'"}',
  'prod/db': '{"engine":"postgres","host":"db","port":5432,"username":"app","password":"of production"}',
  'dev/cert': '-----BEGIN X-----\nabcdefgh\n-----END X-----\n',
};

describe('keyturn render', () => {
  let manager: TestSecretsManager;
  beforeAll(async () => {
    manager = await startTestSecretsManager();
    await createSecrets(manager.client, secrets);
  });
  afterAll(() => manager.close());

  const write = async (name: string, content: string): Promise<string> => {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, content);
    return path;
  };

  it('writes the file for its environment, all else byte for byte', async () => {
    const template = await write(
      'appsettings.template.json',
      '\ufeff{\r\n  // comment\r\n  "Db": "${secret:${env}/db#@url}", "Pw":"${secret:${env}/db#password}",\r\n  "Port": "${secret:${env}/db#port|number}",\r\n}\r\n',
    );
    const output = join(template, '..', 'appsettings.json');
    const { code, stdout, stderr } = await runAt(manager, 'render', template, '--env', 'dev', '-o', output);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('with 3 values of 1 secret');
    expect(stdout).not.toContain('p"w');
    expect(await readFile(output, 'utf8')).toBe(
      `\ufeff{\r\n  // comment\r\n  "Db": "postgresql://app:p%22w%3C%26%3E%27@db:5432", "Pw":"p\\"w<&>'",\r\n  "Port": 5432,\r\n}\r\n`,
    );
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    const again = await runJsonAt(manager, 'render', template, '--env', 'prod', '-o', output);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.document).toEqual({
      outcome: 'rendered',
      template,
      output,
      format: 'json',
      references: [
        { line: 3, column: 10, reference: 'prod/db#@url' },
        { line: 3, column: 43, reference: 'prod/db#password' },
        { line: 4, column: 12, reference: 'prod/db#port|number' },
      ],
      notes: [],
    });
    expect(await readFile(output, 'utf8')).toContain('"Pw":"of production"');
  });

  it('tells everything that is wrong at once, and leaves the old file', async () => {
    const template = await write(
      'app.yaml.tmpl',
      'a: ${secret:dev/none}\nb:\n  - ${secret:dev/db#nokey}\n  - "${secret:dev/db@AWSPENDING}"\n  - ${secret:dev/db#password}\n',
    );
    const output = join(template, '..', 'app.yaml');
    await writeFile(output, 'old');
    const { code, stdout, stderr } = await runAt(manager, 'render', template, '-o', output);
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^.*app\.yaml\.tmpl:1:4: SecretNotFound: dev\/none: secretsmanager:GetSecretValue/,
      ),
      expect.stringMatching(
        /^.*:3:5: InvalidSecretField: dev\/db#nokey: The secret dev\/db has no key "nokey"/,
      ),
      expect.stringMatching(/^.*:4:6: SecretHasNoValue: dev\/db@AWSPENDING: /),
      'keyturn render: RenderFailed: 3 things are wrong. Nothing was written. Correct what is listed.',
      '',
    ]);
    expect(stdout + stderr).not.toContain('p"w');
    expect(await readFile(output, 'utf8')).toBe('old');
    const json = await runJsonAt(manager, 'render', template, '-o', output);
    expect([json.code, json.document]).toEqual([
      1,
      {
        outcome: 'failed',
        error: { code: 'RenderFailed', message: expect.stringContaining('3 things are wrong') },
        problems: [
          expect.objectContaining({
            file: template,
            line: 1,
            column: 4,
            code: 'SecretNotFound',
            reference: 'dev/none',
          }),
          expect.objectContaining({ line: 3, column: 5 }),
          expect.objectContaining({ line: 4, column: 6 }),
        ],
      },
    ]);
  });

  it('refuses a mistake of the template before it reads a secret', async () => {
    const template = await write('web.config', '<a>\n  <${secret:dev/db}/>\n</a>');
    const calls: string[] = [];
    const stop = manager.local.on((event) => {
      if (event.type === 'call') calls.push(event.operation);
    });
    const { code, stderr } = await runAt(manager, 'render', template, '--stdout');
    expect(code).toBe(1);
    expect(stderr).toMatch(/web\.config:2:\d+: InvalidTemplate: /);
    expect(calls).toEqual([]);
    stop();
  });

  it('prints only the result with --stdout', async () => {
    const template = await write('x.conf', 'password ${secret:dev/cert|json};\n');
    const { code, stdout, stderr } = await runAt(manager, 'render', template, '--stdout');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe('password "-----BEGIN X-----\\nabcdefgh\\n-----END X-----\\n";\n');
  });

  it('replaces a symbolic link instead of following it, and never its template', async () => {
    const template = await write('a.env.template', 'A=${secret:dev/db#username}\n');
    const folder = join(template, '..');
    await writeFile(join(folder, 'victim'), 'not yours');
    await symlink('victim', join(folder, 'a.env'));
    expect((await runAt(manager, 'render', template, '-o', join(folder, 'a.env'))).code).toBe(0);
    expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('not yours');
    expect(await readFile(join(folder, 'a.env'), 'utf8')).toBe('A=app\n');
    const same = await runAt(manager, 'render', template, '-o', join(folder, '.', 'a.env.template'));
    expect(same).toMatchObject({ code: 1, stderr: expect.stringContaining('is the template itself') });
    expect(await readdir(folder)).toHaveLength(3);
  });

  it('says that its output could not be written whole', async () => {
    const template = await write('a.json', '["${secret:dev/db#username}"]');
    const line = `keyturn render ${template} --stdout --endpoint ${manager.local.url} > /dev/full`;
    const { code, stderr } = await runInShell(`[ -e /dev/full ] || exit 77\n${line}`);
    if (code !== 77) expect([code, stderr]).toEqual([1, expect.stringMatching(/OutputFailed: .*ENOSPC/)]);
  });

  it('tells a deleted and a binary secret by their names', async () => {
    const client = clientOf(manager.local);
    await client.createSecret({ Name: 'dev/deleted', SecretString: 'x' });
    await client.deleteSecret({ SecretId: 'dev/deleted' });
    await client.createSecret({ Name: 'dev/binary', SecretBinary: Buffer.from([0, 255]) });
    const template = await write('a.json', '["${secret:dev/deleted:-x}", "${secret:dev/binary}"]');
    const { code, document } = await runJsonAt(manager, 'render', template, '-o', `${template}.out`);
    expect(code).toBe(1);
    expect(document.problems).toMatchObject([
      {
        code: 'SecretMarkedForDeletion',
        message: expect.stringContaining('restore-secret --secret-id dev/deleted'),
      },
      { code: 'SecretIsBinary', reference: 'dev/binary' },
    ]);
  });

  it.each([
    [['render'], 'name the template'],
    [['render', 'a', 'b', '--stdout'], 'one template at a time'],
    [['render', 'a.json'], 'say where the result goes'],
    [['render', 'a.json', '-o', 'b', '--stdout'], 'exclude each other'],
    [['render', 'a.json', '--stdout', '--json'], '--stdout prints the file itself'],
    [['render', 'a.json', '--stdout', '--format', 'hocon'], '--format must be one of'],
    [['render', '-', '--stdout'], 'needs --format'],
    [['render', 'a.json', '--stdout', '--env', 'a b'], '--env must have'],
    [['render', 'a.json', '--stdout', '--var', 'x'], '--var must be'],
    [['render', 'a.json', '--stdout', '--masks', 'stdout'], 'would go into the output'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await runKeyturnAlone({}, ...args);
    expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('reads its template from standard input', async () => {
    const { code, stdout } = await runKeyturnWith(
      { input: '{"a":"${secret:dev/db#username}"}' },
      ...['render', '-', '--format', 'json', '--stdout', '--endpoint', manager.local.url],
    );
    expect([code, stdout]).toEqual([0, '{"a":"app"}']);
  });
});

describe('keyturn render in a pipeline', () => {
  it.each([
    ['GITHUB_ACTIONS', 'true', '::add-mask::'],
    ['TF_BUILD', 'True', '##vso[task.setsecret]'],
  ])('with %s has credentials masked, line by line, and nothing else', async (variable, value, command) => {
    const { local, client } = await start();
    const hostile = 'multi%0Aline\n::set-output name=x::y\r\n##vso[task.complete]\nab';
    await client.createSecret({
      Name: 's',
      SecretString: JSON.stringify({ host: 'the-host', port: 5432, username: 'the-user', password: hostile }),
    });
    const template = join(await temporaryFolder(), 'a.json');
    await writeFile(
      template,
      '["${secret:s#password}", "${secret:s#host}", "${secret:s#port}", "${secret:s#username}"]',
    );
    const { code, stdout } = await runKeyturnAlone(
      { [variable]: value },
      ...['render', template, '-o', `${template}.out`, '--endpoint', local.url],
    );
    expect(code).toBe(0);
    const percent = variable === 'TF_BUILD' ? '%AZP25' : '%25';
    const commands = stdout.split('\n').filter((line) => line.startsWith('::') || line.startsWith('##'));
    for (const line of commands) expect(line.startsWith(command)).toBe(true);
    const masked = commands.map((line) => line.slice(command.length));
    expect(masked).toContain(`multi${percent}0Aline`);
    expect(masked).toContain('::set-output name=x::y');
    expect(masked).toContain('##vso[task.complete]');
    for (const harmless of ['the-host', 'the-user', '5432', 'ab', '']) expect(masked).not.toContain(harmless);
  });

  it('keeps masks out of the output, and out of files', async () => {
    const { local, client } = await start();
    await client.createSecret({ Name: 's', SecretString: 'hunter2hunter2' });
    const template = join(await temporaryFolder(), 'a.json');
    await writeFile(template, '["${secret:s}"]');
    const variables = { GITHUB_ACTIONS: 'true' };
    const place = ['--endpoint', local.url];
    const printed = await runKeyturnAlone(variables, 'render', template, '--stdout', ...place);
    expect(printed.stdout).toBe('["hunter2hunter2"]');
    expect(printed.stderr).toContain('::add-mask::hunter2hunter2\n');
    const quiet = await runKeyturnAlone(
      variables,
      'render',
      template,
      '-o',
      `${template}.out`,
      '--masks',
      'none',
      ...place,
    );
    expect(quiet.stdout + quiet.stderr).not.toContain('hunter2');
    const log = join(template, '..', 'log');
    const line = `keyturn render a.json -o out.json --endpoint ${local.url} > log`;
    const inFile = await runInShell(line, { variables, cwd: join(template, '..') });
    expect(inFile.stderr).toContain('nothing is masked: stdout is a file');
    expect(await readFile(log, 'utf8')).not.toContain('hunter2');
  });
});

describe('keyturn render --check', () => {
  it('proves that everything may be read, without reading a value', async () => {
    const johndoe = user('johndoe', {
      policies: [
        policy(
          allow('secretsmanager:GetSecretValue', {
            Resource: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:dev/*',
          }),
        ),
        policy(allow('secretsmanager:DescribeSecret')),
      ],
    });
    const { local } = await start({ policies: 'enforce', principals: [root, johndoe] });
    const admin = new SecretsManagerClient({ ...local.clientConfig, credentials: root });
    await createSecrets(admin, { ...secrets, 'dev/keyed': 'x' });
    const template = join(await temporaryFolder(), 'a.json');
    await writeFile(
      template,
      '["${secret:dev/db#password}", "${secret:dev/cert}",\n "${secret:prod/db}", "${secret:dev/none}", "${secret:dev/none:-x}", "${secret:dev/db#@value@BLUE}"]',
    );
    const reads: string[] = [];
    local.on((event) => {
      if (event.type === 'call') reads.push(`${event.operation} ${event.error ?? 'ok'}`);
    });
    const credentials = {
      AWS_ACCESS_KEY_ID: johndoe.accessKeyId,
      AWS_SECRET_ACCESS_KEY: johndoe.secretAccessKey,
    };
    const args = ['render', template, '--check', '--endpoint', local.url, '--json'];
    const { code, stdout } = await runKeyturnAlone(credentials, ...args);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      {
        outcome: 'failed',
        problems: [
          { line: 2, column: 3, code: 'AccessDenied', reference: 'prod/db' },
          { line: 2, column: 24, code: 'SecretNotFound', reference: 'dev/none' },
          { line: 2, column: 71, code: 'SecretHasNoValue', reference: 'dev/db@BLUE' },
        ],
      },
    ]);
    expect(reads).toContain('GetSecretValue AccessDeniedException');
    expect(reads).not.toContain('GetSecretValue ok');
    await writeFile(template, '["${secret:dev/db#password}", "${secret:dev/none:-x}"]');
    const passed = await runKeyturnAlone(credentials, ...args);
    expect([passed.code, JSON.parse(passed.stdout)]).toMatchObject([
      0,
      { outcome: 'checked', references: [{ outcome: 'readable' }, { outcome: 'default' }] },
    ]);
    expect(reads).not.toContain('GetSecretValue ok');
    // Of forty references, the one that may not be read is named, and nothing is written.
    const references = Array.from({ length: 40 }, (_, index) => (index === 17 ? 'prod/db' : 'dev/db'));
    await writeFile(
      template,
      JSON.stringify(
        references.map((name) => `\${secret:${name}#host}`),
        null,
        1,
      ),
    );
    const output = `${template}.out`;
    await writeFile(output, 'old');
    const place = ['--endpoint', local.url];
    const denied = await runKeyturnAlone(credentials, 'render', template, '-o', output, ...place);
    expect([denied.code, await readFile(output, 'utf8')]).toEqual([1, 'old']);
    expect(denied.stderr).toMatch(
      /^\S+a\.json:19:3: AccessDenied: prod\/db#host: .*\nkeyturn render: RenderFailed: One thing/,
    );
    await writeFile(template, '["${secret:dev/db#password}", "${secret:dev/none:-x}"]');
    const people = await runKeyturnAlone(credentials, ...args.slice(0, -1));
    expect(people.stdout).toMatch(/ok +dev\/db#password\n +default +dev\/none\n/);
  });
});
