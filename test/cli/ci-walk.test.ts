import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DOMParser } from '@xmldom/xmldom';
import { parse as parseJsonWithComments } from 'jsonc-parser';
import mssql from 'mssql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { sqlServer } from '../../rotators/sqlserver/index.ts';
import type { LocalPrincipal, PolicyJson } from '../../src/local/index.ts';
import { root, user } from '../local/access-harness.ts';
import { start, temporaryFolder } from '../local/harness.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { hostilePasswords, standInHarness, type TestLogin } from '../support/tds/harness.ts';
import { runInShell, runKeyturnWith } from './keyturn-process.ts';
import { functionArn } from './rotation-commands.ts';

/** A block of code of the page: what is said after its language, and its text. */
interface Block {
  readonly language: string;
  readonly label: string;
  readonly text: string;
}

let blocks: readonly Block[];
beforeAll(async () => {
  const page = await readFile(new URL('../../docs/ci.md', import.meta.url), 'utf8');
  blocks = [...page.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', label = '', text = '']) => ({
      language,
      label,
      text,
    }),
  );
});
const labelled = (label: string): readonly Block[] => blocks.filter((block) => block.label === label);

describe('the walk of docs/ci.md', () => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  let fixture: RotationFixture;
  beforeAll(async () => {
    harness = await standInHarness();
    fixture = await startFixture({ rotators: [sqlServer(harness.options)] });
  });
  afterAll(async () => {
    await fixture.close();
    await harness.stop();
  });

  const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  const connectionString = ({ username, password }: TestLogin): string => {
    const { host, port } = harness.secretOf({ username: '', password: '' });
    return `Server = tcp:${host},${port};Initial Catalog=${harness.database};User ID=${quoted(username)};Password=${quoted(password)};Encrypt=True;App='a;b & <c>'`;
  };
  const loginIn = (text: string): TestLogin => {
    const { user: username = '', password = '' } = mssql.ConnectionPool.parseConnectionString(text);
    return { username, password };
  };

  it('creates, renders and rotates dev/MyTestConnectionString/SqlServer, as it stands on the page', async () => {
    const cwd = await temporaryFolder();
    for (const file of ['appsettings.template.json', 'web.config.template']) {
      const [block] = labelled(`file=${file}`);
      await writeFile(join(cwd, file), block?.text ?? '');
    }
    // No backslash, which `mssql` takes for a Windows domain.
    const [, password = ''] = hostilePasswords;
    const logins = {
      dev: await harness.createLogin('dev', `${password} 1`),
      preprod: await harness.createLogin('preprod'),
    };
    for (const [env, login] of Object.entries(logins)) {
      await writeFile(join(cwd, `connection-string.${env}`), `${connectionString(login)}\n`, { mode: 0o600 });
    }
    const variables = { AWS_ENDPOINT_URL: fixture.local.url, FUNCTION: functionArn };
    const inFiles = async (env: string): Promise<readonly [TestLogin, TestLogin]> => {
      const settings = parseJsonWithComments(
        await readFile(join(cwd, 'out', env, 'appsettings.json'), 'utf8'),
      );
      const config = new DOMParser().parseFromString(
        await readFile(join(cwd, 'out', env, 'web.config'), 'utf8'),
        'text/xml',
      );
      const [element] = config.getElementsByTagName('add');
      const logged = [settings.ConnectionStrings.Shop, element?.getAttribute('connectionString') ?? ''];
      expect(settings.Database).toEqual({ User: loginIn(logged[0]).username, Name: harness.database });
      expect(logged[0]).toBe(logged[1]);
      return [loginIn(logged[0]), loginIn(logged[1])];
    };
    const [createAll, renderAll, rotateOne, ...more] = labelled('walk').map(({ text }) => text);
    expect(more).toEqual([]);
    const walked: string[] = [];
    const walk = async (script = 'false'): Promise<void> => {
      const ended = await runInShell(`set -eu\n${script}`, { variables, cwd });
      walked.push(ended.stdout + ended.stderr);
      expect([ended.code, ended.stderr]).toEqual([0, '']);
    };

    await walk(createAll);
    // Each was rotated at once, so that the password of the file opens nothing any more.
    expect([await harness.canLogIn(logins.dev), await harness.canLogIn(logins.preprod)]).toEqual([
      false,
      false,
    ]);
    await expect(stat(join(cwd, 'connection-string.dev'))).rejects.toThrow('ENOENT');

    await walk(renderAll);
    const [first, preprod] = [await inFiles('dev'), await inFiles('preprod')];
    expect(await Promise.all([...first, ...preprod].map((login) => harness.canLogIn(login)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([first[0].username, preprod[0].username]).toEqual([logins.dev.username, logins.preprod.username]);

    await walk(rotateOne);
    const second = await inFiles('dev');
    expect(second[0].password).not.toBe(first[0].password);
    expect(
      await Promise.all([...second, first[0], preprod[0]].map((login) => harness.canLogIn(login))),
    ).toEqual([true, true, false, true]);

    // The files are the templates but for the values, and readable for their owner alone.
    const template = await readFile(join(cwd, 'appsettings.template.json'), 'utf8');
    const settings = await readFile(join(cwd, 'out/dev/appsettings.json'), 'utf8');
    const [head = '', tail = ''] = [template.split('"Shop": ')[0], template.split('"Logging"')[1]];
    expect(settings.startsWith(head) && settings.endsWith(tail)).toBe(true);
    expect((await stat(join(cwd, 'out/dev/web.config'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(cwd, 'out/dev/web.config'), 'utf8')).toContain(
      '<add key="Environment" value="unnamed" />',
    );
    const passwords = [...Object.values(logins), first[0], second[0], preprod[0]].map(
      (login) => login.password,
    );
    for (const secret of passwords) expect(walked.join()).not.toContain(secret);
  });
});

describe('the policy of docs/ci.md', () => {
  const key = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

  /** Renders and checks under a policy; gives the exit codes. */
  async function outcomes(
    policies: readonly PolicyJson[],
    env = 'prod',
  ): Promise<readonly (number | null)[]> {
    const pipeline = user('pipeline', { policies });
    const { local } = await start({
      policies: 'enforce',
      principals: [root, pipeline],
      keys: [{ arn: key }],
    });
    const admin = new SecretsManagerClient({ ...local.clientConfig, credentials: root });
    for (const Name of ['prod', 'dev'].map((name) => `${name}/MyTestConnectionString/SqlServer`)) {
      await admin.send(
        new CreateSecretCommand({ Name, SecretString: 'Server=db;User Id=a;Password=b', KmsKeyId: key }),
      );
    }
    admin.destroy();
    const cwd = await temporaryFolder();
    await writeFile(join(cwd, 'a.json'), '["${secret:${env}/MyTestConnectionString/SqlServer}"]');
    const variables = { ...credentialsOf(pipeline), AWS_ENDPOINT_URL: local.url };
    const run = async (...args: string[]): Promise<number | null> =>
      (await runKeyturnWith({ cwd, variables }, ...args)).code;
    return [
      await run('render', 'a.json', '--env', env, '-o', 'out.json'),
      await run('render', 'a.json', '--env', env, '--check'),
      await run('exec', `A=${env}/MyTestConnectionString/SqlServer`, '--', 'true'),
    ];
  }

  const credentialsOf = ({ accessKeyId, secretAccessKey }: LocalPrincipal): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  });
  const readPolicy = (): PolicyJson & { readonly Statement: readonly object[] } => {
    const [block] = labelled('policy=read');
    return JSON.parse(block?.text ?? '');
  };

  it('lets a pipeline render, check and run, and read nothing of another environment', async () => {
    expect(await outcomes([readPolicy()])).toEqual([0, 0, 0]);
    expect(await outcomes([readPolicy()], 'dev')).toEqual([1, 1, 1]);
  });

  it('has no statement that could be left out', async () => {
    const policy = readPolicy();
    expect(policy.Statement).toHaveLength(2);
    for (const [index] of policy.Statement.entries()) {
      const Statement = policy.Statement.filter((_, other) => other !== index);
      const [render, , exec] = await outcomes([{ ...policy, Statement }]);
      expect([render, exec], `without statement ${index}`).toEqual([1, 1]);
    }
  });
});

describe('the page docs/ci.md', () => {
  it('has YAML and JSON that are valid, and commands that exist', async () => {
    expect(blocks.length).toBeGreaterThan(12);
    for (const { language, label, text } of blocks) {
      if (language === 'yaml') expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
      if (language === 'json' && label === '')
        expect(JSON.parse(text)).toMatchObject({ Version: '2012-10-17' });
    }
    const used = new Set(
      blocks.flatMap(({ text }) =>
        [...text.matchAll(/keyturn ([a-z]+) ([^\n|]*)/g)].map(([, command, rest]) => `${command} ${rest}`),
      ),
    );
    for (const line of used) {
      const [command = ''] = line.split(' ');
      const { code, stdout } = await runKeyturnWith({}, command, '--help');
      expect(code).toBe(0);
      const own = line.split(' -- ')[0] ?? '';
      for (const [option] of own.matchAll(/--[a-z-]+/g)) expect(stdout, line).toContain(option);
    }
  });
});
