import { randomUUID } from 'node:crypto';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSecretsManager, type TestSecretsManager } from '../../src/testing/secrets.ts';
import { clientOf } from '../local/harness.ts';
import { runKeyturnAlone } from './keyturn-process.ts';
import { runAt, runJsonAt } from './rotation-commands.ts';
import { runAtTerminal, whyNoTerminal } from './terminal.ts';

const values = {
  json: '{"engine":"postgres", "host":"the-host", "port":5432, "username":"the-user", "password":"hunter2", "pin":42, "deep":{"host":"inner", "token":["abc"]}}',
  adoNet: 'Server=tcp:the-host;User Id=the-user;Password="hunt""er2"',
  token: 'abcdefghijklmnop',
  odd: 'neither a form\nnor a token \u001b[31m',
};

let manager: TestSecretsManager;
beforeAll(async () => {
  manager = await startTestSecretsManager();
  const client = new SecretsManager(manager.local.clientConfig);
  await client.createSecret({
    Name: 'prod/json',
    SecretString: values.json,
    Description: 'A \u001b[31mdatabase',
    Tags: [{ Key: 'team', Value: 'shop' }],
  });
  await client.createSecret({
    Name: 'prod/ado-net',
    SecretString: values.adoNet,
    Tags: [
      { Key: 'team', Value: 'other' },
      { Key: 'x', Value: 'shop' },
    ],
  });
  await client.createSecret({ Name: 'dev/token', SecretString: values.token });
  await client.createSecret({ Name: 'dev/odd', SecretString: values.odd });
  await client.createSecret({ Name: 'dev/prod/', SecretString: 'x' });
  await client.createSecret({ Name: 'dev/deleted', SecretString: 'x' });
  await client.deleteSecret({ SecretId: 'dev/deleted' });
  client.destroy();
});
afterAll(() => manager.close());

const namesOf = ({ document }: { document: Record<string, unknown> }): unknown =>
  Array.isArray(document.secrets) ? document.secrets.map(({ name }) => name) : undefined;

describe('keyturn list', () => {
  it.each([
    [[], ['dev/odd', 'dev/prod/', 'dev/token', 'prod/ado-net', 'prod/json']],
    [['prod/'], ['prod/ado-net', 'prod/json']],
    [
      ['dev/', '--deleted'],
      ['dev/deleted', 'dev/odd', 'dev/prod/', 'dev/token'],
    ],
    [
      ['--tag', 'team'],
      ['prod/ado-net', 'prod/json'],
    ],
    [['--tag', 'team=shop'], ['prod/json']],
    [['--tag', 'team=other', '--tag', 'x'], ['prod/ado-net']],
    [['nothing/'], []],
  ])('with %j finds %j', async (args, names) => {
    const found = await runJsonAt(manager, 'list', ...args);
    expect([found.code, namesOf(found)]).toEqual([0, names]);
  });

  it('lists more than a page', async () => {
    const client = clientOf(manager.local);
    for (let index = 0; index < 101; index += 1)
      await client.createSecret({ Name: `many/${index}`, SecretString: 'x' });
    expect(namesOf(await runJsonAt(manager, 'list', 'many/'))).toHaveLength(101);
  });

  it('shows a secret, its rotation and no value', async () => {
    const { code, stdout } = await runAt(manager, 'list', 'prod/json');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ {2}listing secrets \.\.\.\nprod\/json\n {2}description +A \\u\{1b\}\[31mdatabase\n {2}rotation +off\n {2}changed +\S/,
    );
    const { document } = await runJsonAt(manager, 'list', 'prod/json');
    expect(document).toMatchObject({
      secrets: [
        {
          name: 'prod/json',
          secret: expect.stringContaining('arn:'),
          tags: { team: 'shop' },
          rotation: { enabled: null },
          deletedOn: null,
        },
      ],
    });
    expect(stdout + JSON.stringify(document)).not.toContain('hunter2');
  });

  it('says why it can’t list', async () => {
    const { code, stderr } = await runKeyturnAlone({}, 'list', '--endpoint', 'http://127.0.0.1:9');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('keyturn list: SecretsManagerUnreachable: secretsmanager:ListSecrets'),
    ]);
  });
});

