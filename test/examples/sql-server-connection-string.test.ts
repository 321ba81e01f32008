import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import mssql from 'mssql';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { bareEnvironment, runKeyturnAlone } from '../cli/keyturn-process.ts';
import { type StandIn, startStandIn } from '../support/tds/server.ts';

const root = join(import.meta.dirname, '../..');

/** The function of the page, in a process of its own. @returns its URL */
async function startFunction(
  secretsManager: string,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'examples/function.ts', '--port', '0'],
    {
      cwd: root,
      env: { PATH: process.env.PATH, AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager, ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill());
  const [line]: string[] = await once(createInterface(child.stdout), 'line');
  return /http:\S+/.exec(line ?? '')?.[0] ?? '';
}

/** The commands of a page, each in one line. */
function commandsOf(page: string): string[] {
  return [...page.matchAll(/^```\n(.*?)^```/gms)]
    .flatMap(([, block = '']) =>
      block
        .replaceAll(/\\\n\s*/g, '')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => line.replace(/\s+#.*$/, ''));
}

/** The words of a command, without quotes. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain);
}

/** The variables that the words of a line set, except for the endpoint. */
function variablesIn(words: readonly string[]): Record<string, string> {
  const set = words.filter((word) => /^[A-Z_]+=/.test(word) && !word.startsWith('AWS_ENDPOINT'));
  return Object.fromEntries(
    set.map((word): [string, string] => {
      const equals = word.indexOf('=');
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

const after = (words: readonly string[], option: string): string => words[words.indexOf(option) + 1] ?? '';

async function asAdmin({ host, port, admin, ca }: StandIn, statement: string): Promise<void> {
  const pool = new mssql.ConnectionPool({
    server: host,
    port,
    user: admin.username,
    password: admin.password,
    options: { encrypt: true, cryptoCredentialsDetails: { ca } },
  });
  await pool.connect();
  await pool.request().batch(statement);
  await pool.close();
}

/** SQL Server is the stand-in, at an address of its own. */
it('rotates dev/MyTestConnectionString/SqlServer by the commands of the page', {
  timeout: 60_000,
}, async () => {
  const commands = commandsOf(await readFile(join(root, 'docs/sql-server-connection-string.md'), 'utf8'));
  const command = (start: string): string[] => {
    const found = commands.find((line) => line.startsWith(start));
    if (found === undefined) throw new Error(`The page has no command ${start}`);
    return wordsOf(found);
  };

  const standIn = await startStandIn();
  onTestFinished(() => standIn.stop());
  const place = ({ host, port }: { host: string; port: number }, text: string): string =>
    text.replace('localhost,1433', `${host},${port}`);

  const create = command('aws secretsmanager create-secret');
  const [, Key = '', Value = ''] = /^Key=(.*),Value=(.*)$/.exec(after(create, '--tags')) ?? [];
  expect([Key, Value]).toEqual(['keyturn:rotator', 'sqlserver']);
  const name = after(create, '--name');
  const before = place(standIn, after(create, '--secret-string'));
  const { user = '', password = '' } = mssql.ConnectionPool.parseConnectionString(before);
  const [, createLogin = ''] = /-Q "(CREATE LOGIN .*)"/.exec(commands.join('\n')) ?? [];
  await asAdmin(standIn, createLogin);

  const variables = variablesIn(command('AWS_ENDPOINT_URL_SECRETS_MANAGER='));
  const exported = variablesIn(commands.filter((line) => line.startsWith('export ')).flatMap(wordsOf));
  // The AWS CLI reads no other region, before its version 2.
  expect(exported).toHaveProperty('AWS_DEFAULT_REGION');
  // Each must know the other's address. So a free port for the Secrets Manager is chosen before it starts.
  const reserved = await startLocalSecretsManager();
  const { port } = new URL(reserved.url);
  await reserved.close();
  const lambdaEndpoint = await startFunction(`http://127.0.0.1:${port}`, variables);
  const local = await startLocalSecretsManager({ port: Number(port), lambdaEndpoint });
  onTestFinished(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  onTestFinished(() => client.destroy());

  const inTerminal = { ...exported, AWS_ENDPOINT_URL_SECRETS_MANAGER: local.url };
  const awsCli = process.env.KEYTURN_TEST_AWS_CLI;
  /** Runs a command of the AWS CLI as the page has it, if there is one. Otherwise, the SDK makes the same call. */
  const aws = async (words: readonly string[], otherwise: () => Promise<string>): Promise<string> => {
    if (awsCli === undefined) return otherwise();
    const env = { ...(await bareEnvironment()), ...inTerminal };
    const [, ...args] = words;
    return (await promisify(execFile)(awsCli, args, { env })).stdout;
  };
  await aws(
    create.map((word) => place(standIn, word)),
    async () => {
      await client.send(
        new CreateSecretCommand({ Name: name, SecretString: before, Tags: [{ Key, Value }] }),
      );
      return '';
    },
  );
  for (const subcommand of ['attach', 'rotate', 'status', 'doctor']) {
    const [, , ...args] = command(`npx keyturn ${subcommand}`);
    const ended = await runKeyturnAlone(inTerminal, ...args);
    expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Error') });
  }

  const read = command('aws secretsmanager get-secret-value');
  const printed = await aws(read, async () => {
    const found = await client.send(new GetSecretValueCommand({ SecretId: after(read, '--secret-id') }));
    return JSON.stringify(found.SecretString);
  });
  const SecretString: string = JSON.parse(printed);
  const rotated = mssql.ConnectionPool.parseConnectionString(SecretString);
  expect(rotated.password).not.toBe(password);
  expect(standIn.model.logins.get(user)?.password).toBe(rotated.password);
  const mask = (text: string): string => text.replace(/Password=.*;Encrypt/, 'Password=***;Encrypt');
  expect(mask(SecretString)).toBe(mask(before));
});
