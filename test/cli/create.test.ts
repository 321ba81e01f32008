import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../local/harness.ts';
import { createLogin, loginOf, secretOf, uniqueName } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { type Ended, runKeyturnWith } from './keyturn-process.ts';
import { functionArn, type JsonEnded } from './rotation-commands.ts';
import { runAtTerminal, whyNoTerminal } from './terminal.ts';

const connectionString = 'Server=tcp:db,1433;Database=shop;User Id=app;Password="hunter;2"';

let fixture: RotationFixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const create = (input: string, ...args: string[]): Promise<Ended> =>
  runKeyturnWith({ input }, 'create', '--endpoint', fixture.local.url, ...args);
const createJson = async (input: string, ...args: string[]): Promise<JsonEnded> => {
  const ended = await create(input, ...args, '--json');
  return { ...ended, document: JSON.parse(ended.stdout) };
};
const described = (SecretId: string) => fixture.client.send(new DescribeSecretCommand({ SecretId }));
const storedIn = async (SecretId: string): Promise<string | undefined> =>
  (await fixture.client.send(new GetSecretValueCommand({ SecretId }))).SecretString;
const newName = (): string => uniqueName('secret').replaceAll(' ', '-');
const fileWith = async (content: string): Promise<string> => {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, content);
  return path;
};

