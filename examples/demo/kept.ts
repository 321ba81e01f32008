import { startConsole } from '../../src/console/index.ts';
import { database } from './database.ts';
import type { Environment } from './environment.ts';
import type { Screen } from './screen.ts';
import { secretName } from './secrets.ts';

/** Starts the console, and shows commands for another terminal. */
export async function showHowToReach(
  { local, clock, postgres }: Environment,
  screen: Screen,
  resources: AsyncDisposableStack,
): Promise<void> {
  const { region } = local.clientConfig;
  const console_ = await startConsole({
    place: { endpoint: local.url, region },
    kind: 'local',
    environment: process.env,
    events: local.on,
    now: clock.now,
    note: (line) => screen.fact('console', line),
  });
  resources.defer(() => console_.close());
  const hoursAhead = ((clock.now() - Date.now()) / 3_600_000).toFixed(1);
  screen.heading('Kept', 'until Ctrl-C');
  screen.fact('console', console_.address());
  screen.fact('clock', `at its normal speed, ${hoursAhead} hours ahead of yours; rotation is still on`);
  screen.fact('PostgreSQL', `${postgres.host}:${postgres.port}, the database ${database}, with TLS`);
  screen.fact('Secrets Manager', local.url);
  screen.gap();
  // The commands read user and password from the secret, because a rotation may change both.
  const value = (key: string) => `$(npx keyturn get '${secretName}#${key}' --endpoint ${local.url})`;
  screen.command(`PGUSER=${value('username')} \\`);
  screen.command(`PGPASSWORD=${value('password')} \\`);
  screen.command(`  psql "host=${postgres.host} port=${postgres.port} dbname=${database} sslmode=require"`);
  for (const command of ['status', 'rotate']) {
    screen.gap();
    screen.command(`npx keyturn ${command} ${secretName} --endpoint ${local.url}`);
  }
  for (const operation of ['describe-secret', 'get-secret-value', 'rotate-secret']) {
    screen.gap();
    screen.command('AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 \\');
    screen.command(`  aws --endpoint-url ${local.url} \\`);
    screen.command(`  secretsmanager ${operation} --secret-id ${secretName}`);
  }
}
