import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import mssql from 'mssql';
import { sqlServer } from '../../../rotators/sqlserver/index.ts';
import { createRotationHandler } from '../../../src/index.ts';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../../src/local/index.ts';
import {
  realHarness,
  type SqlServerHarness,
  standInHarness,
  type TestLogin,
} from '../../../test/support/tds/harness.ts';
import { type VariableClock, variableClock } from '../clock.ts';
import { countRotations, type Logins, type RotationCounter, type RotationRecord } from '../counting.ts';
import { schedule } from '../rotation.ts';
import type { Screen } from '../screen.ts';

/** The demo's result, which --json prints. */
export interface SqlServerOutcome {
  readonly server: 'stand-in' | 'SQL Server';
  readonly rotations: readonly RotationRecord[];
  /** Whether the server accepted each new password. */
  readonly newPasswordAccepted: boolean;
  /** Whether the server refused each old password. */
  readonly oldPasswordRefused: boolean;
  /** The secret before and after, with masked password. */
  readonly documentBefore: string;
  readonly documentAfter: string;
}

export interface SqlServerSurroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  /** An ADO.NET string of an admin of a real server, instead of the stand-in. */
  readonly connectionString: string | undefined;
}

interface Stage extends SqlServerSurroundings {
  readonly kind: SqlServerOutcome['server'];
  readonly server: SqlServerHarness;
  /** The function's logins so far, as the server counts; undefined if it doesn't tell. */
  readonly loginsSeen: (() => Logins) | undefined;
  readonly local: LocalSecretsManager;
  readonly client: SecretsManagerClient;
  readonly clock: VariableClock;
}

const secretName = 'dev/MyTestConnectionString/SqlServer';
const functionName = 'keyturn-demo';
const functionKey = 'keyturn-demo-function';
const speedUp = 14_400;

/** Rotates a connection string of SQL Server twice, at once and by its schedule, and tries the old logins. */
export async function playSqlServer(surroundings: SqlServerSurroundings): Promise<SqlServerOutcome> {
  const stage = await prepare(surroundings);
  const { screen, client, clock, local, server } = stage;
  const first = await storeLogin(stage);
  const arn = first.arn;
  const { functionArn, counter } = register(stage);
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === arn) screen.labelsMoved(event);
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });
  const records: RotationRecord[] = [];
  const versions = [first.text];
  const proven: Verdict[] = [];
  const rotate = async (begin: () => Promise<unknown>): Promise<void> => {
    const next = counter.next();
    await begin();
    records.push(await next);
    await local.rotationsSettled(arn);
    const [before = ''] = versions.slice(-1);
    const now = await read(client);
    versions.push(now);
    proven.push(await prove(server, screen, loginIn(before), now));
  };

  screen.heading('First rotation', 'at once, as AWS does when rotation is turned on');
  await rotate(() =>
    client.send(
      new RotateSecretCommand({
        SecretId: arn,
        RotationLambdaARN: functionArn,
        RotationRules: schedule,
      }),
    ),
  );
  screen.heading('Second rotation', 'by itself, when its schedule says so');
  await rotate(async () => clock.runAt(speedUp));

  screen.heading('Summary', 'as the two servers counted');
  screen.summary(records);
  return {
    server: stage.kind,
    rotations: records,
    newPasswordAccepted: proven.every(({ isNewAccepted }) => isNewAccepted),
    oldPasswordRefused: proven.every(({ isOldAccepted }) => !isOldAccepted),
    documentBefore: masked(first.text),
    documentAfter: masked(versions.at(-1) ?? ''),
  };
}

async function prepare(surroundings: SqlServerSurroundings): Promise<Stage> {
  const { screen, resources, connectionString } = surroundings;
  const started = await startServer(connectionString);
  resources.defer(() => started.server.stop());
  const clock = variableClock();
  const local = await startLocalSecretsManager({ clock });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  const { host, port } = started.server.secretOf({ username: '', password: '' });
  screen.fact('server', `${host}${port === undefined ? '' : `,${port}`}, ${started.described}`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);
  return { ...surroundings, ...started, local, client, clock };
}

