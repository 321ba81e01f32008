import { readFileSync } from 'node:fs';
import type { StepOutcome, StepReport } from '../../src/index.ts';
import type { LocalEvent, LocalSecretsManager } from '../../src/local/index.ts';

/** The cost of a rotation. */
export interface RotationRecord {
  /** Counted by the local Secrets Manager, by the function's key. */
  readonly secretsManagerCalls: number;
  /** Counted by the database, such as in PostgreSQL's log. */
  readonly logins: number;
  readonly refusedLogins: number;
  /** How long AWSCURRENT was refused, at most, in ms. */
  readonly gapMs: number;
  readonly durationMs: number;
  readonly steps: readonly StepRecord[];
}

export interface StepRecord {
  readonly step: string;
  readonly durationMs: number;
  readonly outcome: StepOutcome;
}

/** Counts of the function's logins. */
export type Logins = Pick<RotationRecord, 'logins' | 'refusedLogins'>;

/** Counts the calls and logins of each rotation, as the two servers saw them. */
export interface RotationCounter {
  stepEnded(report: StepReport): void;
  /** Resolves at the end of the next rotation; rejects if it has failed for good. */
  next(): Promise<RotationRecord>;
}

export interface CountedParts {
  readonly local: LocalSecretsManager;
  /** How many logins of the function the database has seen so far. */
  readonly loginsSeen: () => Logins;
  /** The access key that the function signs with. */
  readonly functionKey: string;
}

export function countRotations({ local, loginsSeen, functionKey }: CountedParts): RotationCounter {
  let calls = 0;
  let gapMs = 0;
  let steps: StepRecord[] = [];
  let before: Logins = { logins: 0, refusedLogins: 0 };
  let durationMs: number | undefined;
  let waiting: PromiseWithResolvers<RotationRecord> | undefined;

  const begin = (): void => {
    calls = 0;
    gapMs = 0;
    steps = [];
    durationMs = undefined;
    before = loginsSeen();
  };
  // The function's last report may come after Secrets Manager's event.
  const settle = (): void => {
    if (durationMs === undefined || steps.at(-1)?.step !== 'finishSecret') return;
    const seen = loginsSeen();
    const logins = seen.logins - before.logins;
    const refusedLogins = seen.refusedLogins - before.refusedLogins;
    waiting?.resolve({ secretsManagerCalls: calls, logins, refusedLogins, gapMs, durationMs, steps });
  };
  const hear = (event: LocalEvent): void => {
    if (event.type === 'call' && event.accessKeyId === functionKey) calls += 1;
    if (event.type === 'rotation-started' && event.attempt === 1) begin();
    if (event.type === 'rotation-succeeded') {
      durationMs = rounded(event.durationMs);
      settle();
    }
    if (event.type === 'rotation-failed' && !event.willRetry) waiting?.reject(new Error(event.error));
  };
  local.on(hear);

  return {
    stepEnded({ step, durationMs, outcome, gapMs: gap = 0 }) {
      steps.push({ step, durationMs: rounded(durationMs), outcome });
      gapMs = rounded(gapMs + gap);
      settle();
    },
    next() {
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
  };
}

/**
 * Counts the function's logins in PostgreSQL's log, by its application name. A refused login has no name, but nobody else
 * logs in during a rotation.
 */
export function loginsInLog(logFile: string): Logins {
  const log = readFileSync(logFile, 'utf8');
  return {
    // The demo's own logins have a name, and the function's have none.
    logins: log.match(/connection authorized: (?!.*application_name=)/g)?.length ?? 0,
    refusedLogins: log.match(/password authentication failed/g)?.length ?? 0,
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
