import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createRotationHandler, type Telemetry } from '../../../src/index.ts';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../../src/local/index.ts';
import type { Screen } from '../screen.ts';
import { startApplication } from './application.ts';
import { type CrashPoint, crashingFunction } from './crashing.ts';
import { readToken, requestRotation, secretName, storeToken } from './secret.ts';
import { startTokenServer, type TokenServer } from './server.ts';

/** A rotation as Secrets Manager saw it. */
export interface TokenRotation {
  readonly attempts: number;
  readonly durationMs: number;
  /** Where the function crashed; null if it didn't. */
  readonly crashedAt: string | null;
}

/** The demo's result, which --json prints. */
export interface TokenOutcome {
  readonly rotations: readonly TokenRotation[];
  /** How many tokens of the account work at the end, as the server counts: those of AWSCURRENT and AWSPREVIOUS. */
  readonly liveTokens: number;
  /** How often the application, which always calls with AWSCURRENT, was refused. */
  readonly refusedCalls: number;
}

export interface TokenSurroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  /** A Python that has the package `jupyterhub`. */
  readonly python: string | undefined;
}

interface Stage extends TokenSurroundings {
  readonly server: TokenServer;
  readonly local: LocalSecretsManager;
  readonly client: SecretsManagerClient;
}

const crashes = 50;

/** Rotates a token twice and shows which tokens work. Then 50 times with a crash in each, while an application calls. */
export async function playTokens(surroundings: TokenSurroundings): Promise<TokenOutcome> {
  const stage = await prepare(surroundings);
  const { screen, server, client } = stage;
  const application = startApplication(client, server);
  const shown = await rotateAndShow(stage);
  const crashed = await rotateThroughCrashes(stage);
  const { calls, refusedCalls } = await application.stop();
  const outcome = { rotations: [...shown, ...crashed], liveTokens: await server.liveTokens(), refusedCalls };
  screen.heading('Summary', `after ${outcome.rotations.length} rotations`);
  screen.fact('live tokens', `${outcome.liveTokens} at the server: AWSCURRENT and AWSPREVIOUS`);
  screen.fact('the application', `${calls} calls with AWSCURRENT all along, ${refusedCalls} refused`);
  return outcome;
}

async function prepare(surroundings: TokenSurroundings): Promise<Stage> {
  const { screen, resources, python } = surroundings;
  const server = await startTokenServer(python);
  resources.defer(server.stop);
  const local = await startLocalSecretsManager({ retryDelaysMs: [1] });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  screen.fact('token server', `${server.url}, ${server.kind}`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);
  await storeToken(client, server);
  screen.fact('secret stored', `${secretName}, with a token that was made by hand`);
  screen.fact('rotator', server.rotator.name);
  return { ...surroundings, server, local, client };
}

/** Rotates, and waits for the end. @throws Error if all attempts have failed */
async function rotate(
  { local, client }: Stage,
  functionArn: string,
): Promise<Omit<TokenRotation, 'crashedAt'>> {
  let attempts = 0;
  let durationMs = 0;
  let failure = 'The rotation has not ended.';
  const stopHearing = local.on((event) => {
    if (event.type === 'rotation-started') attempts = event.attempt;
    if (event.type === 'rotation-failed') failure = event.error;
    if (event.type === 'rotation-succeeded') failure = '';
    if (event.type === 'rotation-succeeded' || event.type === 'rotation-failed')
      durationMs += event.durationMs;
  });
  await requestRotation(client, functionArn);
  await local.rotationsSettled();
  stopHearing();
  if (failure !== '') throw new Error(failure);
  return { attempts, durationMs: Math.round(durationMs * 10) / 10 };
}

async function rotateAndShow(stage: Stage): Promise<TokenRotation[]> {
  const { screen, server, local, client } = stage;
  const handler = createRotationHandler({ rotators: [server.rotator], client, telemetry: tell(screen) });
  const arn = local.registerFunction('keyturn-demo', handler);
  const rotations: TokenRotation[] = [];
  for (const title of ['First rotation', 'Second rotation']) {
    screen.heading(title, 'each step as the function reports it');
    const before = [await readToken(client, 'AWSCURRENT'), await previousToken(client)];
    rotations.push({ ...(await rotate(stage, arn)), crashedAt: null });
    const after = await readToken(client, 'AWSCURRENT');
    const [replaced, oldest] = before;
    screen.gap();
    screen.fact('new token', await verdict(server, after));
    screen.fact('the one before', `${await verdict(server, replaced)}, until the next rotation`);
    if (oldest !== undefined) screen.fact('the oldest', await verdict(server, oldest));
  }
  return rotations;
}

async function previousToken(client: SecretsManagerClient): Promise<string | undefined> {
  return readToken(client, 'AWSPREVIOUS').catch(() => undefined);
}

async function verdict(server: TokenServer, token = ''): Promise<string> {
  return (await server.accepts(token)) ? 'valid' : 'refused: it was revoked';
}

function tell(screen: Screen): Telemetry {
  return {
    stepStarted: () => screen.stepStarted(),
    stepEnded: (report) => screen.stepEnded(report),
    note: (_step, message) => screen.note(message),
    trace: (_name, call) => call(),
  };
}

async function rotateThroughCrashes(stage: Stage): Promise<TokenRotation[]> {
  const { screen, server, local, resources } = stage;
  const crashing = crashingFunction(server.rotator, local);
  resources.defer(crashing.end);
  const arn = local.registerFunction('keyturn-demo-crashing', crashing.handler);
  const rotateWith = async (crash: CrashPoint | undefined): Promise<TokenRotation> => {
    crashing.begin(crash);
    const rotation = await rotate(stage, arn);
    if (crash !== undefined && crashing.crashedAt === undefined)
      throw new Error('The function did not crash.');
    return { ...rotation, crashedAt: crashing.crashedAt ?? null };
  };

  screen.heading('And if it crashes', 'at another call each time, Secrets Manager tries again');
  const whole = await rotateWith(undefined);
  const callsOfOne = crashing.calls;
  screen.fact('remote calls', `${callsOfOne} in one rotation, to Secrets Manager and to the token server`);
  screen.progress(`rotating ${crashes} times, with a crash before or after one of these calls`);
  const rotations = [whole];
  for (let time = 0; time < crashes; time += 1) {
    const when = Math.floor(time / callsOfOne) % 2 === 0 ? 'after' : 'before';
    rotations.push(await rotateWith({ call: 1 + (time % callsOfOne), when }));
  }
  screen.fact(
    'rotated',
    `${crashes} times in spite of the crashes, each in at most ${most(rotations)} attempts`,
  );
  return rotations;
}

function most(rotations: readonly TokenRotation[]): number {
  return Math.max(...rotations.map(({ attempts }) => attempts));
}
