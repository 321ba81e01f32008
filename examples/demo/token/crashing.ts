import type { Rotator } from '../../../src/index.ts';
import type { LocalFunction, LocalSecretsManager } from '../../../src/local/index.ts';
import { Crash, type RemoteCall } from '../../../src/testing/matrix/faults.ts';
import { createTestFunction, type TestFunction } from '../../../src/testing/matrix/function.ts';

/** Where the function crashes: before or after a remote call of the rotation. Call 1 is the first. */
export interface CrashPoint {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** A rotation function that can crash in the middle, as a process does. The next attempt runs in a new function. */
export interface CrashingFunction {
  readonly handler: LocalFunction;
  /** Remote calls since `begin`. */
  readonly calls: number;
  /** Where it crashed since `begin`, such as `after target POST /users/robot/tokens`. */
  readonly crashedAt: string | undefined;
  /** Prepares for another rotation, with or without a crash. */
  begin(crash: CrashPoint | undefined): void;
  end(): Promise<void>;
}

export function crashingFunction(rotator: Rotator, { clientConfig }: LocalSecretsManager): CrashingFunction {
  let current: TestFunction | undefined;
  let crash: CrashPoint | undefined;
  let calls = 0;
  let crashedAt: string | undefined;
  let last: RemoteCall | undefined;

  const die = async (when: CrashPoint['when'], call: RemoteCall): Promise<never> => {
    crashedAt = `${when} ${call.to} ${call.name}`;
    crash = undefined;
    const dying = current;
    current = undefined;
    await dying?.kill();
    throw new Crash();
  };
  const start = (): TestFunction =>
    createTestFunction({
      rotator,
      clientConfig,
      checkpoint: {
        before: async (call) => {
          calls += 1;
          if (calls !== crash?.call) return undefined;
          if (crash.when === 'before') await die('before', call);
          last = call;
          return undefined;
        },
        after: async (call) => {
          if (crash !== undefined && call === last) await die('after', call);
        },
      },
    });

  return {
    handler: async (request) => {
      current ??= start();
      await current.invoke(request);
    },
    get calls() {
      return calls;
    },
    get crashedAt() {
      return crashedAt;
    },
    begin: (next) => {
      crash = next;
      calls = 0;
      crashedAt = undefined;
    },
    end: async () => {
      await current?.end();
    },
  };
}
