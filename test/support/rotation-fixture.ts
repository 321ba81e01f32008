import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { readDocument } from '../../src/documents/document.ts';
import {
  createRotationHandler,
  type RotationHandlerOptions,
  type Rotator,
  type SecretFields,
  type StepReport,
  type Telemetry,
} from '../../src/index.ts';
import type { LocalSecretsManager } from '../../src/local/index.ts';
import { functionKey, startTestSecretsManager } from '../../src/testing/secrets.ts';
import { sharedOptions, uniqueName } from './postgres-fixtures.ts';

/** Everything that a handler has reported. */
export interface Recording {
  readonly reports: StepReport[];
  readonly notes: string[];
  readonly telemetry: Telemetry;
}

export function record(): Recording {
  const reports: StepReport[] = [];
  const notes: string[] = [];
  return {
    reports,
    notes,
    telemetry: {
      stepStarted: () => undefined,
      stepEnded: (report) => reports.push(report),
      note: (_step, message) => notes.push(message),
      trace: (_name, call) => call(),
    },
  };
}

/** A local Secrets Manager with a rotation function, and the real SDK for both. */
export interface RotationFixture {
  readonly local: LocalSecretsManager;
  readonly client: SecretsManagerClient;
  /** The function's client, to which tests add faults. */
  readonly functionClient: SecretsManagerClient;
  readonly recorded: Recording;
  /** Operations that the function has called, in order. */
  readonly calls: string[];
  readonly handler: ReturnType<typeof createRotationHandler>;
  createSecret(value: unknown, tags?: Readonly<Record<string, string>>): Promise<string>;
  /** Calls RotateSecret and waits for the rotation's end. @returns the error of the last attempt, or undefined */
  rotate(
    arn: string,
    settings?: { readonly immediately?: boolean; readonly token?: string },
  ): Promise<string | undefined>;
  /** The secret's string. */
  text(arn: string, stage?: string): Promise<string>;
  /** The secret's fields, in any of its forms. */
  read(arn: string, stage?: string): Promise<SecretFields>;
  put(arn: string, value: unknown, stages?: string[]): Promise<string>;
  labels(arn: string): Promise<Record<string, string[]>>;
  clearPending(arn: string): Promise<void>;
  close(): Promise<void>;
}

export type HandlerSettings = Partial<Omit<RotationHandlerOptions, 'client' | 'telemetry'>>;

/** Both Postgres rotators, for the server that all tests share. */
function sharedRotators(): Rotator[] {
  const options = sharedOptions();
  return [postgres(options), postgresAlternatingUsers(options)];
}

/**
 * Starts a Secrets Manager with a rotation function.
 *
 * @param settings default: both Postgres rotators, with their default configuration
 * @param retries how often a failed rotation is retried
 * @param start default: a Secrets Manager without policies
 */
export async function startFixture(
  settings: HandlerSettings = {},
  retries = 0,
  start = startTestSecretsManager,
): Promise<RotationFixture> {
  const delays = Array.from({ length: retries }, () => 1);
  const { local, client, functionClient, close } = await start(delays);
  const calls: string[] = [];
  const failures: string[] = [];
  local.on((event) => {
    if (event.type === 'call' && event.accessKeyId === functionKey) calls.push(event.operation);
    if (event.type === 'rotation-failed') failures.push(event.error);
    if (event.type === 'rotation-succeeded') failures.length = 0;
  });
  const recorded = record();
  const handler = createRotationHandler({
    ...settings,
    rotators: settings.rotators ?? sharedRotators(),
    client: functionClient,
    telemetry: recorded.telemetry,
  });
  const functionArn = local.registerFunction('rotate', handler);

  const fixture: RotationFixture = {
    local,
    client,
    functionClient,
    recorded,
    calls,
    handler,
    createSecret: async (value, tags = {}) => {
      const created = await client.send(
        new CreateSecretCommand({
          Name: uniqueName('secret').replaceAll(' ', '-'),
          SecretString: typeof value === 'string' ? value : JSON.stringify(value),
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      );
      return created.ARN ?? '';
    },
    rotate: async (SecretId, { immediately = true, token = randomUUID() } = {}) => {
      failures.length = 0;
      const command = new RotateSecretCommand({
        SecretId,
        ClientRequestToken: token,
        RotationLambdaARN: functionArn,
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediately: immediately,
      });
      // With an unfinished rotation, AWS answers this error, and tries that rotation again.
      await client.send(command).catch((error: unknown) => {
        if (!String(error).includes("A previous rotation isn't complete")) throw error;
      });
      await local.rotationsSettled(SecretId);
      return failures.at(-1);
    },
    text: async (SecretId, VersionStage = 'AWSCURRENT') => {
      const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage }));
      return SecretString;
    },
    read: async (arn, stage) => readDocument(await fixture.text(arn, stage)).fields,
    put: async (SecretId, value, VersionStages = ['AWSCURRENT']) => {
      const SecretString = typeof value === 'string' ? value : JSON.stringify(value);
      const { VersionId = '' } = await client.send(
        new PutSecretValueCommand({ SecretId, SecretString, VersionStages }),
      );
      return VersionId;
    },
    labels: async (SecretId) =>
      (await client.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {},
    clearPending: async (SecretId) => {
      const stages = await fixture.labels(SecretId);
      const holder = Object.keys(stages).find((id) => stages[id]?.includes('AWSPENDING'));
      if (holder === undefined) return;
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSPENDING',
          RemoveFromVersionId: holder,
        }),
      );
    },
    close,
  };
  return fixture;
}

/** Makes the function's next call of an operation fail: before it is sent, or after it was answered. */
export function failOnce(client: SecretsManagerClient, operation: string, when: 'before' | 'after'): void {
  let armed = true;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!armed || context.commandName !== `${operation}Command`) return next(args);
      armed = false;
      if (when === 'after') await next(args);
      throw new Error(`The answer of ${operation} was lost.`);
    },
    { step: 'initialize', name: `fail-${operation}-${when}-${randomUUID()}` },
  );
}
