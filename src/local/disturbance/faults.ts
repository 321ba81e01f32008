import type { OperationName } from '../protocol/input.ts';
import { operationNamed } from './throttle.ts';

/**
 * Faults of the connection. `reset`: it is cut, and the call is not carried out. `lost-answer`: the call is carried out, and
 * the connection is cut before the answer. `no-answer`: the call is not carried out and never answered.
 */
const connectionFaults = ['reset', 'lost-answer', 'no-answer'] as const;
/** One of {@link connectionFaults}. */
export type ConnectionFault = (typeof connectionFaults)[number];

/** A fault to inject. */
export interface FaultRule {
  /** The operation that fails. Default: all. */
  readonly operation?: OperationName | undefined;
  /** A fault of the connection, or the name of an error to answer, such as `InternalServiceError`. */
  readonly fault: ConnectionFault | (string & {});
  /** The share of calls that fail: above 0, at most 1. Default: 1. */
  readonly share?: number | undefined;
  /** After how many failed calls it ends. Default: never. */
  readonly times?: number | undefined;
}

/** The faults that apply now. */
export interface Faults {
  /** The fault of a call, by the first rule that applies. Undefined if none does. */
  next(operation: OperationName): FaultRule['fault'] | undefined;
  /**
   * Adds a rule.
   * @returns a function that removes it
   * @throws Error for an invalid rule
   */
  add(rule: FaultRule): () => void;
}

/** Makes the set of faults. @param random makes numbers from 0 to 1 */
export function createFaults(rules: readonly FaultRule[], random: () => number): Faults {
  const active = new Set<{ rule: FaultRule; left: number }>();
  const add = (rule: FaultRule): (() => void) => {
    checkRule(rule);
    const entry = { rule, left: rule.times ?? Infinity };
    active.add(entry);
    return () => void active.delete(entry);
  };
  for (const rule of rules) add(rule);
  return {
    add,
    next(operation) {
      for (const entry of active) {
        const { operation: only, fault, share = 1 } = entry.rule;
        if ((only ?? operation) !== operation || entry.left < 1 || random() >= share) continue;
        entry.left -= 1;
        return fault;
      }
      return undefined;
    },
  };
}

function checkRule({ operation, fault, share = 1, times = 1 }: FaultRule): void {
  if (operation !== undefined) operationNamed(operation);
  if (!isConnectionFault(fault) && !/^[A-Z][A-Za-z]+$/.test(fault)) {
    throw new Error(`A fault is ${connectionFaults.join(', ')} or the name of an error, not ${fault}.`);
  }
  if (!(share > 0 && share <= 1))
    throw new Error(`The share of a fault is above 0 and at most 1, not ${share}.`);
  if (!(Number.isInteger(times) && times >= 1))
    throw new Error(`A fault happens once at least, not ${times} times.`);
}

/** Whether a fault is one of the connection, and not an error to answer. */
export function isConnectionFault(fault: string): fault is ConnectionFault {
  return connectionFaults.some((one) => one === fault);
}

/**
 * Makes random numbers from 0 to 1. The same seed makes the same numbers.
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c mulberry32
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
