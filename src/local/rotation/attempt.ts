import {
  type EventBridgeEvent,
  type EventHub,
  type RotationCause,
  type RotationStep,
  rotationSteps,
} from '../events.ts';
import { unfinishedRotation } from '../labels.ts';
import type { RotationKind } from '../model.ts';
import { rotationEvent } from '../service-events.ts';
import type { State } from '../state.ts';
import type { FunctionRegistry } from './functions.ts';
import type { RotationTokens } from './rotation-token.ts';
import { maskFunctionError } from './secrecy.ts';

/** A rotation that is under way. */
export interface RunningRotation {
  readonly secretArn: string;
  readonly lambdaArn: string;
  readonly token: string;
  readonly kind: RotationKind;
  readonly cause: RotationCause;
  /** False once the server is being closed. */
  mayGoOn(): boolean;
}

/** `interrupted`: the rotation was cancelled, or the server is being closed. */
export type AttemptOutcome = 'succeeded' | 'failed' | 'interrupted';

interface AttemptParts {
  readonly state: State;
  readonly functions: FunctionRegistry;
  readonly tokens: RotationTokens;
  readonly events: EventHub;
  readonly eventBridge: EventHub<EventBridgeEvent>;
}

/** Runs the steps of a rotation once, and emits events. Never throws. */
export async function attemptRotation(
  parts: AttemptParts,
  rotation: RunningRotation,
  { attempt, willRetry }: { readonly attempt: number; readonly willRetry: boolean },
): Promise<AttemptOutcome> {
  const { secretArn, token, kind, cause } = rotation;
  const facts = { secretArn, token, attempt };
  const startedAt = performance.now();
  parts.events.emit({ type: 'rotation-started', ...facts, kind, cause });
  tellEventBridge(parts, rotation, 'Started');
  try {
    const outcome = await takeSteps(parts, rotation, attempt);
    const durationMs = performance.now() - startedAt;
    if (outcome === 'succeeded') {
      parts.events.emit({ type: 'rotation-succeeded', ...facts, durationMs });
      tellEventBridge(parts, rotation, 'Succeeded');
    } else if (rotation.mayGoOn()) parts.events.emit({ type: 'rotation-cancelled', ...facts });
    return outcome;
  } catch (thrown) {
    const durationMs = performance.now() - startedAt;
    const error = thrown instanceof StepFailure ? thrown.told : describeError(thrown);
    parts.events.emit({ type: 'rotation-failed', ...facts, durationMs, error, willRetry });
    tellEventBridge(parts, rotation, 'Failed', thrown instanceof StepFailure ? thrown.message : error);
    return 'failed';
  }
}

/** As on AWS, the message only says that a step failed. The function's error could hold a secret value. */
class StepFailure extends Error {
  /** The function's error, with the secret's values masked. */
  readonly told: string;
  constructor(lambdaArn: string, step: RotationStep, told: string) {
    super(`Error when executing lambda ${lambdaArn} during ${step} step`);
    this.told = told;
  }
}

function tellEventBridge(
  { state, eventBridge }: AttemptParts,
  { secretArn, token, kind }: RunningRotation,
  outcome: 'Started' | 'Succeeded' | 'Failed',
  errorMessage?: string,
): void {
  const name = kind === 'test' ? (`TestRotation${outcome}` as const) : (`Rotation${outcome}` as const);
  eventBridge.emit(rotationEvent(name, { timeMs: state.now(), secretArn, token, errorMessage }));
}

async function takeSteps(
  parts: AttemptParts,
  rotation: RunningRotation,
  attempt: number,
): Promise<AttemptOutcome> {
  const rotationToken = parts.tokens.of(rotation.secretArn, rotation.token);
  for (const step of rotation.kind === 'test' ? (['testSecret'] as const) : rotationSteps) {
    if (!isUnderWay(parts.state, rotation)) return 'interrupted';
    await takeStep(parts, rotation, { step, attempt, rotationToken });
  }
  if (!isUnderWay(parts.state, rotation)) return 'interrupted';
  if (rotation.kind === 'rotation') checkLabels(parts.state, rotation.secretArn);
  return 'succeeded';
}

async function takeStep(
  { state, functions, events }: AttemptParts,
  { secretArn, lambdaArn, token }: RunningRotation,
  call: { readonly step: RotationStep; readonly attempt: number; readonly rotationToken: string },
): Promise<void> {
  const facts = { secretArn, token, attempt: call.attempt, step: call.step };
  const startedAt = performance.now();
  events.emit({ type: 'step-started', ...facts });
  try {
    await functions.invoke(lambdaArn, {
      Step: call.step,
      SecretId: secretArn,
      ClientRequestToken: token,
      RotationToken: call.rotationToken,
    });
    events.emit({ type: 'step-ended', ...facts, durationMs: performance.now() - startedAt });
  } catch (error) {
    const durationMs = performance.now() - startedAt;
    const { rotationToken } = call;
    const told = maskFunctionError(describeError(error), { state, secretArn, rotationToken });
    events.emit({ type: 'step-ended', ...facts, durationMs, error: told });
    throw new StepFailure(lambdaArn, call.step, told);
  }
}

function isUnderWay(state: State, { secretArn, token, mayGoOn }: RunningRotation): boolean {
  if (!mayGoOn()) return false;
  const secret = state.read((store) => store.secretByArn(secretArn));
  return secret?.rotation?.running?.token === token;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html */
function checkLabels(state: State, secretArn: string): void {
  const secret = state.read((store) => store.secretByArn(secretArn));
  if (secret && unfinishedRotation(secret.labels) !== undefined) {
    throw new Error('All steps succeeded, but AWSPENDING is on a version that is not AWSCURRENT');
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
