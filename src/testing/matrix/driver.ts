import type { LocalFunction, RotationRequest } from '../../local/index.ts';
import { type Checkpoint, Crash, type Fault, type RemoteCall } from './faults.ts';
import type { TestFunction } from './function.ts';
import type { Invariants } from './invariants.ts';
import { type abandoned, givenUp, type Recovery } from './recovery.ts';
import { startRival } from './rival.ts';
import { isRead } from './secrets-manager.ts';
import { type StoredSecret, staleAnswer } from './stored.ts';

/** Which remote call of a rotation (1 is its first) meets which fault, and what happens then. */
export interface Plan {
  readonly call: number;
  readonly fault: Fault;
  readonly recovery: Recovery | typeof abandoned;
}

/** A remote call as it was seen. `composite`: it made calls of its own, which are the finer points to strike at. */
export interface SeenCall {
  readonly call: RemoteCall;
  readonly step: string;
  composite: boolean;
}

/** Runs the function under test as Secrets Manager calls it, strikes at the planned call, and looks after each. */
export interface Driver {
  /** To be registered as the rotation function. */
  readonly handler: LocalFunction;
  readonly trace: string[];
  /** The calls since the last plan. */
  readonly seen: readonly SeenCall[];
  /** Whether the planned call was met. */
  readonly fired: boolean;
  /** The first invariant that did not hold. */
  readonly violation: string | undefined;
  plan(plan: Plan | undefined): void;
  /** Lets steps come again. */
  resume(): void;
  /** Remembers what Secrets Manager holds, before somebody changes it. */
  remember(): Promise<void>;
  /** Resolves when no second invocation runs. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface DriverParts {
  readonly invariants: Invariants;
  readonly read: () => Promise<StoredSecret>;
  readonly start: (checkpoint: Checkpoint) => Promise<TestFunction>;
}

export function createDriver({ invariants, read, start }: DriverParts): Driver {
  const trace: string[] = [];
  const rivals = new Set<Promise<void>>();
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
  /** Beside a second invocation, what was read a moment ago may be another state by the time it is tried. */
  const look = async (): Promise<void> => {
    let found = await invariants.always();
    for (let again = 0; found !== undefined && rivals.size > 0 && again < 5; again += 1) {
      found = await invariants.always();
    }
    violation ??= found;
    if (violation !== undefined) throw new Error(violation);
  };
  const strike = async (call: RemoteCall, { fault, recovery }: Plan) => {
    struck = call;
    trace.push(`    ${fault}`);
    if (recovery === 'second-invocation' && event !== undefined) {
      await startRival({ event, start, trace, rivals, remember, look });
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
      await look();
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
      await Promise.all(rivals);
    },
    close: async () => {
      await current?.end();
    },
  };
}

/** The calls of which a call is a part. Calls can also be under way beside each other. */
function surroundings(open: readonly SeenCall[], { within }: RemoteCall): SeenCall[] {
  const outer = open.find(({ call }) => call.id === within);
  return outer === undefined ? [] : [outer, ...surroundings(open, outer.call)];
}
