import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createRotationHandler, type Rotator, type StepReport } from '../../src/index.ts';
import { startLocalSecretsManager } from '../../src/local/index.ts';
import { variableClock } from './clock.ts';
import { countRotations, type Logins, type RotationRecord } from './counting.ts';
import { schedule } from './rotation.ts';
import type { Screen } from './screen.ts';

/** The demo's result, which --json prints. */
export interface TwoPasswordsOutcome {
  /** The server that was found, such as `mariadb` or `valkey-server`. */
  readonly server: string;
  readonly rotations: readonly RotationRecord[];
  /** Whether the server accepts the password of AWSCURRENT. */
  readonly newPasswordAccepted: boolean;
  /** Whether the replaced password works until the next rotation. */
  readonly oldPasswordAccepted: boolean;
  /** Whether the server refuses the password before that one. */
  readonly oldestPasswordRefused: boolean;
  /** An application that logged in with AWSCURRENT all the time. The server counted what it refused. */
  readonly application: { readonly logins: number; readonly refused: number };
}

export interface TwoPasswordsSurroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Stores a secret. @returns its ARN */
export type Store = (
  name: string,
  fields: object,
  tags?: Readonly<Record<string, string>>,
) => Promise<string>;

/** A server whose users can have two passwords. */
export interface TwoPasswordsServer {
  readonly name: TwoPasswordsOutcome['server'];
  /** `localhost:6379`, for the screen. */
  readonly place: string;
  readonly rotator: Rotator;
  /** An application's user, which exists on the server. */
  readonly login: Login;
  /** Stores the user's secret, and the admin's if the rotator needs one. @returns the ARN of the user's secret */
  storeSecrets(store: Store, name: string): Promise<string>;
  /** Counts logins so far: the function's, and refused ones of anybody. @param reports the function's reports */
  loginsSeen(reports: readonly StepReport[]): Promise<Logins> | Logins;
  /** Whether the server accepts a login. */
  accepts(login: Login): Promise<boolean>;
}

const functionKey = 'keyturn-demo-function';
const speedUp = 14_400;

/** Rotates a user's password twice, at once and by its schedule, while an application logs in all the time. */
export async function playTwoPasswords(
  server: TwoPasswordsServer,
  { screen, resources }: TwoPasswordsSurroundings,
): Promise<TwoPasswordsOutcome> {
  const { login } = server;
  const clock = variableClock();
  const local = await startLocalSecretsManager({ clock });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  screen.fact('server', `${server.place}, a real ${server.name}, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);
  screen.fact('user created', login.username);
  const secretName = 'prod/shop';
  const arn = await server.storeSecrets(async (Name, fields, tags = {}) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const SecretString = JSON.stringify(fields);
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name, SecretString, Tags }));
    return ARN;
  }, secretName);
  screen.fact('secret stored', secretName);

  const credentials = { accessKeyId: functionKey, secretAccessKey: 'local' };
  const functionClient = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => functionClient.destroy());
  const reports: StepReport[] = [];
  let seen = await server.loginsSeen(reports);
  const counter = countRotations({ local, functionKey, loginsSeen: () => seen });
  const handler = createRotationHandler({
    rotators: [server.rotator],
    client: functionClient,
    telemetry: {
      stepStarted: () => screen.stepStarted(),
      stepEnded(report) {
        reports.push(report);
        screen.stepEnded(report);
      },
      note: (_step, message) => screen.note(message),
      trace: (_name, call) => call(),
    },
  });
  const functionArn = local.registerFunction('keyturn-demo', async (event, context) => {
    const before = reports.length;
    try {
      return await handler(event, context);
    } finally {
      seen = await server.loginsSeen(reports);
      for (const report of reports.slice(before)) counter.stepEnded(report);
    }
  });
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === arn) screen.labelsMoved(event);
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });

  const current = async (): Promise<Login> => {
    const { SecretString = '{}' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    return JSON.parse(SecretString);
  };
  const application = startApplication(async () => server.accepts(await current()));
  resources.defer(async () => void (await application.stop()));
  const passwords = [login.password];
  const rotations: RotationRecord[] = [];
  const rotate = async (begin: () => Promise<unknown>): Promise<void> => {
    const next = counter.next();
    await begin();
    rotations.push(await next);
    await local.rotationsSettled(arn);
    passwords.push((await current()).password);
  };

  screen.heading('First rotation', 'at once, as AWS does when rotation is turned on');
  await rotate(() =>
    client.send(
      new RotateSecretCommand({ SecretId: arn, RotationLambdaARN: functionArn, RotationRules: schedule }),
    ),
  );
  screen.heading('Second rotation', 'by itself, when its schedule says so');
  await rotate(async () => clock.runAt(speedUp));
  const logins = await application.stop();
  const { refusedLogins: refused } = await server.loginsSeen(reports);

  const [oldest = '', old = '', newest = ''] = passwords;
  const accepts = (password: string): Promise<boolean> => server.accepts({ ...login, password });
  const outcome: TwoPasswordsOutcome = {
    server: server.name,
    rotations,
    newPasswordAccepted: await accepts(newest),
    oldPasswordAccepted: await accepts(old),
    oldestPasswordRefused: !(await accepts(oldest)),
    application: { logins, refused },
  };
  screen.heading('Summary', 'as the two servers counted');
  screen.summary(rotations);
  screen.fact('application', `${logins} logins with AWSCURRENT, ${refused} refused`);
  screen.fact('old password', outcome.oldPasswordAccepted ? 'works until the next rotation' : 'was refused');
  screen.fact('the one before', outcome.oldestPasswordRefused ? 'was refused' : 'still works');
  return outcome;
}

/** Logs in all the time, each time with the secret's present value. `stop` returns the number of logins. */
function startApplication(logIn: () => Promise<boolean>): { stop(): Promise<number> } {
  const ending = new AbortController();
  const work = async (): Promise<number> => {
    let logins = 0;
    while (!ending.signal.aborted) if (await logIn()) logins += 1;
    return logins;
  };
  const running = work();
  // stop() rejects with the error.
  running.catch(() => undefined);
  return {
    stop: () => {
      ending.abort();
      return running;
    },
  };
}
