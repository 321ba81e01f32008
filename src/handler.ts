import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Configuration, type Environment, readConfiguration, readEndpoint } from './configuration.ts';
import { isKeyturnError, type KeyturnError } from './errors.ts';
import { createAwsRds, type RdsOptions } from './rds/aws.ts';
import { createRedactor, type Redactor } from './redact.ts';
import { startDeadline, type TimeLeft } from './rotation/deadline.ts';
import { parseRotationEvent, type RotationEvent, type Step, steps } from './rotation/event.ts';
import { checkEvent, type Permitted } from './rotation/gate.ts';
import { createRotationMemory, type RotationMemory } from './rotation/memory.ts';
import { retry } from './rotation/retry.ts';
import type { Observations, Run, StepFunction, StepResult } from './rotation/run.ts';
import { createSecret } from './rotation/steps/create.ts';
import { finishSecret, resumeCompletedStep, revokeWhenDue } from './rotation/steps/finish.ts';
import { setSecret } from './rotation/steps/set.ts';
import { preflightCurrent, testSecret } from './rotation/steps/test.ts';
import { requireValidRotators } from './rotation/valid-rotators.ts';
import type { Finding, Rotator } from './rotator/contract.ts';
import { createAwsSecretsManager } from './secrets-manager/aws.ts';
import { type StepIdentity, silentTelemetry, type Telemetry } from './telemetry.ts';

/** What a rotation function is made of. */
export interface RotationHandlerOptions {
  /** The rotators that the function serves. */
  readonly rotators: readonly Rotator[];
  /** Default: a client for SECRETS_MANAGER_ENDPOINT, else with the SDK's own defaults. */
  readonly client?: SecretsManagerClient;
  /** Settings that win over the variables. */
  readonly configuration?: Partial<Configuration>;
  /** The function's variables (docs/configuration.md). Default: the process's; `{}` for none. */
  readonly environment?: Environment;
  /** Receives the reports of steps. Default: none. */
  readonly telemetry?: Telemetry;
  /**
   * Makes the RDS client. It is loaded only for RDS-managed admin secrets and read replicas.
   * @internal Its types are from an optional package.
   */
  readonly createRdsClient?: RdsOptions['createClient'];
}

/** The function's answer to a preflight that passed: all its findings. */
export interface PreflightAnswer {
  /** What was looked at. Masked. */
  readonly preflight: readonly Finding[];
}

/** Lambda calls it with an event and its context. Resolves when the step is done. */
export type RotationHandler = (event: unknown, context?: TimeLeft) => Promise<PreflightAnswer | undefined>;

/** For how many secrets a warm function remembers the values of their rotation. */
const rememberedSecrets = 16;

/**
 * Makes the rotation function: event, gate, step, report. The variables are read at the first invocation, so that a
 * preflight finds a wrong one (InvalidConfiguration).
 *
 * @returns a handler that throws a KeyturnError, masked, when a step fails
 * @throws InvalidConfiguration if an entry of `rotators` is no rotator, or two have one name
 */
export function createRotationHandler(options: RotationHandlerOptions): RotationHandler {
  requireValidRotators(options.rotators);
  const telemetry = options.telemetry ?? silentTelemetry;
  const memory = createRotationMemory(rememberedSecrets);
  let settings: Settings | undefined;

  return async (input, context) => {
    const redactor = createRedactor();
    telemetry.redactWith?.(redactor);
    const deadline = startDeadline(context);
    try {
      const event = readEvent(input, redactor);
      redactor.publish(...publicTexts(event, options));
      const { findings } = await withReports(event, { redactor, telemetry }, (observed) => {
        settings ??= readSettings(options);
        const { signal } = deadline;
        redactor.publish(settings.configuration.adminSecretArn ?? '');
        return runStep(event, { ...options, ...settings, telemetry, memory, redactor, signal, observed });
      });
      return findings && { preflight: findings.map((finding) => maskFinding(finding, redactor)) };
    } finally {
      deadline.cancel();
    }
  };
}

/**
 * For how long, in ms, a connection to AWS may take. A VPC without a way to AWS drops packets: without this limit, a step
 * would wait until its time is up.
 */
const connectionTimeout = 3_000;

interface Settings {
  readonly client: SecretsManagerClient;
  readonly configuration: Configuration;
}

