import { RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { createRotationHandler, type Telemetry } from '../../src/index.ts';
import { countRotations, type RotationCounter } from './counting.ts';
import type { Environment } from './environment.ts';
import type { Screen } from './screen.ts';

export const functionName = 'keyturn-demo';
export const schedule = { ScheduleExpression: 'rate(4 hours)', Duration: '1h' } as const;

/** The function signs with a key of its own, so that its calls can be told from the demo's. */
const functionKey = 'keyturn-demo-function';

export interface RegisteredFunction {
  readonly arn: string;
  readonly counter: RotationCounter;
}

/** Makes the rotation function and registers it, as a deployment does on AWS. */
export function registerFunction(
  { local, postgres: server }: Environment,
  screen: Screen,
  resources: AsyncDisposableStack,
): RegisteredFunction {
  const credentials = { accessKeyId: functionKey, secretAccessKey: 'local' };
  const client = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => client.destroy());
  const counter = countRotations({ local, logFile: server.logFile, functionKey });
  const options = { ca: () => server.ca };
  const handler = createRotationHandler({
    rotators: [postgres(options), postgresAlternatingUsers(options)],
    client,
    telemetry: tell(screen, counter),
  });
  return { arn: local.registerFunction(functionName, handler), counter };
}

function tell(screen: Screen, counter: RotationCounter): Telemetry {
  return {
    stepStarted: () => screen.stepStarted(),
    stepEnded(report) {
      counter.stepEnded(report);
      screen.stepEnded(report);
    },
    note: (_step, message) => screen.note(message),
    trace: (_name, call) => call(),
  };
}

/** Turns rotation on, with a schedule; the first one begins at once. */
export async function attachFunction(
  client: SecretsManagerClient,
  secretArn: string,
  functionArn: string,
): Promise<void> {
  await client.send(
    new RotateSecretCommand({
      SecretId: secretArn,
      RotationLambdaARN: functionArn,
      RotationRules: schedule,
    }),
  );
}
