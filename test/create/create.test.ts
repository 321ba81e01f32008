import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codeSamples, sampleLanguages } from '../../src/create/code-samples.ts';
import { kindNames } from '../../src/create/kind-names.ts';
import { composeFields, kindNamed, kinds } from '../../src/create/kinds.ts';
import { nameNote, nameProblem } from '../../src/create/new-secret.ts';
import { nextDates } from '../../src/create/schedule-dates.ts';
import { previewValue } from '../../src/create/value-preview.ts';
import { ending } from '../cli/keyturn-process.ts';
import { start, temporaryFolder } from '../local/harness.ts';

const kind = (name: string) => {
  const found = kindNamed(name);
  if (found === undefined) throw new Error(`There is no kind ${name}.`);
  return found;
};
const compose = (name: string, fields: Record<string, string>, form?: 'ado-net' | 'url') =>
  composeFields(kind(name), new Map(Object.entries(fields)), form);

describe('a kind of secret', () => {
  it('is known by each of the names', () => {
    expect(kinds.map(({ name }) => name)).toEqual([...kindNames]);
  });

  it('has the fields of AWS’s own structure, with their types', () => {
    const fields = { password: 'p"w', username: 'app', host: 'db', ssl: 'TRUE', extra: 'x' };
    expect(compose('postgres', fields)).toBe(
      '{"engine":"postgres","username":"app","password":"p\\"w","host":"db","port":5432,"ssl":true,"extra":"x"}',
    );
    expect(JSON.parse(compose('oracle', { ...fields, dbname: 'x', port: '1' }))).toMatchObject({
      engine: 'oracle',
      port: 1,
    });
    expect(compose('other', { a: 'x', port: '1' })).toBe('{"a":"x","port":1}');
  });

  it('can be kept as a connection string', () => {
    const fields = { username: 'app', password: 'a;b', host: 'db', dbname: 'shop', ssl: 'true' };
    expect(compose('sqlserver', fields, 'ado-net')).toBe(
      'Server=tcp:db,1433;Encrypt=True;Database=shop;User Id=app;Password="a;b"',
    );
    expect(compose('mysql', fields, 'url')).toBe('mysql://app:a%3Bb@db:3306/shop?ssl-mode=VERIFY_IDENTITY');
  });

  it.each([
    ['postgres', { username: 'app', host: 'db' }, 'password'],
    ['postgres', { username: 'app', password: 'x', host: 'db', port: 'many' }, 'port'],
    ['postgres', { username: 'app', password: 'x', host: 'db', ssl: 'maybe' }, 'ssl'],
    ['oracle', { username: 'app', password: 'x', host: 'db' }, 'dbname'],
    ['other', {}, 'value'],
  ])('%s of %j names the field that is wrong', (name, fields, field) => {
    expect(() => compose(name, fields)).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field }),
    );
  });
});

describe('the verdict on a text', () => {
  it.each([
    [
      '{"engine":"postgres","host":"db","username":"app","password":"hunter2"}',
      undefined,
      true,
      'reads as JSON for app at db',
    ],
    [
      'Server=tcp:db,1433;Database=shop;User Id=app;Password=hunter2',
      'sqlserver',
      true,
      'reads as an ADO.NET connection string for app at db:1433/shop',
    ],
    ['postgres://app:hunter2@db/shop', 'postgres', true, 'reads as a URL for app at db/shop'],
    ['abcdefghijklmnopqrst', undefined, true, 'reads as a token'],
    ['just some words', undefined, true, 'plain text'],
    ['[1, 2]', undefined, true, 'JSON, but no object'],
    [`${'{"a":'.repeat(401)}1${'}'.repeat(401)}`, undefined, false, 'nested too deeply'],
    [
      'cache:6380,password=hunter2,user=app,ssl=True',
      undefined,
      true,
      'reads as a configuration of StackExchange.Redis for app at cache:6380',
    ],
    ['{"password": "hunter2"', undefined, false, 'malformed at character 23'],
    ['Server=db;Password="hunter2', undefined, false, 'is malformed at character'],
    ['postgres://app:hunter2@db/shop', 'mysql', false, 'for postgres, and not for mysql'],
    ['abcdefghijklmnopqrst', 'postgres', false, 'not as a connection string for postgres'],
    ['just some words', 'postgres', false, 'neither a JSON object nor a connection string'],
    ['', undefined, false, 'nothing yet'],
    ['x'.repeat(65_537), undefined, false, '65,536 bytes'],
    ['\ud800', undefined, false, 'half of a character'],
  ])('%.40j for %s is %s: %s', (text, engine, ok, words) => {
    const verdict = previewValue(text, engine);
    expect(verdict).toEqual({ ok, words: expect.stringContaining(words) });
    expect(verdict.words).not.toContain('hunter2');
  });
});