async function startServer(
  connectionString: string | undefined,
): Promise<Pick<Stage, 'kind' | 'server' | 'loginsSeen'> & { readonly described: string }> {
  if (connectionString !== undefined) {
    const server = await realHarness(connectionString);
    return { kind: 'SQL Server', server, loginsSeen: undefined, described: 'a real SQL Server, with TLS' };
  }
  const server = await standInHarness();
  const loginsSeen = (): Logins => {
    const seen = server.standIn.logins.filter(({ appName }) => appName === 'keyturn');
    const refusedLogins = seen.filter(({ accepted }) => !accepted).length;
    return { logins: seen.length - refusedLogins, refusedLogins };
  };
  const described = 'a stand-in that speaks TDS over TLS, checked with the driver mssql';
  return { kind: 'stand-in', server, loginsSeen, described };
}

async function storeLogin({ server, client, screen }: Stage): Promise<{ arn: string; text: string }> {
  const login = await server.createLogin('demo app');
  const { host, port, dbname } = server.secretOf(login);
  const address = port === undefined ? host : `${host},${port}`;
  const text = `Server=tcp:${address};Initial Catalog=${dbname};User ID="${login.username}";Password=${login.password};Encrypt=True;Application Name=Orders`;
  const { ARN: arn = '' } = await client.send(
    new CreateSecretCommand({ Name: secretName, SecretString: text }),
  );
  screen.fact('login created', login.username);
  screen.fact('secret stored', secretName);
  screen.fact('kept as', masked(text));
  return { arn, text };
}

function register({ local, server, screen, resources, loginsSeen }: Stage): {
  readonly functionArn: string;
  readonly counter: RotationCounter;
} {
  const credentials = { accessKeyId: functionKey, secretAccessKey: 'local' };
  const client = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => client.destroy());
  const told = { logins: 0, refusedLogins: 0 };
  const counter = countRotations({ local, functionKey, loginsSeen: loginsSeen ?? (() => ({ ...told })) });
  const handler = createRotationHandler({
    rotators: [sqlServer(server.options)],
    client,
    telemetry: {
      stepStarted: () => screen.stepStarted(),
      stepEnded(report) {
        told.logins += report.logins;
        told.refusedLogins += report.refusedLogins;
        counter.stepEnded(report);
        screen.stepEnded(report);
      },
      note: (_step, message) => screen.note(message),
      trace: (_name, call) => call(),
    },
  });
  return { functionArn: local.registerFunction(functionName, handler), counter };
}

async function read(client: SecretsManagerClient): Promise<string> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretName }));
  return SecretString;
}

/** Reads it with the driver's parser instead of Keyturn, as an application does. */
function loginIn(text: string): TestLogin {
  const { user = '', password = '' } = mssql.ConnectionPool.parseConnectionString(text);
  return { username: user, password };
}

function masked(text: string): string {
  return text.replace(/(Password=)(?:"(?:[^"]|"")*"|[^;]*)/, '$1****');
}

interface Verdict {
  readonly isNewAccepted: boolean;
  readonly isOldAccepted: boolean;
}

async function prove(
  server: SqlServerHarness,
  screen: Screen,
  old: TestLogin,
  text: string,
): Promise<Verdict> {
  const now = loginIn(text);
  const [isNewAccepted, isOldAccepted] = [await server.canLogIn(now), await server.canLogIn(old)];
  const verdict = (accepted: boolean): string => (accepted ? 'accepted' : 'refused (18456)');
  screen.gap();
  screen.fact(
    'the secret now',
    `user ${now.username}, password: ${now.password.length} characters, ${now.password === old.password ? 'not changed' : 'changed'}`,
  );
  screen.fact('kept as', masked(text));
  screen.fact('new password', `${verdict(isNewAccepted)} by the server`);
  screen.fact('old password', `${verdict(isOldAccepted)} by the server`);
  return { isNewAccepted, isOldAccepted };
}
