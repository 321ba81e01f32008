import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { machine } from '../sam/reach.ts';
import type { RotationRecord } from './counting.ts';
import { createLogin } from './database.ts';
import type { Environment } from './environment.ts';
import { type OldValues, type Proof, prove, showProof } from './proof.ts';
import { attachFunction, schedule, startFunction } from './rotation.ts';
import type { Screen } from './screen.ts';
import {
  kmsKey,
  readSecret,
  type SecretForm,
  type StoredSecret,
  secretName,
  storeAdmin,
  storeLogin,
} from './secrets.ts';

/** The demo's result, which --json prints. */
export interface DemoOutcome {
  readonly rotations: readonly RotationRecord[];
  /** Whether PostgreSQL accepted each new password. */
  readonly newPasswordAccepted: boolean;
  /** Whether PostgreSQL refused each old password. */
  readonly oldPasswordRefused: boolean;
  /** The secret before and after, with masked password; only for a connection string. */
  readonly documentBefore?: string;
  readonly documentAfter?: string;
}

export interface Scenario {
  readonly alternating: boolean;
  readonly form: SecretForm;
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly ending: AbortSignal;
}

interface Stage extends Scenario {
  readonly environment: Environment;
  readonly client: SecretsManagerClient;
}

/** Four hours of the schedule pass in one second. */
const speedUp = 14_400;

/** Creates a login and its secret, rotates it at once and by schedule, and checks both rotations. */
export async function playScenario(environment: Environment, scenario: Scenario): Promise<DemoOutcome> {
  const client = new SecretsManagerClient(environment.local.clientConfig);
  scenario.resources.defer(() => client.destroy());
  const stage: Stage = { ...scenario, environment, client };
  const { secretArn, stored } = await prepare(stage);
  const rotations = await rotationsOf(stage, secretArn);

  stage.screen.heading('First rotation', 'at once, as AWS does when rotation is turned on');
  const first = await rotations.attach();
  const afterFirst = await proveAndShow(stage, { first: stored, previous: stored });

  stage.screen.heading('Second rotation', 'by itself, when its schedule says so');
  const second = await rotations.awaitScheduled();
  const afterSecond = await proveAndShow(stage, { first: stored, previous: afterFirst.now });

  stage.screen.heading('Summary', 'as the two servers counted');
  stage.screen.summary([first, second]);
  // With alternating users, the previous login works until the next rotation.
  const expired = stage.alternating
    ? [afterSecond.firstAccepted]
    : [afterFirst.previousAccepted, afterSecond.previousAccepted];
  return {
    rotations: [first, second],
    newPasswordAccepted: afterFirst.newAccepted && afterSecond.newAccepted,
    oldPasswordRefused: expired.every((accepted) => !accepted),
    ...(stage.form === 'json'
      ? {}
      : { documentBefore: stored.masked, documentAfter: afterSecond.now.masked }),
  };
}

async function prepare({ environment, client, screen, alternating, form }: Stage): Promise<{
  readonly secretArn: string;
  readonly stored: StoredSecret;
}> {
  const { postgres, local } = environment;
  // A function in a container reaches PostgreSQL by another name than this process does.
  const server = { ...postgres, host: environment.lambdaPort === undefined ? postgres.host : machine };
  screen.fact('PostgreSQL', `${postgres.host}:${postgres.port}, a real server, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);
  const login = await createLogin(postgres);
  screen.fact('login created', login.username);
  const adminSecretArn = alternating ? await storeAdmin(client, server) : undefined;
  const secretArn = await storeLogin(client, server, login, { form, adminSecretArn });
  screen.fact('secret stored', `${secretName}, encrypted under ${kmsKey}`);
  const stored = await readSecret(client);
  if (form === 'connection-string') screen.fact('kept as', stored.masked);
  return { secretArn, stored };
}

interface Rotations {
  /** Turns rotation on. The first rotation begins at once. */
  attach(): Promise<RotationRecord>;
  /** Runs the clock fast until the schedule starts the next rotation. Then it slows down, so that no third one follows. */
  awaitScheduled(): Promise<RotationRecord>;
}

async function rotationsOf(stage: Stage, secretArn: string): Promise<Rotations> {
  const { environment, client, screen } = stage;
  const { local, clock } = environment;
  const { arn, counter } = await startFunction(stage);
  const { ScheduleExpression, Duration } = schedule;
  screen.fact(
    'rotation function',
    `${arn.split(':').at(-1)}, ${ScheduleExpression} in a window of ${Duration}`,
  );
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === secretArn) screen.labelsMoved(event);
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });
  const toItsEnd = async (next: Promise<RotationRecord>): Promise<RotationRecord> => {
    const record = await next;
    await local.rotationsSettled(secretArn);
    return record;
  };
  return {
    async attach() {
      const next = counter.next();
      await attachFunction(client, secretArn, arn);
      return toItsEnd(next);
    },
    async awaitScheduled() {
      screen.fact('clock', `sped up ${speedUp.toLocaleString('en')} times: four hours pass in a second`);
      const next = counter.next();
      clock.runAt(speedUp);
      return toItsEnd(next);
    },
  };
}

async function proveAndShow(stage: Stage, old: OldValues): Promise<Proof> {
  const proof = await prove(stage.client, stage.environment.postgres, old);
  showProof(stage.screen, old, proof, stage.alternating);
  if (stage.form === 'connection-string') stage.screen.fact('kept as', proof.now.masked);
  return proof;
}
