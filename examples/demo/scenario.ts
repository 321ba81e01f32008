import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { RotationRecord } from './counting.ts';
import { createLogin, isAccepted, type Login, refusal } from './database.ts';
import type { Environment } from './environment.ts';
import { attachFunction, functionName, registerFunction, schedule } from './rotation.ts';
import type { Screen } from './screen.ts';
import {
  kmsKey,
  loginIn,
  readFields,
  type StoredFields,
  sameBesidesLogin,
  secretName,
  storeAdmin,
  storeLogin,
} from './secrets.ts';

/** What the demo has found; --json prints it as it is. */
export interface DemoOutcome {
  readonly rotations: readonly RotationRecord[];
  /** Whether PostgreSQL took each new password. */
  readonly newPasswordAccepted: boolean;
  /** Whether PostgreSQL refused each password whose time was over. */
  readonly oldPasswordRefused: boolean;
}

/** Four hours of the schedule in one second. */
const speedUp = 14_400;

interface Stage {
  readonly environment: Environment;
  readonly client: SecretsManagerClient;
  readonly screen: Screen;
  readonly alternating: boolean;
}

export interface Scenario {
  readonly alternating: boolean;
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
}

/** Creates a login and its secret, rotates it at once and by schedule, and proves both rotations. */
export async function playScenario(environment: Environment, scenario: Scenario): Promise<DemoOutcome> {
  const { screen, alternating, resources } = scenario;
  const { local } = environment;
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  const stage: Stage = { environment, client, screen, alternating };
  const { secretArn, original } = await prepare(stage);
  const { arn: functionArn, counter } = registerFunction(environment, screen, resources);
  local.on((event) => {
    if (event.type === 'labels-moved' && event.secretArn === secretArn) screen.labelsMoved(event);
  });
  screen.fact(
    'rotation attached',
    `function ${functionName}, ${schedule.ScheduleExpression}, window ${schedule.Duration}`,
  );

  screen.heading('First rotation', 'at once, as AWS does when rotation is turned on');
  const firstEnd = counter.next();
  await attachFunction(client, secretArn, functionArn);
  const first = await firstEnd;
  await local.rotationsSettled(secretArn);
  const afterFirst = await prove(stage, { first: original, before: original });

  screen.heading('Second rotation', 'by itself, when its schedule says so');
  screen.fact('clock', `sped up ${speedUp.toLocaleString('en')} times: four hours pass in a second`);
  const second = await nextScheduled(stage, counter.next);
  await local.rotationsSettled(secretArn);
  const afterSecond = await prove(stage, { first: original, before: afterFirst.fields });

  screen.heading('Summary');
  screen.summary([first, second]);
  return {
    rotations: [first, second],
    newPasswordAccepted: afterFirst.newAccepted && afterSecond.newAccepted,
    oldPasswordRefused: alternating
      ? afterSecond.firstRefused
      : afterFirst.beforeRefused && afterSecond.beforeRefused,
  };
}

interface Prepared {
  readonly secretArn: string;
  readonly original: StoredFields;
}

async function prepare({ environment, client, screen, alternating }: Stage): Promise<Prepared> {
  const { postgres, local } = environment;
  screen.fact('PostgreSQL', `${postgres.host}:${postgres.port}, a real one, with TLS`);
  screen.fact('Secrets Manager', `${local.url}, a local one`);
  const login = await createLogin(postgres);
  screen.fact('login created', login.username);
  const admin = alternating ? await storeAdmin(client, postgres) : undefined;
  const secretArn = await storeLogin(client, postgres, login, admin);
  screen.fact('secret stored', `${secretName}, encrypted under ${kmsKey}`);
  return { secretArn, original: await readFields(client) };
}

/** The clock runs fast only until the rotation begins, so that a third doesn't follow. */
async function nextScheduled(
  { environment: { local, clock } }: Stage,
  next: () => Promise<RotationRecord>,
): Promise<RotationRecord> {
  const end = next();
  const stop = local.on((event) => {
    if (event.type === 'rotation-started' && event.cause === 'schedule') clock.runAt(1);
  });
  clock.runAt(speedUp);
  try {
    return await end;
  } finally {
    stop();
  }
}

interface OldValues {
  /** What was stored before any rotation. */
  readonly first: StoredFields;
  /** What was stored before this rotation. */
  readonly before: StoredFields;
}

interface Proof {
  readonly fields: StoredFields;
  readonly newAccepted: boolean;
  readonly beforeRefused: boolean;
  readonly firstRefused: boolean;
}

/** Reads the secret as an application would, and tries at PostgreSQL what it holds and what it held. */
async function prove({ environment, client, screen, alternating }: Stage, old: OldValues): Promise<Proof> {
  const fields = await readFields(client);
  const login = loginIn(fields);
  const before = loginIn(old.before);
  const accepts = (tried: Login): Promise<boolean> => isAccepted(environment.postgres, tried);
  const newAccepted = await accepts(login);
  const beforeAccepted = await accepts(before);
  const firstAccepted = old.first === old.before ? beforeAccepted : await accepts(loginIn(old.first));

  const changed = login.password === before.password ? 'not changed' : 'changed';
  const others = sameBesidesLogin(fields, old.before) ? 'the other fields as before' : 'other fields changed';
  screen.fact(
    'the secret now',
    `user ${login.username}, password: ${login.password.length} characters, ${changed}; ${others}`,
  );
  screen.fact('new password', `${answer(newAccepted)} by PostgreSQL`);
  if (alternating)
    screen.fact(
      'previous user',
      `${answer(beforeAccepted)}: ${before.username} works until the next rotation`,
    );
  else screen.fact('old password', `${answer(beforeAccepted)} by PostgreSQL`);
  if (alternating && old.first !== old.before)
    screen.fact('first password', `${answer(firstAccepted)} by PostgreSQL`);
  return { fields, newAccepted, beforeRefused: !beforeAccepted, firstRefused: !firstAccepted };
}

function answer(accepted: boolean): string {
  return accepted ? 'accepted' : `refused (${refusal})`;
}
