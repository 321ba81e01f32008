import {
  CreateSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { randomRotators } from '../rotators/random/index.ts';
import { sqlServer } from '../rotators/sqlserver/index.ts';
import { type RunningConsole, startConsole } from '../src/console/index.ts';
import { createRotationHandler } from '../src/index.ts';
import { type LocalSecretsManager, manualClock, startLocalSecretsManager } from '../src/local/index.ts';
import { standInHarness } from '../test/support/tds/harness.ts';

/** A console for pictures. Its secrets have a history of five months. */
export interface Stage {
  readonly console: RunningConsole;
  readonly local: LocalSecretsManager;
  /** The ARN of a connection string that rotated a few times. */
  readonly rotated: string;
  /** The ARN of a secret whose rotation is stuck. */
  readonly stuck: string;
  close(): Promise<void>;
}

const dayMs = 86_400_000;
/** A fixed time, so that the pictures are always the same. */
const startMs = Date.UTC(2026, 4, 4, 8, 30);

/** Starts a local Secrets Manager with secrets, runs its clock through five months of rotations, and starts a console. */
export async function setStage(): Promise<Stage> {
  const clock = manualClock(startMs);
  const server = await standInHarness();
  const local = await startLocalSecretsManager({ clock, retryDelaysMs: [] });
  const client = new SecretsManagerClient(local.clientConfig);
  const rotate = local.registerFunction(
    'keyturn',
    createRotationHandler({ rotators: [sqlServer(server.options), ...randomRotators()], client }),
  );
  let isDown = false;
  const ledger = createRotationHandler({ rotators: randomRotators(), client });
  const fragile = local.registerFunction('ledger', async (event, context) => {
    if (isDown && event.Step === 'setSecret') {
      throw new Error('TargetUnreachable: db.internal:1433 does not answer. Check the security group.');
    }
    return ledger(event, context);
  });

  const store = async (
    Name: string,
    SecretString: string,
    Description: string,
    tags: Readonly<Record<string, string>>,
    rotation?: { readonly arn: string; readonly expression: string; readonly at?: string },
  ): Promise<string> => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const { ARN = '' } = await client.send(
      new CreateSecretCommand({ Name, SecretString, Description, Tags }),
    );
    await clock.advance(60_000);
    if (rotation !== undefined) {
      const { arn: RotationLambdaARN, expression: ScheduleExpression, at: Duration } = rotation;
      const RotationRules = { ScheduleExpression, ...(Duration !== undefined && { Duration }) };
      await client.send(new RotateSecretCommand({ SecretId: ARN, RotationLambdaARN, RotationRules }));
      await local.rotationsSettled();
    }
    return ARN;
  };

  const login = await server.createLogin('orders');
  const { host, port, dbname } = server.secretOf(login);
  const rotated = await store(
    'prod/orders/SqlServer',
    `Server=tcp:${host},${port};Initial Catalog=${dbname};User ID=${login.username};Password=${login.password};Encrypt=True;Application Name=Orders`,
    'Orders service, the connection string of its database',
    { team: 'orders', environment: 'prod' },
    { arn: rotate, expression: 'cron(0 4 1 * ? *)', at: '2h' },
  );
  const token = (name: string, description: string, team: string, expression?: string) =>
    store(
      name,
      JSON.stringify({ password: `first-value-of-${team}-000000000` }),
      description,
      { team, environment: name.split('/')[0] ?? '', 'keyturn:rotator': 'random/string' },
      expression === undefined ? undefined : { arn: rotate, expression },
    );
  await token(
    'prod/checkout/webhook-signing',
    'Signs what the payment provider calls back',
    'checkout',
    'rate(30 days)',
  );
  await token('prod/identity/session-pepper', 'Pepper of session ids', 'identity', 'rate(90 days)');
  await token('prod/search/api-token', 'Reads the index', 'search', 'rate(14 days)');
  await token('staging/checkout/webhook-signing', 'The same, for staging', 'checkout', 'rate(21 days)');
  await token('prod/mail/smtp', 'Relay for receipts', 'mail');
  await token('staging/search/api-token', 'Reads the index of staging', 'search', 'rate(60 days)');
  const stuck = await store(
    'prod/ledger/SqlServer',
    JSON.stringify({ password: 'first-value-of-the-ledger-000' }),
    'General ledger',
    { team: 'finance', environment: 'prod', 'keyturn:rotator': 'random/string' },
    { arn: fragile, expression: 'rate(30 days)' },
  );
  const console_ = await startConsole({
    place: { endpoint: local.url, region: 'us-east-1' },
    kind: 'local',
    environment: {},
    events: local.on,
    now: clock.now,
    note: () => undefined,
  });
  for (let day = 0; day < 149; day += 1) {
    if (day > 100) isDown = true;
    await clock.advance(dayMs);
    await local.rotationsSettled();
  }
  await clock.advance(7 * 3_600_000);
  await local.rotationsSettled();
  return {
    console: console_,
    local,
    rotated,
    stuck,
    close: async () => {
      await console_.close();
      client.destroy();
      await local.close();
      await server.stop();
    },
  };
}
