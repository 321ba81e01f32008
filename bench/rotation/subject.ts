import { randomBytes } from 'node:crypto';
import { CreateSecretCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Contender, Strategy } from './contenders.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import { countLogins, type Logins, type Network, type Servers } from './servers.ts';

/** A contender's own secret. */
export interface Subject {
  readonly contender: Contender;
  readonly secretArn: string;
  /** Whether its logins are encrypted. */
  readonly tls: boolean;
  /** Starts the contender's function in a new process. */
  start(): FunctionProcess;
  /** Rotates by this process. @returns the time from the first event to the last answer, in ms */
  rotate(by: FunctionProcess): Promise<number>;
  /** Rotates as `rotate` does. @returns what the two servers counted */
  rotateCounted(by: FunctionProcess): Promise<Counted>;
}

export interface Counted {
  readonly secretsManagerCalls: number;
  readonly logins: Logins;
}

/** Makes a role, its secret, and a function that rotates it. */
export async function createSubject(
  servers: Servers,
  network: Network,
  contender: Contender,
  strategy: Strategy,
): Promise<Subject> {
  const { local, client } = servers;
  const name = `${contender.name}_${randomBytes(4).toString('hex')}`;
  const secretArn = await createSecrets(servers, network, name, strategy);
  const variables = {
    ...(network.tls ? { KEYTURN_CA_FILE: servers.caFile } : {}),
    SECRETS_MANAGER_ENDPOINT: network.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: 'unused',
  };

  let active: FunctionProcess | undefined;
  let calls = 0;
  let failure: string | undefined;
  local.on((event) => {
    if (event.type === 'call' && event.accessKeyId === name) calls += 1;
    if (event.type === 'rotation-failed' && event.secretArn === secretArn) failure = event.error;
  });
  let startedMs = 0;
  let endedMs = 0;
  const RotationLambdaARN = local.registerFunction(name, async (event) => {
    if (event.Step === 'createSecret') startedMs = performance.now();
    await active?.invoke(event);
    endedMs = performance.now();
  });

  const rotate = async (by: FunctionProcess): Promise<number> => {
    active = by;
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(new RotateSecretCommand({ SecretId: secretArn, RotationLambdaARN, RotationRules }));
    await local.rotationsSettled(secretArn);
    if (failure !== undefined) throw new Error(`A rotation by ${contender.name} failed: ${failure}`);
    return endedMs - startedMs;
  };

  return {
    contender,
    secretArn,
    tls: network.tls,
    start: () => startFunction(contender.commands[strategy], variables),
    rotate,
    rotateCounted: async (by) => {
      calls = 0;
      const logins = await countLogins(servers, async () => void (await rotate(by)));
      return { secretsManagerCalls: calls, logins };
    },
  };
}

/** Makes a login, its secret, and for alternating users the admin's secret. @returns the ARN of the login's secret */
async function createSecrets(
  { postgres, client }: Servers,
  network: Network,
  username: string,
  strategy: Strategy,
): Promise<string> {
  const password = randomBytes(18).toString('base64url');
  await postgres.asAdmin((admin) => admin.query(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'`));
  const create = async (secretName: string, fields: object): Promise<string> => {
    const common = { engine: 'postgres', ...network.postgres, dbname: 'postgres', ssl: network.tls };
    const SecretString = JSON.stringify({ ...common, ...fields });
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name: secretName, SecretString }));
    return ARN;
  };
  if (strategy === 'single user') return create(username, { username, password });
  const masterarn = await create(`${username}_admin`, postgres.admin);
  return create(username, { username, password, masterarn });
}
