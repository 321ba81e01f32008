import { AsyncLocalStorage } from 'node:async_hooks';
import { type Checkpoint, Crash, type InjectedFault, type RemoteCall, type StaleAnswer } from './faults.ts';

/** The time of an invocation. */
export interface Lifetime {
  /** Fires when the invocation's time is up. */
  readonly signal: AbortSignal;
  /** Whether the process counts as dead. */
  readonly dead: boolean;
  /** Ends the invocation's time. @returns the error of the time-out */
  expire(): Error;
}

/** How a call runs without a fault, and with each fault. */
export interface Ways<T> {
  perform(): Promise<T>;
  /** Carries the call out, and breaks the connection before the answer arrives. */
  lose(): Promise<T>;
  throttle(): Promise<T>;
  refuse(): Promise<T>;
  stale?(answer: StaleAnswer | undefined): Promise<T>;
}

const surrounding = new AsyncLocalStorage<number>();
let calls = 0;

/** Makes one call through the checkpoint, with the fault that the checkpoint decides on. */
export async function passCheckpoint<T>(
  checkpoint: Checkpoint,
  lifetime: Lifetime,
  described: Omit<RemoteCall, 'id' | 'within'>,
  ways: Ways<T>,
): Promise<T> {
  if (lifetime.dead) throw new Crash();
  calls += 1;
  const call: RemoteCall = { ...described, id: calls, within: surrounding.getStore() };
  const verdict = await checkpoint.before(call);
  if (lifetime.dead) throw new Crash();
  const made = await settle(() => surrounding.run(call.id, () => callWith(verdict, ways)));
  await checkpoint.after(call);
  if (verdict?.fault === 'time-out') throw lifetime.expire();
  return made();
}

function callWith<T>(verdict: InjectedFault | undefined, ways: Ways<T>): Promise<T> {
  switch (verdict?.fault) {
    case 'lost-answer':
      return ways.lose();
    case 'throttled':
      return ways.throttle();
    case 'refused':
      return ways.refuse();
    case 'stale-read':
      return (ways.stale ?? ways.perform)(verdict.stale);
    default:
      return ways.perform();
  }
}

/** Keeps a call's outcome until it has passed the checkpoint. */
async function settle<T>(call: () => Promise<T>): Promise<() => T> {
  try {
    const result = await call();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