describe('the name of a new secret', () => {
  it('has the characters that AWS allows', () => {
    expect(nameProblem('dev/My_Test+Connection=String.x@y-z')).toBeUndefined();
    for (const name of ['', 'a b', 'ä', 'a#b', 'x'.repeat(513)]) expect(nameProblem(name)).toBeDefined();
    expect([nameNote('my-secret'), nameNote('my-database')]).toEqual([
      expect.stringContaining('six'),
      undefined,
    ]);
  });
});

describe('the next dates of a schedule', () => {
  const from = Date.UTC(2026, 0, 15, 12, 30);
  const days = (dates: readonly Date[]): string[] => dates.map((date) => date.toISOString().slice(0, 16));

  it('are those at which its windows open', () => {
    expect(days(nextDates({ expression: 'rate(30 days)', duration: undefined }, from, 3))).toEqual([
      '2026-02-14T00:00',
      '2026-03-16T00:00',
      '2026-04-15T00:00',
    ]);
    expect(days(nextDates({ expression: 'cron(0 3 ? * SUN *)', duration: '2h' }, from, 2))).toEqual([
      '2026-01-18T03:00',
      '2026-01-25T03:00',
    ]);
    expect(days(nextDates({ expression: 'cron(0 2,14 * * ? *)', duration: undefined }, from, 3))).toEqual([
      '2026-01-15T14:00',
      '2026-01-16T02:00',
      '2026-01-16T14:00',
    ]);
  });
});

describe('the code that reads a secret', () => {
  const samples = codeSamples('dev/My+Secret', 'eu-west-1');
  const root = fileURLToPath(new URL('../..', import.meta.url));

  it('is there for each language, with name and region', () => {
    expect(Object.keys(samples)).toEqual([...sampleLanguages]);
    for (const { code } of Object.values(samples)) {
      expect(code).toContain('dev/My+Secret');
      expect(code).toContain('eu-west-1');
    }
    expect(() => codeSamples("x'; drop", 'eu-west-1')).toThrow();
    expect(() => codeSamples('x', "eu'")).toThrow();
  });

  it('reads it, in JavaScript', async () => {
    const { local, client } = await start({ region: 'eu-west-1' });
    await client.createSecret({ Name: 'dev/My+Secret', SecretString: 'the value' });
    const code = `${samples.javascript.code}\nconsole.log(SecretString);`;
    const credentials = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y', AWS_ENDPOINT_URL: local.url };
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      env: { ...process.env, ...credentials },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(await ending(child)).toMatchObject({ code: 0, stdout: 'the value\n' });
  });

  it.for([
    ['python', ['python3', '-m', 'py_compile'], 'sample.py'],
    ['go', ['gofmt', '-l', '-e'], 'sample.go'],
    ['ruby', ['ruby', '-c'], 'sample.rb'],
    ['php', ['php', '-l'], 'sample.php'],
    ['rust', ['rustfmt', '--edition', '2021'], 'sample.rs'],
  ] as const)('is valid in %s', async ([language, [program = '', ...args], file], { skip }) => {
    const path = join(await temporaryFolder(), file);
    await writeFile(path, samples[language].code);
    const { error, status, stdout } = spawnSync(program, [...args, path], { encoding: 'utf8' });
    skip(error !== undefined, `${program} is not here`);
    // gofmt lists a file that it would write in another way.
    expect([status, language === 'go' ? stdout : '']).toEqual([0, '']);
  });
});
