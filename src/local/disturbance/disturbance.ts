import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Partition } from '../arn.ts';
import { ServiceError } from '../errors.ts';
import { ConnectionCut } from '../protocol/http.ts';
import type { OperationName } from '../protocol/input.ts';
import { createFaults, type FaultRule, isConnectionFault, seededRandom } from './faults.ts';
import { createThrottle, type Throttling } from './throttle.ts';

/** Throttling, latency and faults, for tests of applications. */
export interface DisturbanceSettings {
  /** Calls per second before ThrottlingException. Default: no limit. */
  readonly throttle?: Throttling | undefined;
  /** The delay of each call in milliseconds of real time: a number, or the least and the most. Default: 0. */
  readonly latencyMs?: number | readonly [least: number, most: number] | undefined;
  /** Faults from the start. `injectFault` adds others. */
  readonly faults?: readonly FaultRule[] | undefined;
  /** The seed of random delays and shares, to repeat a run. Default: a random one. */
  readonly seed?: number | undefined;
}

/** A call that is about to be answered. */
interface Call {
  readonly operation: OperationName;
  /** The account and region whose quota counts. */
  readonly partition: Partition;
  readonly message: IncomingMessage;
}

/** Disturbs calls of Secrets Manager's operations. */
export interface Disturbance {
  /**
   * Answers a call by `answer`, unless a quota or a fault applies.
   * @throws ServiceError ThrottlingException, or the error of a fault
   * @throws ConnectionCut for a fault of the connection
   */
  run<Answer>(call: Call, answer: () => Promise<Answer>): Promise<Answer>;
  /** See `injectFault`. */
  inject(rule: FaultRule): () => void;
}

/**
 * Makes the disturbance.
 *
 * @param nowMs the time of the local Secrets Manager's clock, for quotas
 * @throws Error for invalid settings
 */
export function createDisturbance(settings: DisturbanceSettings, nowMs: () => number): Disturbance {
  const { throttle, faults: rules = [], seed = Math.floor(Math.random() * 2 ** 32) } = settings;
  const random = seededRandom(seed);
  const faults = createFaults(rules, random);
  const count = throttle && createThrottle(throttle, nowMs);
  const delay = delayOf(settings.latencyMs, random);
  return {
    inject: faults.add,
    async run({ operation, partition, message }, answer) {
      if (delay) await sleep(delay());
      count?.(operation, `${partition.accountId} ${partition.region}`);
      const fault = faults.next(operation);
      if (fault === undefined) return answer();
      if (!isConnectionFault(fault)) throw injected(fault);
      if (fault === 'lost-answer') await answer();
      if (fault === 'no-answer') await closed(message);
      throw new ConnectionCut(fault);
    },
  };
}

/**
 * Makes the function that draws a call's delay in ms. Undefined for no delay.
 * @throws Error for an invalid latency
 */
export function delayOf(
  latencyMs: DisturbanceSettings['latencyMs'] = 0,
  random: () => number,
): (() => number) | undefined {
  const [least, most] = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs;
  if (!(least >= 0 && most >= least && most <= 3_600_000)) {
    throw new Error(`latencyMs must be milliseconds, or the least and the most of them, not ${latencyMs}.`);
  }
  return most === 0 ? undefined : () => least + random() * (most - least);
}

const statusByFault: Readonly<Record<string, number>> = {
  InternalFailure: 500,
  InternalServiceError: 500,
  ServiceUnavailable: 503,
  ServiceUnavailableException: 503,
};

function injected(name: string): ServiceError {
  const message = name === 'ThrottlingException' ? 'Rate exceeded' : 'This fault was asked for.';
  return new ServiceError(name, message, statusByFault[name]);
}

function closed({ socket }: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}
