import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { redisByAdmin } from '../../../rotators/redis/index.ts';
import { createRotationHandler } from '../../../src/index.ts';
import { startLocalSecretsManager } from '../../../src/local/index.ts';
import {
  findRedisProgram,
  opens,
  type RedisServer,
  refusedLogins,
  startLogins,
  startRedisServer,
} from '../../../test/support/redis-server.ts';
import { variableClock } from '../clock.ts';
import { countRotations, type RotationRecord } from '../counting.ts';
import { schedule } from '../rotation.ts';
import type { Screen } from '../screen.ts';

/** What the demo has found; --json prints it as it is. */
export interface RedisOutcome {
  /** The program that was found, such as `valkey-server`. */
  readonly server: string;
  readonly rotations: readonly RotationRecord[];
  /** Whether the server took each new password. */
  readonly newPasswordAccepted: boolean;
  /** Whether the password that a rotation replaced went on working, until the next. */
  readonly oldPasswordAccepted: boolean;
  /** Whether the one before that was refused. */
  readonly oldestPasswordRefused: boolean;
  /** An application that logged in with AWSCURRENT all the time; what was refused was counted by the server. */
  readonly application: { readonly logins: number; readonly refused: number };
}

export interface RedisSurroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
}

const functionKey = 'keyturn-demo-function';
const secretName = 'prod/shop/redis';
const speedUp = 14_400;

/** Rotates a user's password twice, at once and by its schedule, below an application that logs in all the time. */
export async function playRedis({ screen, resources }: RedisSurroundings): Promise<RedisOutcome> {
  const program = await findRedisProgram();
  if (program === undefined)
    throw new Error(
      'There is no Valkey or Redis: install redis-server, or name the script that .ci/valkey prints in KEYTURN_TEST_VALKEY_SERVER.',
    );
  const server = await startRedisServer(program, { tls: true, users: 'acl-file' });
  resources.defer(() => server.stop());
  const clock = variableClock();
  const local = await startLocalSecretsManager({ clock });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  screen.fact('server', `localhost:${server.port}, a real ${program.name}, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);

  const first = await createUser(server);
  screen.fact('user created', first.username);
  const arn = await storeSecrets(client, server, first);
  screen.fact('secret stored', secretName);

  const credentials = { accessKeyId: functionKey, secretAccessKey: 'local' };
  const functionClient = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => functionClient.destroy());
  const told = { logins: 0, refusedLogins: 0 };
  const counter = countRotations({ local, functionKey, loginsSeen: () => ({ ...told }) });
  const handler = createRotationHandler({
    rotators: [redisByAdmin({ ca: () => server.ca })],
    client: functionClient,
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
  const functionArn = local.registerFunction('keyturn-demo', handler);
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === arn) screen.labelsMoved(event);
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });

  const passwordNow = async (): Promise<string> => {
    const { SecretString = '{}' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    const { password }: { readonly password: string } = JSON.parse(SecretString);
    return password;
  };
  const application = startLogins(server, async () => ({ ...first, password: await passwordNow() }));
  resources.defer(async () => void (await application.stop()));
  const passwords = [first.password];
  const rotations: RotationRecord[] = [];
  const rotate = async (begin: () => Promise<unknown>): Promise<void> => {
    const next = counter.next();
    await begin();
    rotations.push(await next);
    await local.rotationsSettled(arn);
    passwords.push(await passwordNow());
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
  const refused = await refusedLogins(server);

  const [oldest = '', old = '', current = ''] = passwords;
  const accepts = (password: string): Promise<boolean> => opens(server, { ...first, password });
  const outcome: RedisOutcome = {
    server: program.name,
    rotations,
    newPasswordAccepted: await accepts(current),
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

interface Login {
  readonly username: string;
  readonly password: string;
}

/** An application's user, which knows nothing of the server. */
async function createUser({ ask }: RedisServer): Promise<Login> {
  const login = { username: 'shop', password: randomBytes(15).toString('base64url') };
  const rules = ['~shop:*', '&shop:*', '+@read', '+@write', '+@connection'];
  await ask('ACL', 'SETUSER', login.username, 'on', `>${login.password}`, ...rules);
  return login;
}

async function storeSecrets(
  client: SecretsManagerClient,
  { port, admin }: RedisServer,
  login: Login,
): Promise<string> {
  const store = async (Name: string, fields: object): Promise<string> => {
    const SecretString = JSON.stringify({ engine: 'redis', host: 'localhost', port, ...fields });
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name, SecretString }));
    return ARN;
  };
  return store(secretName, { ...login, masterarn: await store('prod/admin/redis', admin) });
}
