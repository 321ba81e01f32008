import type { ChangingRotator, Prepared, Rotator, RotatorContext, Session } from '../../rotator/contract.ts';
import { replaceMembers } from '../replace-members.ts';
import { brokenConnection, type Checkpoint, Crash } from './faults.ts';
import { type Lifetime, passCheckpoint } from './pass.ts';

/** The rotator to intercept, and the checkpoint for its calls. */
export interface TargetParts {
  readonly rotator: Rotator;
  readonly checkpoint: Checkpoint;
  /** The driver's error if the target is too busy. */
  readonly busy?: (() => Error) | undefined;
}

/** A rotator whose remote calls pass the checkpoint. */
export interface InterceptedTarget {
  readonly rotator: Rotator;
  /** Closes the connections of a dead process, as its operating system would. */
  drop(): Promise<void>;
}

/**
 * Wraps a rotator so that its remote calls pass the checkpoint: its logins, each method of its sessions, and its members
 * that reach the target.
 */
export function interceptTarget(parts: TargetParts, lifetime: Lifetime): InterceptedTarget {
  const { rotator } = parts;
  const sessions = new Set<Session>();
  const pass = <T>(name: string, perform: () => Promise<T>, refuse: () => Promise<T> = refused): Promise<T> =>
    passCheckpoint(
      parts.checkpoint,
      lifetime,
      { to: 'target', name },
      {
        perform,
        refuse,
        throttle: async () => {
          throw parts.busy?.() ?? brokenConnection();
        },
        lose: async () => {
          await perform();
          throw brokenConnection();
        },
      },
    );

  const interceptSession = (session: Session): Session => {
    sessions.add(session);
    const close = async (): Promise<void> => {
      if (sessions.delete(session)) await session.close();
    };
    return replaceMembers(session, (name, member) => {
      if (name === 'close') return close;
      return (...args: unknown[]) => pass(name, async () => Reflect.apply(member, session, args));
    });
  };
  const logIn = (connect: () => Promise<Session | undefined>): Promise<Session | undefined> =>
    pass(
      'open',
      async () => {
        const session = await connect();
        if (!lifetime.dead) return session && interceptSession(session);
        await session?.close();
        throw new Crash();
      },
      async () => undefined,
    );
  const open: Rotator['open'] = (...args) => logIn(() => rotator.open(...args));
  const standing = new Set<Prepared<Session>>();
  /** The login on a prepared connection is a remote call too. */
  const prepare = async (...args: Parameters<NonNullable<ChangingRotator['prepare']>>) => {
    if (rotator.kind !== 'changes' || rotator.prepare === undefined)
      throw new TypeError('Nothing is prepared.');
    const prepared = await rotator.prepare(...args);
    standing.add(prepared);
    return {
      open: (context: RotatorContext) => logIn(() => prepared.open(context)),
      close: () => {
        standing.delete(prepared);
        prepared.close();
      },
    };
  };

  const reachesTarget = new Set([
    'change',
    'endReplaced',
    'verify',
    'explainRefusal',
    'revoke',
    'revokeOrphans',
    'issue',
  ]);
  return {
    rotator: replaceMembers(rotator, (name, member) => {
      if (name === 'open') return open;
      if (name === 'prepare') return prepare;
      return (...args: unknown[]) => {
        const call = () => Reflect.apply(member, rotator, args);
        return reachesTarget.has(name) ? pass(name, async () => call()) : call();
      };
    }),
    drop: async () => {
      for (const prepared of standing) prepared.close();
      const left = [...sessions];
      sessions.clear();
      await Promise.all(left.map((session) => session.close()));
    },
  };
}

async function refused(): Promise<never> {
  throw new Error('The target refuses this just now.');
}
