import { type PendingValue, scheduleExpression, unfinishedVersion } from '../secrets-manager/port.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { type About, type CauseName, causeNamed, causes, type Fix, isCauseName } from './causes.ts';
import type { Facts, Preflight, Surroundings } from './facts.ts';
import { currentIsRefused, failedChecks } from './preflight-words.ts';

/** How a secret's rotation stands; stable, for whoever reads --json. */
export type RotationState =
  | 'deleted'
  | 'no-value'
  | 'unfinished-empty'
  | 'unfinished-with-value'
  | 'unfinished-unreadable'
  | 'never-attached'
  | 'off'
  | 'overdue'
  | 'preflight-failed'
  | 'would-fail'
  | 'healthy';

/** How sure the cause is. `certain`: it was seen, and it makes rotations fail. */
export type Likelihood = 'certain' | 'likely' | 'possible';

/** A cause that was found, with its step. */
export interface FoundCause {
  readonly cause: CauseName;
  readonly likelihood: Likelihood;
  readonly problem: string;
  /** The evidence. */
  readonly evidence: string;
  /** What to do, with a command if there is one. It never loses a credential. */
  readonly step: string;
  readonly command: string | null;
  /** What `keyturn doctor --fix` would do; null if a person has to act. */
  readonly fix: Fix | null;
}

/** The result of a diagnosis. */
export interface Diagnosis {
  readonly state: RotationState;
  /** What the state means, in sentences. */
  readonly findings: readonly string[];
  /** Most likely first. */
  readonly causes: readonly FoundCause[];
}

/** Whether a secret in this state needs attention. */
export function needsAttention(state: RotationState): boolean {
  return state !== 'healthy' && state !== 'off' && state !== 'never-attached';
}

/** A cause's step with its command, as one line. */
export function stepLine({ step, command }: Pick<FoundCause, 'step' | 'command'>): string {
  return command === null ? step : `${step.replace(/\.$/, '')}: ${command}`;
}

/** Finds the state of a secret's rotation, why it fails, and what to do. Pure. */
export function diagnose(facts: Facts, nowMs: number): Diagnosis {
  const { secret, pendingValue = 'unreadable' } = facts;
  const found = causesOf(facts, nowMs);
  const base = stateOf(facts, nowMs);
  const isHealthy = base === 'healthy';
  const failed = isHealthy && facts.preflight !== undefined && hasFailed(facts.preflight);
  const wouldFail = isHealthy && found.some(({ likelihood }) => likelihood === 'certain');
  const state = failed ? 'preflight-failed' : wouldFail ? 'would-fail' : base;
  return { state, findings: findingsOf(state, secret, pendingValue), causes: found };
}

/** Whether a function's answer has a failed check, even if the function calls it a success. */
export function hasFailed(preflight: Preflight): boolean {
  if (preflight.outcome === 'failed') return true;
  return preflight.outcome === 'passed' && preflight.findings.some(({ ok }) => !ok);
}

function stateOf({ secret, pendingValue = 'unreadable' }: Facts, nowMs: number): RotationState {
  if (secret.deletedOn !== undefined) return 'deleted';
  if (versionWith(secret.stages, 'AWSCURRENT') === undefined) return 'no-value';
  if (unfinishedVersion(secret) !== undefined) return unfinishedStates[pendingValue];
  if (secret.rotationEnabled === undefined) return 'never-attached';
  if (!secret.rotationEnabled) return 'off';
  return secret.nextRotation !== undefined && secret.nextRotation.getTime() < nowMs ? 'overdue' : 'healthy';
}

const unfinishedStates = {
  empty: 'unfinished-empty',
  present: 'unfinished-with-value',
  unreadable: 'unfinished-unreadable',
} as const;

const pendingMeaning: Readonly<Record<PendingValue, string>> = {
  empty:
    'That version is empty: createSecret has stored no new credential, so AWSCURRENT has not been touched and works as before.',
  present:
    'That version has a value. AWS does not know whether the password was changed at the target. So this version may hold the only copy of the credential that works now. Keep it.',
  unreadable:
    'Whether that version has a value could not be read. If it has one, it may hold the only copy of the credential that works now. Keep it.',
};

