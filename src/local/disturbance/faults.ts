import type { OperationName } from '../protocol/input.ts';
import { operationNamed } from './throttle.ts';

/**
 * Faults of the connection: it is cut before anything is done; when all is done and nothing answered; or the request
 * is never answered.
 */
export const CONNECTION_FAULTS = ['reset', 'lost-answer', 'no-answer'] as const;
export type ConnectionFault = (typeof CONNECTION_FAULTS)[number];

/** What is to go wrong. */
export interface FaultRule {
  /** Of which operation; of every one if absent. */
  readonly operation?: OperationName | undefined;
  /** A fault of the connection, or the name of an error to answer with, such as `InternalServiceError`. */
  readonly fault: ConnectionFault | (string & {});
  /** In which share of its calls, from 0 to 1; in each if absent. */
  readonly share?: number | undefined;
  /** How often at most; without end if absent. */
  readonly times?: number | undefined;
}

/** The rules that hold. */
export interface Faults {
  /** The fault of a call, by the first rule that it meets; undefined for none. */
  next(operation: OperationName): FaultRule['fault'] | undefined;
  /**
   * Adds a rule; the function that it returns takes it away.
   * @throws Error for a rule that can't be
   */
  add(rule: FaultRule): () => void;
}

/** @param random numbers from 0 to 1 */
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
    throw new Error(`A fault is ${CONNECTION_FAULTS.join(', ')} or the name of an error, not ${fault}.`);
  }
  if (!(share > 0 && share <= 1))
    throw new Error(`The share of a fault is above 0 and at most 1, not ${share}.`);
  if (!(Number.isInteger(times) && times >= 1))
    throw new Error(`A fault happens once at least, not ${times} times.`);
}

/** Whether this is no error to answer with. */
export function isConnectionFault(fault: string): fault is ConnectionFault {
  return CONNECTION_FAULTS.some((one) => one === fault);
}

/**
 * Random numbers from 0 to 1 that are the same for the same seed.
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
