import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import mysql from 'mysql2/promise';
import { mysql as mysqlRotator } from '../../../rotators/mysql/index.ts';
import { createRotationHandler } from '../../../src/index.ts';
import { startLocalSecretsManager } from '../../../src/local/index.ts';
import {
  type Flavour,
  type MysqlServer,
  missingServer,
  startMysql,
} from '../../../test/support/mysql-server.ts';
import { variableClock } from '../clock.ts';
import { countRotations, type Logins, type RotationRecord } from '../counting.ts';
import { schedule } from '../rotation.ts';
import type { Screen } from '../screen.ts';

/** What the demo has found; --json prints it as it is. */
export interface MysqlOutcome {
  readonly server: Flavour;
  readonly rotations: readonly RotationRecord[];
  /** Whether the server took each new password. */
  readonly newPasswordAccepted: boolean;
  /** Whether the password that a rotation replaced went on working, until the next. */
  readonly oldPasswordAccepted: boolean;
  /** Whether the one before that was refused. */
  readonly oldestPasswordRefused: boolean;
  /** An application that logged in with AWSCURRENT all the time. */
  readonly application: { readonly logins: number; readonly refused: number };
}

export interface MysqlSurroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
}

interface Login {
  readonly username: string;
  readonly password: string;
}

const functionKey = 'keyturn-demo-function';
const speedUp = 14_400;

/** @throws Error with one line that says what to install */
function findServer(): Flavour {
  const [found] = (['mysql', 'mariadb'] as const).filter((flavour) => missingServer(flavour) === undefined);
  if (found !== undefined) return found;
  throw new Error(
    'There is no MySQL or MariaDB: install mariadb-server, or name the script that .ci/mysql prints in KEYTURN_TEST_MYSQLD.',
  );
}

/** Rotates a user's password twice, at once and by its schedule, below an application that logs in all the time. */
export async function playMysql({ screen, resources }: MysqlSurroundings): Promise<MysqlOutcome> {
  const flavour = findServer();
  // The function names itself in its connections, and each login is a line of the log.
  const server = await startMysql(flavour, ['--general-log=1', '--general-log-file=GENERAL_LOG']);
  resources.defer(() => server.stop());
  const clock = variableClock();
  const local = await startLocalSecretsManager({ clock });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  screen.fact('server', `${server.host}:${server.port}, a real ${flavour}, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);

  const login = await createLogin(server);
  screen.fact('user created', login.username);
  const arn = await store(client, server, login);
  screen.fact('secret stored', 'prod/shop/mysql');

  const credentials = { accessKeyId: functionKey, secretAccessKey: 'unused' };
  const functionClient = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => functionClient.destroy());
  const loginsSeen = (): Logins => loginsOf(server, login.username);
  const counter = countRotations({ local, loginsSeen, functionKey });
  const handler = createRotationHandler({
    rotators: [mysqlRotator({ ca: () => server.ca })],
    client: functionClient,
    telemetry: {
      stepStarted: () => undefined,
      stepEnded: (report) => counter.stepEnded(report),
      note: () => undefined,
      trace: (_name, call) => call(),
    },
  });
  const functionArn = local.registerFunction('keyturn-demo', handler);
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === arn) screen.labelsMoved(event);
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });

  const passwords = [login.password];
  const rotations: RotationRecord[] = [];
  const rotate = async (begin: () => Promise<unknown>): Promise<void> => {
    const next = counter.next();
    await begin();
    rotations.push(await next);
    await local.rotationsSettled(arn);
    passwords.push((await read(client, arn)).password);
  };
  const application = startApplication(server, () => read(client, arn));
  resources.defer(async () => {
    await application.stop();
  });

  screen.heading('First rotation', 'at once, as AWS does when rotation is turned on');
  const RotationRules = schedule;
  await rotate(() =>
    client.send(new RotateSecretCommand({ SecretId: arn, RotationLambdaARN: functionArn, RotationRules })),
  );
  screen.heading('Second rotation', 'by itself, when its schedule says so');
  await rotate(async () => clock.runAt(speedUp));
  const used = await application.stop();

  const [oldest = '', old = '', current = ''] = passwords;
  const accepted = async (password: string): Promise<boolean> => opens(server, { ...login, password });
  const outcome: MysqlOutcome = {
    server: flavour,
    rotations,
    newPasswordAccepted: await accepted(current),
    oldPasswordAccepted: await accepted(old),
    oldestPasswordRefused: !(await accepted(oldest)),
    application: used,
  };
  screen.heading('Summary', 'as the two servers counted');
  screen.summary(rotations);
  screen.fact('application', `${used.logins} logins with AWSCURRENT, ${used.refused} refused`);
  screen.fact('old password', outcome.oldPasswordAccepted ? 'works until the next rotation' : 'was refused');
  screen.fact('the one before', outcome.oldestPasswordRefused ? 'was refused' : 'still works');
  return outcome;
}

/** MySQL's user may have two passwords kept itself; MariaDB has an admin do it. */
async function createLogin({ run, flavour }: MysqlServer): Promise<Login> {
  const login = { username: 'shop', password: `Aa1-${randomBytes(15).toString('base64url')}` };
  await run("CREATE USER ?@'%' IDENTIFIED BY ?", [login.username, login.password]);
  if (flavour === 'mysql') await run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", [login.username]);
  return login;
}

async function store(client: SecretsManagerClient, server: MysqlServer, login: Login): Promise<string> {
  const { host, port, flavour, admin } = server;
  const create = async (
    Name: string,
    value: Login,
    tags: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const SecretString = JSON.stringify({ engine: flavour, host, port, ...value });
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name, SecretString, Tags }));
    return ARN;
  };
  const tags = { 'keyturn:rotator': 'mysql' };
  if (flavour === 'mysql') return create('prod/shop/mysql', login, tags);
  const adminArn = await create('prod/admin', admin, {});
  return create('prod/shop/mysql', login, { ...tags, 'keyturn:admin': adminArn });
}

async function read(client: SecretsManagerClient, SecretId: string): Promise<Login> {
  const { SecretString = '{}' } = await client.send(new GetSecretValueCommand({ SecretId }));
  return JSON.parse(SecretString);
}

async function opens({ host, port, ca }: MysqlServer, { username, password }: Login): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ host, port, user: username, password, ssl: { ca } });
    await connection.end();
    return true;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'errno') === 1045) return false;
    throw error;
  }
}

/** Reads the secret and logs in with it, again and again, with connections of its own. */
function startApplication(server: MysqlServer, current: () => Promise<Login>) {
  const ending = new AbortController();
  const counted = { logins: 0, refused: 0 };
  const work = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      if (await opens(server, await current())) counted.logins += 1;
      else counted.refused += 1;
    }
  };
  const running = work();
  return {
    stop: async () => {
      ending.abort();
      await running;
      return counted;
    },
  };
}

/**
 * Logins of the function, by the statement with which each of its sessions that does something begins; and everybody's
 * refused logins, of which each is a line of the error log.
 */
function loginsOf({ generalLog, logFile }: MysqlServer, username: string): Logins {
  const statements = readFileSync(generalLog, 'utf8');
  const errors = readFileSync(logFile, 'utf8');
  return {
    logins: statements.match(/SET NAMES utf8mb4, SESSION sql_mode/g)?.length ?? 0,
    refusedLogins: errors.match(new RegExp(`Access denied for user '${username}'`, 'g'))?.length ?? 0,
  };
}
