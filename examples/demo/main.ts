import { rejectionOf, runProgram } from '../entry.ts';
import { requireTools } from '../sam/tools.ts';
import { type DemoArguments, help, readArguments } from './arguments.ts';
import { createScreen, type Screen } from './screen.ts';

process.exitCode = await runProgram({ name: 'demo', help, readArguments, run }, process.argv.slice(2));

async function run(given: DemoArguments, ending: AbortSignal): Promise<number> {
  const screen = createScreen((line) => {
    if (!given.json && !ending.aborted) process.stdout.write(`${line}\n`);
  });
  await using resources = new AsyncDisposableStack();
  return await scenarioOf(given)(given, { screen, resources, ending });
}

function scenarioOf({ token, sqlserver, mysql, redis, client, fleet }: DemoArguments) {
  if (fleet) return rotateFleet;
  if (token) return rotateTokens;
  if (sqlserver) return rotateSqlServer;
  if (mysql || redis) return rotateTwoPasswords;
  return client ? rotateUnderLoad : rotatePasswords;
}

interface Surroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly ending: AbortSignal;
}

async function rotateTokens(
  { json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  screen.heading('Keyturn', 'rotates an API token');
  screen.progress('starting a token server and the local Secrets Manager');
  const { playTokens } = await import('./token/scenario.ts');
  const python = process.env.KEYTURN_TEST_JUPYTERHUB_PYTHON;
  const outcome = await Promise.race([playTokens({ screen, resources, python }), rejectionOf(ending)]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (outcome.refusedCalls > 0) throw new Error('The application was refused.');
  if (outcome.liveTokens !== 2) throw new Error(`${outcome.liveTokens} tokens are alive.`);
  return 0;
}

async function rotateUnderLoad(
  { alternating, document, json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  screen.heading(
    'Keyturn',
    'rotates while an application uses the secret, and the application does not notice',
  );
  screen.progress('starting PostgreSQL and the local Secrets Manager');
  const [{ startEnvironment }, { playClient }] = await Promise.all([
    import('./environment.ts'),
    import('./client/scenario.ts'),
  ]);
  const environment = await startEnvironment({ remoteFunction: false }, resources, ending);
  const form = document ? 'connection-string' : 'json';
  const playing = playClient(environment, { alternating, form, screen, resources });
  const outcome = await Promise.race([playing, rejectionOf(ending)]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (outcome.client.errors > 0) throw new Error(`${outcome.client.errors} errors reached the application.`);
  return 0;
}

async function rotateFleet(
  { json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  screen.heading('Keyturn', 'rotates a fleet in waves');
  const { playFleet } = await import('./fleet/scenario.ts');
  const outcome = await Promise.race([playFleet({ screen, resources, ending }), rejectionOf(ending)]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (outcome.rotated !== outcome.secrets) throw new Error('Not all secrets were rotated.');
  return 0;
}

async function rotateSqlServer(
  { json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  const connectionString = process.env.KEYTURN_TEST_SQLSERVER_URL || undefined;
  const at =
    connectionString === undefined ? 'at a stand-in, because no SQL Server is named' : 'at a real server';
  screen.heading('Keyturn', `rotates a login of SQL Server ${at}`);
  screen.progress('starting the server and the local Secrets Manager');
  const { playSqlServer } = await import('./sqlserver/scenario.ts');
  const outcome = await Promise.race([
    playSqlServer({ screen, resources, connectionString }),
    rejectionOf(ending),
  ]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (!outcome.newPasswordAccepted) throw new Error('The server refuses the new password.');
  if (!outcome.oldPasswordRefused) throw new Error('The server still accepts the old password.');
  return 0;
}

/** Both passwords of a user work until the next rotation, so that an application is never refused. */
async function rotateTwoPasswords(
  { mysql, json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  screen.heading(
    'Keyturn',
    `rotates a user of ${mysql ? 'MySQL or MariaDB' : 'Valkey or Redis'}, while an application logs in all the time`,
  );
  screen.progress('starting the server and the local Secrets Manager');
  const play = mysql
    ? (await import('./mysql/scenario.ts')).playMysql
    : (await import('./redis/scenario.ts')).playRedis;
  const outcome = await Promise.race([play({ screen, resources }), rejectionOf(ending)]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  const { newPasswordAccepted, oldPasswordAccepted, oldestPasswordRefused, application } = outcome;
  if (!newPasswordAccepted) throw new Error('The server refuses the new password.');
  if (!oldPasswordAccepted) throw new Error('The server refuses the old password before the next rotation.');
  if (!oldestPasswordRefused) throw new Error('The server still accepts the password before the old one.');
  if (application.refused > 0) throw new Error(`The application was refused ${application.refused} times.`);
  return 0;
}

async function rotatePasswords(
  { alternating, document, sam, keep, json }: DemoArguments,
  { screen, resources, ending }: Surroundings,
): Promise<number> {
  if (sam) await requireTools();
  screen.heading('Keyturn', `rotates a PostgreSQL login${alternating ? ' between two users' : ''}`);
  screen.progress('starting PostgreSQL and the local Secrets Manager');
  // These are loaded only now, so that Ctrl-C works while they load.
  const [{ startEnvironment }, { playScenario }, { showHowToReach }] = await Promise.all([
    import('./environment.ts'),
    import('./scenario.ts'),
    import('./kept.ts'),
  ]);
  const environment = await startEnvironment({ remoteFunction: sam }, resources, ending);
  const ended = rejectionOf(ending);
  const form = document ? 'connection-string' : 'json';
  const outcome = await Promise.race([
    playScenario(environment, { alternating, form, screen, resources, ending }),
    ended,
  ]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (!outcome.newPasswordAccepted) throw new Error('PostgreSQL refuses the new password.');
  if (!outcome.oldPasswordRefused) throw new Error('PostgreSQL still accepts the old password.');
  if (keep) {
    await showHowToReach(environment, screen, resources);
    await ended;
  }
  return 0;
}
