import type { LocalFunction, RotationRequest } from '../../local/index.ts';
import { startConcurrentInvocation } from './concurrent-invocation.ts';
import { type Checkpoint, Crash, type Fault, type RemoteCall } from './faults.ts';
import type { TestFunction } from './function.ts';
import type { Invariants } from './invariants.ts';
import { type abandoned, givenUp, type Recovery } from './recovery.ts';
import { isRead } from './secrets-manager.ts';
import { type StoredSecret, staleAnswer } from './stored.ts';

/** Which remote call of a rotation meets which fault, and what happens afterwards. Call 1 is the first. */
export interface Plan {
  /** The number of the call, from 1. */
  readonly call: number;
  /** What the call meets. */
  readonly fault: Fault;
  /** What happens afterwards. */
  readonly recovery: Recovery | typeof abandoned;
}

/** A remote call that was made. */
export interface SeenCall {
  readonly call: RemoteCall;
  readonly step: string;
  /** Whether it made calls of its own. Then those meet the faults instead. */
  composite: boolean;
}

/** Runs the function under test, injects a fault at the planned call, and checks the invariants after each call. */
export interface Driver {
  /** The rotation function to register. */
  readonly handler: LocalFunction;
  readonly trace: string[];
  /** The calls since the last plan. */
  readonly seen: readonly SeenCall[];
  /** Whether the planned call was made. */
  readonly fired: boolean;
  /** The first invariant that was broken. */
  readonly violation: string | undefined;
  plan(plan: Plan | undefined): void;
  /** Lets Secrets Manager call steps again. */
  resume(): void;
  /** Remembers the state of the secret before a change, for stale reads. */
  remember(): Promise<void>;
  /** Resolves once no second invocation runs. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** What a driver works with. */
export interface DriverParts {
  readonly invariants: Invariants;
  readonly read: () => Promise<StoredSecret>;
  readonly start: (checkpoint: Checkpoint) => Promise<TestFunction>;
}

/** Makes a driver without a plan. */
export function createDriver({ invariants, read, start }: DriverParts): Driver {
  const trace: string[] = [];
  const invocations = new Set<Promise<void>>();
  let seen: SeenCall[] = [];
  let open: SeenCall[] = [];
  let plan: Plan | undefined;
  let struck: RemoteCall | undefined;
  let blocked = false;
  let violation: string | undefined;
  let previous: StoredSecret | undefined;
  let current: TestFunction | undefined;
  let event: RotationRequest | undefined;

  const remember = async (): Promise<void> => {
    previous = await read();
  };
  const kill = async (): Promise<void> => {
    const dying = current;
    current = undefined;
    await dying?.kill();
  };
  /** Repeats a failed check during a second invocation, which may change the state between a read and a login. */
  const checkInvariants = async (): Promise<void> => {
    let found = await invariants.always();
    for (let again = 0; found !== undefined && invocations.size > 0 && again < 5; again += 1) {
      found = await invariants.always();
    }
    violation ??= found;
    if (violation !== undefined) throw new Error(violation);
  };
  const strike = async (call: RemoteCall, { fault, recovery }: Plan) => {
    struck = call;
    trace.push(`    ${fault}`);
    if (recovery === 'second-invocation' && event !== undefined) {
      await startConcurrentInvocation({ event, start, trace, invocations, remember, checkInvariants });
    }
    if (fault === 'crash-before') {
      await kill();
      throw new Crash();
    }
    return { fault, stale: previous && staleAnswer(previous, call) };
  };

  const checkpoint: Checkpoint = {
    before: async (call) => {
      for (const outer of surroundings(open, call)) outer.composite = true;
      const entry = { call, step: event?.Step ?? '', composite: false };
      open.push(entry);
      seen.push(entry);
      trace.push(`  ${seen.length} ${call.to} ${call.name}`);
      const strikes = plan !== undefined && struck === undefined && seen.length === plan.call;
      const verdict = strikes && plan ? await strike(call, plan) : undefined;
      if (call.to === 'Secrets Manager' && !isRead(call.name)) await remember();
      return verdict;
    },
    after: async ({ id }) => {
      const ended = open.find(({ call }) => call.id === id);
      open = open.filter((entry) => entry !== ended);
      await checkInvariants();
      if (ended === undefined || ended.call !== struck || plan?.fault !== 'crash-after') return;
      await kill();
      throw new Crash();
    },
  };

  const handler: LocalFunction = async (request) => {
    if (blocked) throw new Error('This step never comes.');
    trace.push(request.Step);
    event = request;
    open = [];
    const struckBefore = struck;
    try {
      current ??= await start(checkpoint);
      await current.invoke(request);
    } catch (error) {
      trace.push(`  failed: ${error instanceof Error ? error.message : error}`);
      throw error;
    } finally {
      const strikes = struck !== struckBefore;
      blocked = strikes && plan !== undefined && givenUp.has(plan.recovery);
      if (strikes && plan?.recovery === 'process-killed') await kill();
    }
  };

  return {
    handler,
    trace,
    get seen() {
      return seen;
    },
    get fired() {
      return struck !== undefined;
    },
    get violation() {
      return violation;
    },
    plan: (next) => {
      plan = next;
      struck = undefined;
      seen = [];
    },
    resume: () => {
      blocked = false;
      plan = undefined;
    },
    remember,
    settled: async () => {
      await Promise.all(invocations);
    },
    close: async () => {
      await current?.end();
    },
  };
}

/** The calls that contain a call. Other open calls may only run in parallel. */
function surroundings(open: readonly SeenCall[], { within }: RemoteCall): SeenCall[] {
  const outer = open.find(({ call }) => call.id === within);
  return outer === undefined ? [] : [outer, ...surroundings(open, outer.call)];
}
