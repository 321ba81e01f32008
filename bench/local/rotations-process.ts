import { randomUUID } from 'node:crypto';
import {
  type LocalFunction,
  type LocalSecretsManager,
  manualClock,
  startLocalSecretsManager,
} from '../../src/local/index.ts';
import { type Connection, openConnection } from './connection.ts';
import { httpRequest, inputOf } from './requests.ts';

/** The cost of the rotations in one window. */
export interface RotationFigures {
  readonly secrets: number;
  readonly seconds: number;
  readonly msPerRotation: number;
  /** The largest resident memory of the process, function and client included, in bytes. */
  readonly peakMemory: number;
}

const connectionCount = 32;
const dayMs = 86_400_000;

type Call = (operation: string, input: object) => Promise<Record<string, unknown>>;

/** Rotates this number of secrets, kept in a folder and all due in the same window. */
async function rotateAll(secrets: number, dataDirectory: string): Promise<RotationFigures> {
  const clock = manualClock(Date.UTC(2026, 0, 1, 12));
  const local = await startLocalSecretsManager({ clock, dataDirectory });
  const port = portOf(local);
  const connections = Array.from({ length: connectionCount }, () => openConnection(port));
  const call = callOver(connections, port);
  const RotationLambdaARN = local.registerFunction('rotate', moveLabels(call));
  await Promise.all(
    Array.from({ length: secrets }, async (_, index) => {
      await call('CreateSecret', inputOf('CreateSecret', index));
      await call('RotateSecret', {
        ...inputOf('DescribeSecret', index),
        ClientRequestToken: randomUUID(),
        RotationLambdaARN,
        RotationRules: { ScheduleExpression: 'cron(0 0 * * ? *)' },
        RotateImmediately: false,
      });
    }),
  );
  await local.rotationsSettled();
  const allRotated = Promise.withResolvers<void>();
  let rotated = 0;
  local.on(({ type }) => {
    if (type === 'rotation-succeeded') rotated += 1;
    if (rotated === secrets) allRotated.resolve();
  });
  const startedAt = performance.now();
  await clock.advance(dayMs);
  await allRotated.promise;
  const ms = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  await local.close();
  return {
    secrets,
    seconds: ms / 1000,
    msPerRotation: ms / secrets,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
}

function portOf({ url }: LocalSecretsManager): number {
  return Number(new URL(url).port);
}

/** Makes calls on the connections in turns. */
function callOver(connections: readonly Connection[], port: number): Call {
  const free = [...connections];
  const waiting: ((connection: Connection) => void)[] = [];
  const take = async (): Promise<Connection> => free.pop() ?? new Promise((resolve) => waiting.push(resolve));
  const giveBack = (connection: Connection): void => {
    const next = waiting.shift();
    if (next) next(connection);
    else free.push(connection);
  };
  return async (operation, input) => {
    const connection = await take();
    const { status, body } = await connection.send(httpRequest(port, operation, input));
    giveBack(connection);
    if (status !== 200) throw new Error(`${operation} answered ${status}.`);
    return JSON.parse(body.toString());
  };
}

/** The minimum of a rotation function: stores a new value, and moves AWSCURRENT to it. */
function moveLabels(call: Call): LocalFunction {
  return async ({ Step, SecretId, ClientRequestToken }) => {
    if (Step === 'createSecret') {
      const VersionStages = ['AWSPENDING'];
      await call('PutSecretValue', {
        SecretId,
        ClientRequestToken,
        SecretString: randomUUID(),
        VersionStages,
      });
    }
    if (Step === 'finishSecret') {
      const { VersionId } = await call('GetSecretValue', { SecretId });
      await call('UpdateSecretVersionStage', {
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: ClientRequestToken,
        RemoveFromVersionId: VersionId,
      });
    }
  };
}

const [, , count = '', folder = ''] = process.argv;
process.stdout.write(JSON.stringify(await rotateAll(Number(count), folder)));
