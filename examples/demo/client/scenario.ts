import { setTimeout as sleep } from 'node:timers/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { postgres, postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { createRotationHandler } from '../../../src/index.ts';
import { createLogin } from '../database.ts';
import type { Environment } from '../environment.ts';
import { attachFunction } from '../rotation.ts';
import type { Screen } from '../screen.ts';
import { type SecretForm, secretName, storeAdmin, storeLogin } from '../secrets.ts';
import { type Application, cacheMs, places, startWithCache, startWithClient } from './applications.ts';

/** The counts of one application. */
export interface ApplicationOutcome {
  readonly calls: number;
  readonly errors: number;
  readonly secretsManagerCalls: number;
}

/** The demo's result, which --json prints. */
export interface ClientOutcome {
  readonly rotations: number;
  /** The application that reads its secret with keyturn/client. */
  readonly client: ApplicationOutcome & { readonly refusedLogins: number; readonly bridgedRefusals: number };
  /** The application that caches a value for a second. */
  readonly cache: ApplicationOutcome;
}

export interface ClientScenario {
  readonly alternating: boolean;
  readonly form: SecretForm;
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
}

const rotations = 10;
const pauseMs = 500;
const functionKey = 'keyturn-demo-function';

/** Rotates a login ten times while two applications use it, and counts their errors. */
export async function playClient(environment: Environment, scenario: ClientScenario): Promise<ClientOutcome> {
  const { screen, resources } = scenario;
  const { local, postgres: server } = environment;
  const calls = new Map<string, number>();
  local.on((event) => {
    if (event.type === 'call') calls.set(event.accessKeyId, (calls.get(event.accessKeyId) ?? 0) + 1);
  });
  const clientOf = (accessKeyId: string): SecretsManagerClient => {
    const credentials = { accessKeyId, secretAccessKey: 'local' };
    const client = new SecretsManagerClient({ ...local.clientConfig, credentials });
    resources.defer(() => client.destroy());
    return client;
  };
  const rotate = await prepare(environment, scenario, clientOf);

  screen.heading('Under load', `${places} workers in each application, during ${rotations} rotations`);
  const client = await startWithClient(clientOf('with-client'), server);
  resources.defer(() => client.stop());
  const cache = await startWithCache(clientOf('with-cache'), server);
  resources.defer(() => cache.stop());
  screen.fact('an application', 'with keyturn/client and a pool of 20');
  screen.fact('another', `with a cache of ${cacheMs} ms`);
  screen.gap();
  screen.fact('', countsOf('keyturn/client', 'cache', 'errors in'));
  for (let time = 1; time <= rotations; time += 1) {
    await sleep(pauseMs);
    const durationMs = await rotate();
    await sleep(pauseMs);
    screen.fact(
      `rotation ${time}`.padEnd(13) + `${durationMs.toFixed(0)} ms`.padStart(7),
      countsOf(client, cache),
    );
  }
  await Promise.all([client.stop(), cache.stop()]);
  const outcomeOf = (application: Application, key: string): ApplicationOutcome => ({
    calls: application.calls,
    errors: application.errors,
    secretsManagerCalls: calls.get(key) ?? 0,
  });
  const outcome: ClientOutcome = {
    rotations,
    client: {
      ...outcomeOf(client, 'with-client'),
      refusedLogins: client.refused,
      bridgedRefusals: client.bridged,
    },
    cache: outcomeOf(cache, 'with-cache'),
  };
  showSummary(screen, outcome);
  return outcome;
}

/** Makes the login, its secret and the function. @returns a function that rotates once, and returns how long it took (ms) */
async function prepare(
  { local, postgres: server }: Environment,
  { alternating, form, screen }: ClientScenario,
  clientOf: (key: string) => SecretsManagerClient,
): Promise<() => Promise<number>> {
  const client = clientOf('demo');
  screen.fact('PostgreSQL', `${server.host}:${server.port}, a real server, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);
  const login = await createLogin(server);
  const adminSecretArn = alternating ? await storeAdmin(client, server) : undefined;
  const secretArn = await storeLogin(client, server, login, { form, adminSecretArn });
  screen.fact('secret stored', secretName);
  const options = { ca: () => server.ca };
  const handler = createRotationHandler({
    rotators: [postgres(options), postgresAlternatingUsers(options)],
    client: clientOf(functionKey),
  });
  const functionArn = local.registerFunction('keyturn-demo', handler);
  let failure: string | undefined;
  local.on((event) => {
    if (event.type === 'rotation-failed') failure = event.error;
    if (event.type === 'rotation-succeeded') failure = undefined;
  });
  return async () => {
    const startedAt = performance.now();
    await attachFunction(client, secretArn, functionArn);
    await local.rotationsSettled(secretArn);
    if (failure !== undefined) throw new Error(failure);
    return performance.now() - startedAt;
  };
}

type Counted = Pick<Application, 'calls' | 'errors'>;

/** A line of the table: each application's counts so far. */
function countsOf(client: Counted | string, cache: Counted | string, prefix = ''): string {
  const cell = (counted: Counted | string): string =>
    typeof counted === 'string' ? `${prefix} ${counted}` : `${counted.errors} of ${counted.calls}`;
  return `${cell(client).padEnd(28)}${cell(cache)}`;
}

function showSummary(screen: Screen, { client, cache }: ClientOutcome): void {
  screen.heading('Summary', `after ${rotations} rotations`);
  const line = ({ calls, errors, secretsManagerCalls }: ApplicationOutcome): string =>
    `${errors} errors in ${calls} calls; ${secretsManagerCalls} calls of Secrets Manager`;
  screen.fact('keyturn/client', line(client));
  screen.fact(
    '',
    `${client.refusedLogins} logins were refused, and ${client.bridgedRefusals} calls then went on with the next password`,
  );
  screen.fact('cache', line(cache));
}
