import { reportFault } from '../errors.ts';
import type { EventBridgeEvent, EventHub, RotationCause } from '../events.ts';
import type { State } from '../state.ts';
import { type AttemptOutcome, attemptRotation, type RunningRotation } from './attempt.ts';
import { endRotation } from './begin.ts';
import type { FunctionRegistry } from './functions.ts';
import type { RotationTokens } from './rotation-token.ts';

/** How long `close` waits for a running step. */
const closeGraceMs = 2_000;

/** What the engine needs. */
export interface RotationEngineParts {
  readonly state: State;
  readonly functions: FunctionRegistry;
  readonly tokens: RotationTokens;
  readonly events: EventHub;
  readonly eventBridge: EventHub<EventBridgeEvent>;
  /** Milliseconds of real time before each further attempt of a failed rotation. As many attempts follow. */
  readonly retryDelaysMs: readonly number[];
}

/**
 * Runs the rotations that are under way in the state, one at a time for each secret. The state is stored, so they continue
 * after a restart.
 */
export interface RotationEngine {
  /** Runs this secret's rotation. If it already waits for a retry, the retry begins at once. */
  start(secretArn: string, cause: RotationCause): void;
  /**
   * Continues the rotations of the last process. It waits a moment first, because functions are registered right after the
   * server's start.
   */
  resume(): Promise<void>;
  /** Resolves once no rotation runs or waits for a retry. Without an ARN: no rotation of any secret. */
  settled(secretArn?: string): Promise<void>;
  /** Starts no further step. Rotations stay under way in the state. */
  close(): Promise<void>;
}

interface ActiveRotation {
  /** Ends the wait for the next attempt. */
  wake: () => void;
  ended: Promise<void>;
}

export function createRotationEngine(parts: RotationEngineParts): RotationEngine {
  const active = new Map<string, ActiveRotation>();
  let closing = false;

  const runAll = async (secretArn: string, cause: RotationCause, self: ActiveRotation): Promise<void> => {
    try {
      // A rotation may be cancelled while it runs, and another one may begin.
      let next = underWay(parts.state, secretArn);
      while (next) {
        await runToItsEnd(parts, { secretArn, cause, ...next, mayGoOn: () => !closing }, self);
        next = closing ? undefined : underWay(parts.state, secretArn);
      }
    } catch (error) {
      reportFault(error);
    } finally {
      active.delete(secretArn);
    }
  };

  const start = (secretArn: string, cause: RotationCause): void => {
    const running = active.get(secretArn);
    running?.wake();
    if (running || closing) return;
    const self: ActiveRotation = { wake: () => {}, ended: Promise.resolve() };
    active.set(secretArn, self);
    self.ended = runAll(secretArn, cause, self);
  };

  const settled = async (secretArn?: string): Promise<void> => {
    const waitedFor = () =>
      [...active].flatMap(([arn, { ended }]) => ((secretArn ?? arn) === arn ? [ended] : []));
    while (waitedFor().length > 0) await Promise.all(waitedFor());
  };

  return {
    start,
    settled,
    async resume() {
      const secrets = parts.state.read((store) => store.secretsInRotation());
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (const secret of secrets) start(secret.arn, 'restart');
    },
    async close() {
      closing = true;
      for (const { wake } of active.values()) wake();
      const grace = sleep(closeGraceMs);
      await Promise.race([settled(), grace.ended]);
      grace.wake();
    },
  };
}

function underWay(state: State, secretArn: string) {
  return state.read((store) => {
    const rotation = store.secretByArn(secretArn)?.rotation;
    return rotation?.running && { lambdaArn: rotation.lambdaArn, ...rotation.running };
  });
}

/** Attempts a rotation until it succeeds, no attempt is left, or it is no longer under way. */
async function runToItsEnd(
  parts: RotationEngineParts,
  rotation: RunningRotation,
  self: ActiveRotation,
): Promise<void> {
  for (let attempt = 1; rotation.mayGoOn(); attempt++) {
    const retryAfterMs = parts.retryDelaysMs[attempt - 1];
    const outcome = await attemptRotation(parts, rotation, {
      attempt,
      willRetry: retryAfterMs !== undefined,
    });
    // The store may be closed by now. The rotation resumes when it is opened again.
    if (outcome === 'interrupted' || !rotation.mayGoOn()) return;
    if (outcome === 'succeeded' || retryAfterMs === undefined)
      return recordEnd(parts.state, rotation, outcome);
    const wait = sleep(retryAfterMs);
    self.wake = wait.wake;
    await wait.ended;
  }
}

async function recordEnd(
  state: State,
  { secretArn, token }: RunningRotation,
  outcome: AttemptOutcome,
): Promise<void> {
  await state.transact((unit) => {
    const secret = unit.store.secretByArn(secretArn);
    if (secret?.rotation?.running?.token !== token) return;
    unit.save(endRotation(unit, secret, outcome === 'succeeded'), secret);
  });
}

function sleep(ms: number): ActiveRotation {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => {
    clearTimeout(timer);
    resolve();
  };
  return { wake, ended: promise };
}
