import { RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { createRotationHandler, type Telemetry } from '../../src/index.ts';
import { type FunctionSurroundings, startContainer } from './container.ts';
import { countRotations, loginsInLog, type RotationCounter } from './counting.ts';
import type { Environment } from './environment.ts';
import type { Screen } from './screen.ts';

const functionName = 'keyturn-demo';
export const schedule = { ScheduleExpression: 'rate(4 hours)', Duration: '1h' } as const;

/** The function signs with its own key, so that its calls can be told from the demo's. */
const functionKey = 'keyturn-demo-function';

/** A rotation function that the local Secrets Manager can call, and a counter of its rotations. */
export interface StartedFunction {
  readonly arn: string;
  readonly counter: RotationCounter;
}

/** Starts the rotation function in this process, or in a container if the environment has a port for it. */
export async function startFunction(surroundings: FunctionSurroundings): Promise<StartedFunction> {
  const { environment, screen, resources } = surroundings;
  const { local, postgres, lambdaPort } = environment;
  const counter = countRotations({ local, loginsSeen: () => loginsInLog(postgres.logFile), functionKey });
  const telemetry = tell(screen, counter);
  const arn =
    lambdaPort === undefined
      ? registerFunction(environment, telemetry, resources)
      : await startContainer(surroundings, lambdaPort, { telemetry, accessKeyId: functionKey });
  return { arn, counter };
}

/** Registers the function, as a deployment does on AWS. @returns its ARN */
function registerFunction(
  { local, postgres: server }: Environment,
  telemetry: Telemetry,
  resources: AsyncDisposableStack,
): string {
  const credentials = { accessKeyId: functionKey, secretAccessKey: 'local' };
  const client = new SecretsManagerClient({ ...local.clientConfig, credentials });
  resources.defer(() => client.destroy());
  const options = { ca: () => server.ca };
  const handler = createRotationHandler({
    rotators: [postgres(options), postgresAlternatingUsers(options)],
    client,
    telemetry,
  });
  return local.registerFunction(functionName, handler);
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

/** Turns rotation on, with a schedule. The first rotation begins at once. */
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