function findingsOf(state: RotationState, secret: Facts['secret'], value: PendingValue): string[] {
  switch (state) {
    case 'healthy':
      return ['Rotation is on, and nothing is unfinished.'];
    case 'deleted':
      return [causes.SecretMarkedForDeletion.problem];
    case 'no-value':
      return ['No version is AWSCURRENT: the secret has no value, and a rotation has nothing to begin with.'];
    case 'never-attached':
      return [causes.NeverAttached.problem];
    case 'off':
      return [causes.RotationOff.problem];
    case 'overdue':
      return [causes.RotationOverdue.problem];
    case 'preflight-failed':
      return ['Rotation is on, and nothing is unfinished, but the preflight has failed.'];
    case 'would-fail':
      return ['Rotation is on, and nothing is unfinished, but the next rotation would fail.'];
    default:
      return [
        `A rotation is not complete: AWSPENDING is on version ${unfinishedVersion(secret)}, and AWSCURRENT is not.`,
        pendingMeaning[value],
        secret.rotationEnabled === true
          ? 'It may still be running, Secrets Manager may try it again, or it is stuck. No other rotation begins before it ends.'
          : 'Rotation was turned off meanwhile, so nothing goes on with it.',
      ];
  }
}

interface Candidate {
  readonly cause: CauseName;
  readonly likelihood: Likelihood;
  readonly evidence: string;
}

const ranks: readonly Likelihood[] = ['certain', 'likely', 'possible'];

/** The secret's schedule for `--every`; `PERIOD` if that can't say it. */
function everyOf({ rules }: Facts['secret']): string {
  const expression = scheduleExpression(rules);
  if (expression === undefined) return '30d';
  const [, count, unit] = /^rate\((\d+) (day|hour)s?\)$/.exec(expression) ?? [];
  return count === undefined ? 'PERIOD' : `${count}${unit === 'day' ? 'd' : 'h'}`;
}

/** Causes that the function reports when the real cause is another one. */
const symptoms: Partial<Record<CauseName, readonly CauseName[]>> = {
  FunctionMissing: ['PreflightFailed', 'FunctionNotInvocable'],
  FunctionHasNoConcurrency: ['Throttled', 'PreflightFailed'],
  FunctionBroken: ['PreflightFailed'],
  NoWayToSecretsManager: ['DeadlineExceeded', 'SecretsManagerUnreachable', 'TargetUnreachable'],
  EndpointBlocked: ['DeadlineExceeded', 'SecretsManagerUnreachable'],
  OutgoingBlocked: ['DeadlineExceeded', 'SecretsManagerUnreachable', 'TargetUnreachable'],
  KeyUnusable: ['AccessDenied', 'SecretsManagerFailed', 'PreflightFailed'],
  RefusedByResourcePolicy: ['AccessDenied'],
};

/** Causes that are reported only if there is no better one. */
const fallbacks: readonly CauseName[] = ['RotationUnfinished', 'RotationOverdue'];

function causesOf(facts: Facts, nowMs: number): FoundCause[] {
  const candidates = new Map<CauseName, Candidate>();
  for (const candidate of candidatesOf(facts, nowMs)) {
    // The first evidence of a cause is the strongest.
    if (!candidates.has(candidate.cause)) candidates.set(candidate.cause, candidate);
  }
  const explained = new Set<CauseName>(
    [...candidates.values()].flatMap(({ cause, likelihood }) =>
      likelihood === 'possible' ? [] : (symptoms[cause] ?? []),
    ),
  );
  const known = [...candidates.values()].some(
    ({ cause, likelihood }) => likelihood !== 'possible' && !fallbacks.includes(cause),
  );
  return [...candidates.values()]
    .map((candidate) =>
      explained.has(candidate.cause) ? { ...candidate, likelihood: 'possible' as const } : candidate,
    )
    .filter(({ cause }) => !(known && fallbacks.includes(cause) && facts.surroundings !== undefined))
    .sort((one, other) => ranks.indexOf(one.likelihood) - ranks.indexOf(other.likelihood))
    .map((candidate) => describe(candidate, facts.secret));
}

function describe({ cause, likelihood, evidence }: Candidate, secret: Facts['secret']): FoundCause {
  const { name, arn, functionArn, kmsKeyId } = secret;
  const [every, pending] = [everyOf(secret), unfinishedVersion(secret)];
  const about: About = { name, arn, functionArn, kmsKeyId, every, pending };
  const row = causeNamed(cause) ?? causes.RotationUnfinished;
  const { problem, step, command, fix = null } = row;
  return { cause, likelihood, problem, evidence, step, command: command?.(about) ?? null, fix };
}