describe('keyturn get', () => {
  const noTerminal = whyNoTerminal();
  it.each([
    ['prod/json', values.json],
    ['prod/json#password', 'hunter2'],
    ['prod/json@AWSCURRENT', values.json],
    ['prod/json#@url', 'postgresql://the-user:hunter2@the-host:5432'],
    ['prod/json#deep.token.0|base64', 'YWJj'],
    ['prod/ado-net#password', 'hunt"er2'],
    ['dev/odd', values.odd],
    ['dev/none:-x', 'x'],
  ])('prints %s as it is into a pipe', async (reference, value) => {
    expect(await runAt(manager, 'get', reference)).toMatchObject({ code: 0, stdout: value, stderr: '' });
    const { document } = await runJsonAt(manager, 'get', reference);
    expect(document).toMatchObject({ value, hidden: false });
  });

  it.each([
    ['dev/none', 1, 'SecretNotFound'],
    ['prod/json#nope', 1, 'InvalidSecretField'],
    ['prod/json@AWSPENDING', 1, 'SecretHasNoValue'],
    ['prod/json#', 2, 'has no key'],
    ['${env}/json', 2, 'give --env'],
  ])('of %s ends with %i', async (reference, code, message) => {
    expect(await runAt(manager, 'get', reference)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });

  it('has what it prints masked in a pipeline', async () => {
    const variables = { GITHUB_ACTIONS: 'true' };
    const place = ['--endpoint', manager.local.url];
    const printed = await runKeyturnAlone(variables, 'get', 'dev/token', ...place);
    expect(printed).toMatchObject({ code: 0, stdout: values.token });
    expect(printed.stderr).toContain(`::add-mask::${values.token}\n`);
    const harmless = await runKeyturnAlone(variables, 'get', 'prod/json#host', ...place);
    expect(harmless).toMatchObject({ code: 0, stdout: 'the-host', stderr: '' });
  });

  const atTerminal = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await runAtTerminal([], 'get', ...args, '--endpoint', manager.local.url);
    expect(code).toBe(0);
    return stdout.replaceAll('\r\n', '\n');
  };

  it('masks credentials at a terminal', async ({ skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    expect(await atTerminal('prod/json')).toBe(
      '{"engine":"postgres", "host":"the-host", "port":5432, "username":"the-user", "password":"********", "pin":"********", "deep":{"host":"inner", "token":["********"]}}\n',
    );
    expect(await atTerminal('prod/ado-net')).toBe(
      'Server=tcp:the-host;User Id=the-user;Password="********"\n',
    );
    expect(await atTerminal('prod/ado-net#@url')).toBe('sqlserver://the-user:********@the-host\n');
    expect(await atTerminal('dev/token')).toBe('(hidden, 16 characters; --show shows it)\n');
    expect(await atTerminal('dev/odd')).toContain('(hidden, ');
    expect(await atTerminal('prod/json#password')).toContain('(hidden, 7 ');
    expect(await atTerminal('prod/json#username')).toBe('the-user\n');
    expect(JSON.parse(await atTerminal('prod/json#password', '--json'))).toMatchObject({
      value: null,
      hidden: true,
    });
  });

  it.skipIf(noTerminal !== undefined).each([
    [
      'Server=the-host;User Id=the-user;Password=user',
      'Server=the-host;User Id=the-user;Password=********\n',
    ],
    ['postgres://app:app@app.example/app', 'postgres://app:********@app.example/app\n'],
    ['mysql://the-user:a@the-host/db', 'mysql://the-user:********@the-host/db\n'],
    ['Server=the-host;User Id=the-user;Password=secret;Token=abc', expect.stringContaining('(hidden, ')],
  ])('masks a credential that is a common word in its own place only: %s', async (SecretString, shown) => {
    const client = clientOf(manager.local);
    const { ARN = '' } = await client.createSecret({ Name: randomUUID(), SecretString });
    try {
      expect(await atTerminal(ARN)).toEqual(shown);
    } finally {
      await client.deleteSecret({ SecretId: ARN, ForceDeleteWithoutRecovery: true });
    }
  });

  it('shows credentials with --show, without their control characters', async ({ skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    expect(await atTerminal('prod/json#password', '--show')).toBe('hunter2\n');
    expect(await atTerminal('dev/odd', '--show')).toBe('neither a form\nnor a token \\u{1b}[31m\n');
    expect(JSON.parse(await atTerminal('prod/json#password', '--show', '--json'))).toMatchObject({
      value: 'hunter2',
    });
  });
});