/** @throws InvalidConfiguration */
function readSettings({
  client,
  configuration,
  environment = process.env,
}: RotationHandlerOptions): Settings {
  const read = readConfiguration(environment);
  const endpoint = readEndpoint(environment);
  return {
    client: client ?? new SecretsManagerClient({ requestHandler: { connectionTimeout }, endpoint }),
    configuration: {
      ...read,
      ...configuration,
      password: { ...read.password, ...configuration?.password },
    },
  };
}

/** @throws InvalidEvent */
function readEvent(input: unknown, redactor: Redactor): RotationEvent {
  try {
    const event = parseRotationEvent(input);
    if (event.rotationToken !== undefined) redactor.learnValue(event.rotationToken);
    return event;
  } catch (error) {
    throw redactor.publicError(error);
  }
}

/** Texts in reports and errors that everybody may read. */
function publicTexts(
  { secretId, token, step }: RotationEvent,
  { rotators }: RotationHandlerOptions,
): string[] {
  const names = rotators.flatMap(({ name, engines = [] }) => [name, ...engines]);
  const labels = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'];
  return [secretId, token, step, ...steps, ...labels, ...names];
}

interface Invocation extends Omit<RotationHandlerOptions, keyof Settings>, Settings {
  readonly telemetry: Telemetry;
  readonly memory: RotationMemory;
  readonly redactor: Redactor;
  readonly signal: AbortSignal;
  readonly observed: Observations;
}

async function runStep(event: RotationEvent, invocation: Invocation): Promise<StepResult> {
  const { client, signal, observed, telemetry, redactor, memory } = invocation;
  const secretsManager = createAwsSecretsManager({
    client: () => client,
    reader: 'operator',
    signal,
    around: (operation, call) => {
      observed.secretsManagerCalls += 1;
      return telemetry.trace(`SecretsManager ${operation}`, call);
    },
  });
  const passGate = async () => {
    const secret = await secretsManager.describe(event.secretId);
    return { secret, permitted: checkEvent(event, secret) };
  };
  // Right after RotateSecret, DescribeSecret may not list the version yet.
  const { secret, permitted } = await retry(
    passGate,
    (error) => isKeyturnError(error, 'VersionNotStaged'),
    signal,
  );
  const run: Run = {
    event,
    secret,
    rotators: invocation.rotators,
    configuration: invocation.configuration,
    secretsManager,
    rds: createAwsRds({ signal, createClient: invocation.createRdsClient }),
    memory,
    redactor,
    signal,
    observed,
    closing: [],
    note: (message) => telemetry.note(identify(event), redactor.text(message)),
    trace: (name, call) => telemetry.trace(name, call),
  };
  try {
    return await stepFunctionFor(permitted)(run);
  } finally {
    await Promise.all(run.closing);
  }
}

const stepFunctions: Readonly<Record<Step, StepFunction>> = {
  createSecret,
  setSecret,
  testSecret,
  finishSecret,
};

function stepFunctionFor(permitted: Permitted): StepFunction {
  switch (permitted.kind) {
    case 'proceed':
      return stepFunctions[permitted.step];
    case 'preflight':
      return preflightCurrent;
    case 'revocation':
      return revokeWhenDue;
    case 'already-current':
      return resumeCompletedStep;
  }
}

function maskFinding({ check, ok, detail }: Finding, redactor: Redactor): Finding {
  return { check: redactor.text(check), ok, detail: redactor.text(detail) };
}

function identify({ secretId, token, step }: RotationEvent): StepIdentity {
  return { secretArn: secretId, versionId: token, step };
}

interface Reporting {
  readonly redactor: Redactor;
  readonly telemetry: Telemetry;
}

/** Reports the step's start, and its end even if it fails. */
async function withReports(
  event: RotationEvent,
  { redactor, telemetry }: Reporting,
  run: (observed: Observations) => Promise<StepResult>,
): Promise<StepResult> {
  const identity = identify(event);
  const observed: Observations = { rotator: undefined, secretsManagerCalls: 0, logins: 0, refusedLogins: 0 };
  const startedMs = performance.now();
  telemetry.stepStarted(identity);
  const end = (result: StepResult, error?: KeyturnError): void =>
    telemetry.stepEnded({
      ...identity,
      outcome: result.outcome,
      durationMs: performance.now() - startedMs,
      errorCode: error?.code,
      errorMessage: error?.message,
      gapMs: result.gapMs,
      ...observed,
    });
  try {
    const result = await run(observed);
    end(result);
    return result;
  } catch (thrown) {
    const error = redactor.publicError(thrown);
    end({ outcome: 'failed' }, error);
    throw error;
  }
}