function* candidatesOf(facts: Facts, nowMs: number): Generator<Candidate> {
  const { secret, surroundings, preflight } = facts;
  const { rotationEnabled } = secret;
  if (secret.deletedOn !== undefined) {
    yield certain('SecretMarkedForDeletion', 'DescribeSecret tells a date of deletion');
    return;
  }
  if (versionWith(secret.stages, 'AWSCURRENT') === undefined) {
    yield certain('SecretHasNoValue', 'no version has AWSCURRENT');
  }
  if (unfinishedVersion(secret) === undefined && rotationEnabled !== true) {
    yield rotationEnabled === undefined
      ? certain('NeverAttached', 'DescribeSecret tells no rotation')
      : certain('RotationOff', 'DescribeSecret says that rotation is off');
    return;
  }
  if (surroundings !== undefined) yield* around(facts, surroundings);
  if (preflight !== undefined) yield* fromPreflight(facts, preflight);
  if (surroundings?.log !== undefined) yield* fromLog(facts, surroundings.log);
  yield* fromLabels(facts, nowMs);
}

function certain(cause: CauseName, evidence: string): Candidate {
  return { cause, likelihood: 'certain', evidence };
}

/** The causes that Lambda, KMS, EC2 and the resource policy show. A preflight that passed disproves most of them. */
function* around({ preflight, secret }: Facts, seen: Surroundings): Generator<Candidate> {
  if (seen.function === 'missing') {
    yield certain('FunctionMissing', `Lambda knows no function ${secret.functionArn}`);
  } else if (seen.invocable === false) {
    yield certain('FunctionNotInvocable', "no statement of the function's policy names Secrets Manager");
  }
  if (preflight !== undefined && preflight.outcome === 'passed') return;
  if (seen.reservedConcurrency === 0) {
    yield certain('FunctionHasNoConcurrency', 'its reserved concurrency is 0');
  }
  if (typeof seen.function === 'object' && seen.function.broken !== undefined) {
    yield certain('FunctionBroken', seen.function.broken);
  }
  const { keyState, deniedBy, network, log } = seen;
  if (keyState !== undefined && keyState !== 'Enabled') {
    yield certain('KeyUnusable', `the state of ${secret.kmsKeyId} is ${keyState}`);
  }
  const codes = seenCodes(preflight, log);
  if (deniedBy !== undefined) {
    const refused = codes.has('AccessDenied');
    const evidence = `the statement ${deniedBy.statement} denies ${deniedBy.actions.join(', ')}`;
    yield {
      cause: 'RefusedByResourcePolicy',
      likelihood: refused || !deniedBy.conditional ? 'certain' : 'possible',
      evidence: deniedBy.conditional ? `${evidence}, under conditions` : evidence,
    };
  }
  if (network?.way === 'none' || network?.way === 'blocked-by') {
    const hangs = ['DeadlineExceeded', 'SecretsManagerUnreachable', 'TargetUnreachable'].some((code) =>
      codes.has(code),
    );
    yield {
      cause: networkCause(network),
      likelihood: hangs ? 'certain' : 'likely',
      evidence: network.detail,
    };
  }
}

function networkCause(network: { readonly way: string; readonly what?: string }): CauseName {
  if (network.way === 'none') return 'NoWayToSecretsManager';
  return network.what === 'endpoint' ? 'EndpointBlocked' : 'OutgoingBlocked';
}

function seenCodes(preflight: Preflight | undefined, log: Surroundings['log']): ReadonlySet<string> {
  const codes = new Set<string>(log?.failures.slice(0, 3).map(({ code }) => code));
  if (preflight?.outcome === 'failed') codes.add(codeOfFailure(preflight));
  if (log?.timedOut !== undefined) codes.add('DeadlineExceeded');
  return codes;
}

/** The row for an error of an invocation. Lambda's own errors, such as a time-out, are recognised by their names. */
function codeOfFailure({ code, message }: { readonly code: string; readonly message: string }): string {
  if (/timed? ?out/i.test(code) || /(?:^| )Task timed out/.test(message)) {
    return 'DeadlineExceeded';
  }
  if (/^(Runtime|Function|Extension)\./.test(code)) return 'FunctionBroken';
  return code === 'FunctionUnusable' ? 'FunctionMissing' : code;
}