describe('keyturn create with options', () => {
  it('stores what standard input holds, and shows all but the value', async () => {
    const name = newName();
    const { code, stdout, stderr } = await create(
      `${connectionString}\n`,
      name,
      '--kind',
      'sqlserver',
      '--value-file',
      '-',
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/value +reads as an ADO\.NET connection string for app at db:1433\/shop\n/);
    expect(stdout).toMatch(
      new RegExp(`Stored: ${name}\\n[\\s\\S]*aws secretsmanager get-secret-value --secret-id ${name} `),
    );
    expect(stdout).not.toContain('hunter');
    expect(await storedIn(name)).toBe(connectionString);
  });

  it('stores everything that AWS’s screens ask for', async () => {
    const name = newName();
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:role/app' },
          Action: 'secretsmanager:GetSecretValue',
          Resource: '*',
        },
      ],
    };
    const { code, document } = await createJson(
      '',
      ...[
        name,
        '--kind',
        'postgres',
        '--field',
        'host=db',
        '--field',
        'username=app',
        '--field-file',
        `password=${await fileWith('p"w\n')}`,
      ],
      ...['--kms-key', 'alias/shop', '--description', 'For the shop', '--tag', 'team=shop', '--tag', 'a=b=c'],
      ...[
        '--policy-file',
        await fileWith(JSON.stringify(policy, null, 2)),
        '--replica',
        'eu-west-1',
        '--replica',
        'eu-west-2=alias/other',
      ],
    );
    expect([code, document]).toMatchObject([
      0,
      {
        outcome: 'created',
        name,
        kind: 'postgres',
        value: 'reads as JSON for app at db:5432',
        key: 'alias/shop',
        tags: { team: 'shop', a: 'b=c' },
        resourcePolicy: policy,
        replicas: [
          { region: 'eu-west-1', key: 'aws/secretsmanager' },
          { region: 'eu-west-2', key: 'alias/other' },
        ],
        rotationPlan: null,
        code: { python: expect.stringContaining(`SecretId="${name}"`) },
      },
    ]);
    expect(await storedIn(name)).toBe(
      '{"engine":"postgres","username":"app","password":"p\\"w","host":"db","port":5432}',
    );
    expect(await described(name)).toMatchObject({
      Description: 'For the shop',
      KmsKeyId: 'alias/shop',
      Tags: [
        { Key: 'team', Value: 'shop' },
        { Key: 'a', Value: 'b=c' },
      ],
      ReplicationStatus: [
        expect.objectContaining({ Region: 'eu-west-1' }),
        expect.objectContaining({ Region: 'eu-west-2' }),
      ],
    });
    const stored = await fixture.client.send(new GetResourcePolicyCommand({ SecretId: name }));
    expect(JSON.parse(stored.ResourcePolicy ?? '')).toEqual(policy);
  });

  it('has it rotated by a function, with its schedule in words and its next five dates', async () => {
    const name = newName();
    const login = await createLogin();
    const { code, document } = await createJson(
      JSON.stringify(secretOf(login)),
      ...[
        name,
        '--value-file',
        '-',
        '--function',
        functionArn,
        '--every',
        '7d',
        '--at-hour',
        '3',
        '--window',
        '2h',
      ],
    );
    expect([code, document]).toMatchObject([
      0,
      {
        outcome: 'created',
        rotationPlan: {
          function: functionArn,
          schedule: 'cron(0 3 ? * SUN *)',
          window: '2h',
          words: expect.stringContaining('every Sunday, at 3:00 UTC'),
          immediately: true,
        },
        rotation: { outcome: 'succeeded', preflight: { outcome: 'passed' } },
      },
    ]);
    expect(document.rotationPlan).toMatchObject({
      nextDates: Array.from({ length: 5 }, () => expect.stringMatching(/T03:00:00/)),
    });
    expect(loginOf(JSON.parse((await storedIn(name)) ?? '')).password).not.toBe(login.password);
  });

  it('says what is done and what is not if the rotation is refused', async () => {
    const name = newName();
    const wrong = secretOf({ ...(await createLogin()), password: 'not the password' });
    const { code, document } = await createJson(
      JSON.stringify(wrong),
      name,
      '--value-file',
      '-',
      '--function',
      functionArn,
      '--every',
      '30d',
    );
    expect([code, document]).toMatchObject([1, { outcome: 'incomplete', rotation: { outcome: 'failed' } }]);
    expect((await described(name)).RotationEnabled).toBe(false);
    const nobody = functionArn.replace(/rotate$/, 'nobody');
    const refused = await createJson(
      'x',
      newName(),
      '--value-file',
      '-',
      '--function',
      nobody,
      '--every',
      '30d',
    );
    expect([refused.code, refused.document]).toMatchObject([1, { error: { code: 'FunctionUnusable' } }]);
  });

  it('stores nothing in a dry run, and nothing over another secret', async () => {
    const name = newName();
    const dry = await createJson('first-value', name, '--value-file', '-', '--dry-run');
    expect([dry.code, dry.document]).toMatchObject([0, { outcome: 'reviewed', value: 'is plain text' }]);
    await expect(described(name)).rejects.toThrow();
    expect((await create('first-value', name, '--value-file', '-')).code).toBe(0);
    const again = await createJson('second-value', name, '--value-file', '-');
    expect([again.code, again.document]).toMatchObject([
      1,
      { outcome: 'failed', error: { code: 'SecretExists' } },
    ]);
    expect(await storedIn(name)).toBe('first-value');
  });

  it('refuses a policy that lets everybody in, before anything is stored', async () => {
    const name = newName();
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }],
    };
    const args = [name, '--value-file', '-', '--policy-file', await fileWith(JSON.stringify(policy))];
    const { code, document } = await createJson('value', ...args);
    expect([code, document]).toMatchObject([
      1,
      { error: { code: 'InvalidConfiguration', message: expect.stringContaining('broad access') } },
    ]);
    await expect(described(name)).rejects.toThrow();
  });

  it('refuses a malformed text without --as-is', async () => {
    const name = newName();
    const refused = await createJson('{"password": "hunter2"', name, '--value-file', '-');
    expect([refused.code, refused.document]).toMatchObject([
      1,
      { error: { code: 'MalformedSecret', message: expect.stringContaining('character 23') } },
    ]);
    expect(refused.stdout + refused.stderr).not.toContain('hunter2');
    expect((await create('{"password": "hunter2"', name, '--value-file', '-', '--as-is')).code).toBe(0);
    expect(await storedIn(name)).toBe('{"password": "hunter2"');
  });

  it.each([
    [['x', '--field', 'password=hunter2'], "the field 'password' may be a secret"],
    [['x', '--field', 'token=hunter2'], "the field 'token' may be a secret"],
    [['x', '--field', 'hunter2'], 'must be a name, an equals sign'],
    [['x'], 'give the value'],
    [['x', '--kind', 'postgres'], '--field host=TEXT'],
    [['x', '--kind', 'mainframe'], '--kind must be one of'],
    [['--value-file', '-'], 'name the secret'],
    [['a b', '--value-file', '-'], 'a name has only letters'],
    [['x', 'y'], 'one secret at a time'],
    [['x', '--value-file', 'nowhere'], "nowhere can't be read (ENOENT)"],
    [['x', '--value-file', '-', '--field', 'host=db'], 'the whole value'],
    [['x', '--field-file', 'a=-', '--field-file', 'b=-'], 'read once only'],
    [['x', '--value-file', '-', '--policy-file', '-'], 'read once only'],
    [['x', '--field-file', 'a=-', '--form', 'url'], 'give --kind as well'],
    [['x', '--value-file', '-', '--every', '30d'], '--function ARN'],
    [['x', '--value-file', '-', '--function', 'keyturn', '--every', '30d'], 'must be the ARN'],
    [['x', '--value-file', '-', '--function', functionArn], '--every 30d'],
    [['x', '--value-file', '-', '--replica', 'Ireland'], '--replica must be'],
    [['x', '--value-file', '-', '--tag', 'team'], '--tag must be'],
    [['x', '--value-file', '-', '--code', 'cobol'], '--code must be one of'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await create('value', ...args);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('keyturn create at a terminal', () => {
  const noTerminal = whyNoTerminal();
  const at = (
    typings: readonly (readonly [after: string, type: string])[],
    ...args: string[]
  ): Promise<Ended> =>
    runAtTerminal(
      typings.map(([after, type]) => ({ after, type })),
      ...['create', '--endpoint', fixture.local.url, ...args],
    );

  it('asks in the order of AWS’s screens, and never shows the value', async ({ skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    const name = newName();
    const { code, stdout } = await at([
      ['Number (1)', '3\r'],
      ['Number (1)', '2\r'],
      ['Value (hidden)', 'Server=tcp:db,1433;User Id=app;Password="hunter'],
      ['is malformed at character', '2"\r'],
      ['Encryption key', '\r'],
      ['Name', `a b\r`],
      ['only letters', `\u0015${name}\r`],
      ['Description', 'For the \u001b[Ashop\r'],
      ['Tag', 'team=shop\r'],
      ['Tag', '\r'],
      ['resource policy', '\r'],
      ['Replicate', '\r'],
      ['Rotation function', '\r'],
      ['Store it?', 'y\r'],
      ['Number (1)', '3\r'],
    ]);
    expect(stdout).toContain('reads as an ADO.NET connection string for app at db:1433');
    expect(stdout).toContain('import boto3');
    expect(stdout).not.toContain('hunter');
    expect(code).toBe(0);
    expect(await storedIn(name)).toBe('Server=tcp:db,1433;User Id=app;Password="hunter2"');
    expect(await described(name)).toMatchObject({
      Description: 'For the shop',
      Tags: [{ Key: 'team', Value: 'shop' }],
    });
  });

  it('asks for the fields of a database, and with --yes for nothing else', async ({ skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    const name = newName();
    const { code, stdout } = await at(
      [
        ['Password (hidden)', '\r'],
        ['it is needed', 'hunter3\u007f2\r'],
        ['Database', 'shop\r'],
        ['TLS', '\r'],
      ],
      ...[name, '--kind', 'postgres', '--yes', '--code', 'none'],
      ...['--field', 'username=app', '--field', 'host=db', '--field', 'port=5433'],
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Stored: ${name}`)]);
    expect(stdout).not.toContain('hunter');
    expect(JSON.parse((await storedIn(name)) ?? '')).toEqual({
      engine: 'postgres',
      username: 'app',
      password: 'hunter2',
      host: 'db',
      port: 5433,
      dbname: 'shop',
    });
  });

  it('stores keys and values', async ({ skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    const name = newName();
    const { code } = await at(
      [
        ['Number (1)', '1\r'],
        ['Key', 'api-key\r'],
        ['Value of api-key', 'kéy 🔑\r'],
        ['Next key', '\r'],
      ],
      ...[name, '--kind', 'other', '--yes'],
    );
    expect(code).toBe(0);
    expect(await storedIn(name)).toBe('{"api-key":"kéy 🔑"}');
  });

  it.for([['\u0003'], ['n\r']])('stores nothing after %j', async ([typed = ''], { skip }) => {
    skip(noTerminal !== undefined, noTerminal);
    const name = newName();
    const { code, stdout } = await at(
      [
        ['Number (1)', '2\r'],
        ['Value (hidden)', 'some words\r'],
        ['Encryption key', '\r'],
        ['Description', '\r'],
        ['Tag', '\r'],
        ['resource policy', '\r'],
        ['Replicate', '\r'],
        ['Rotation function', '\r'],
        ['Store it?', typed],
      ],
      ...[name, '--kind', 'other'],
    );
    expect([code, stdout]).toEqual([130, expect.stringContaining('nothing was stored')]);
    await expect(described(name)).rejects.toThrow();
  });
});