function* fromPreflight(facts: Facts, preflight: Preflight): Generator<Candidate> {
  if (preflight.outcome === 'unknown') return;
  if (preflight.outcome === 'passed') {
    for (const { check, ok, detail } of preflight.findings) {
      if (!ok) yield certain('PreflightFailed', `${check}: ${detail}`);
    }
    return;
  }
  const { message } = preflight;
  const code = codeOfFailure(preflight);
  if (code !== 'PreflightFailed') {
    yield certain(isCauseName(code) ? code : 'PreflightFailed', `the function says: ${code}: ${message}`);
    return;
  }
  const evidence = `the function says: ${message}`;
  const named = failedChecks(message).map((check): CauseName => {
    switch (check) {
      case 'login':
        return currentIsRefused(message) ? refusedCurrent(facts) : 'PreflightFailed';
      case 'admin secret':
        return 'AdminSecretMissing';
      case 'admin login':
        return 'AdminRefused';
      case 'new credential':
        return 'PasswordImpossible';
      case 'account':
        return 'AccountNotServed';
      default:
        return 'PreflightFailed';
    }
  });
  if (named.length === 0) yield certain('PreflightFailed', evidence);
  for (const cause of named) yield certain(cause, evidence);
}

/** If the function has tried every version since, its error tells more than the preflight. */
function refusedCurrent({ secret, pendingValue, surroundings }: Facts): CauseName {
  if (surroundings?.log?.failures[0]?.code === 'NoCredentialAccepted') return 'NoCredentialAccepted';
  const isPending = unfinishedVersion(secret) !== undefined && pendingValue !== 'empty';
  return isPending ? 'PendingMayBeLive' : 'CurrentDoesNotWork';
}

/** Failures since the last rotation that succeeded; the newest counts most. */
function* fromLog({ secret, preflight }: Facts, log: NonNullable<Surroundings['log']>): Generator<Candidate> {
  const since = secret.lastRotated?.getTime() ?? 0;
  const disproved = preflight?.outcome === 'passed';
  const unfinished = unfinishedVersion(secret) !== undefined;
  if (log.notStarted !== undefined && !disproved)
    yield certain('FunctionBroken', `Lambda says: ${log.notStarted}`);
  for (const [index, failure] of log.failures.filter(({ at }) => at.getTime() > since).entries()) {
    const code = codeOfFailure(failure);
    if (!isCauseName(code)) continue;
    const newest = index === 0 && unfinished;
    yield {
      cause: code,
      likelihood: !newest ? 'possible' : disproved ? 'likely' : 'certain',
      evidence: `${failure.step} failed at ${failure.at.toISOString()}: ${failure.message}`,
    };
  }
  if (log.timedOut !== undefined && log.timedOut.getTime() > since && !disproved) {
    yield {
      cause: 'DeadlineExceeded',
      likelihood: unfinished ? 'likely' : 'possible',
      evidence: `Lambda ended the function at ${log.timedOut.toISOString()}, because its time was up`,
    };
  }
}

/** The causes that labels and dates alone show. */
function* fromLabels({ secret, pendingValue = 'unreadable' }: Facts, nowMs: number): Generator<Candidate> {
  const { rotationEnabled, nextRotation } = secret;
  const pending = unfinishedVersion(secret);
  if (pending !== undefined) {
    const evidence = `AWSPENDING is on version ${pending}, and AWSCURRENT is not`;
    if (rotationEnabled !== true) {
      if (pendingValue !== 'empty') {
        yield certain('UnfinishedAndOff', evidence);
        return;
      }
      yield certain('EmptyPendingLeft', evidence);
      yield certain('RotationOff', 'DescribeSecret says that rotation is off');
      return;
    }
    yield { cause: 'RotationUnfinished', likelihood: 'possible', evidence };
    if (pendingValue === 'empty') yield { cause: 'EmptyPendingLeft', likelihood: 'possible', evidence };
  } else if (nextRotation !== undefined && nextRotation.getTime() < nowMs) {
    yield {
      cause: 'RotationOverdue',
      likelihood: 'possible',
      evidence: `it was due by ${nextRotation.toISOString()}`,
    };
  }
}
