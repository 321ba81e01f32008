import { randomUUID } from 'node:crypto';
import { contradictoryField } from '../../src/index.ts';
import { hostilePasswords } from '../../src/testing/index.ts';
import { dial, type MemoryRotator, passwordRotator } from './memory-rotators.ts';

/** A rotator with one fault, and the titles of the tests that must find it. */
export interface Mutant {
  readonly fault: string;
  readonly rotator: MemoryRotator;
  readonly failing: readonly string[];
  /** Tests of the kit that fail if two invocations happen to meet. */
  readonly mayFail?: readonly string[];
}

const takes = (password: string): string => `takes the password ${JSON.stringify(password)}`;

const never = new AbortController().signal;
const deaf = <Context extends { readonly signal: AbortSignal }>(context: Context): Context => ({
  ...context,
  signal: never,
});

/** Faults that rotators are known to have. */
export const mutants: readonly Mutant[] = [
  {
    fault: 'keeps the replaced credential for ever',
    rotator: {
      ...passwordRotator,
      overlap: 'until-next-rotation',
      change: async (session, { password }, { using }) => {
        await session.ask({ op: 'set', password, old: using.password, keep: true });
      },
      endReplaced: async () => undefined,
    },
    failing: ['ends what a change has replaced, before the next change does, and twice as once'],
  },
  {
    fault: 'takes a target that can not be reached for one that refuses',
    rotator: {
      ...passwordRotator,
      open: async (login, context) => {
        try {
          return await passwordRotator.open(login, context);
        } catch (error) {
          if (error instanceof Error && Reflect.get(error, 'code') === 'ECONNREFUSED') return undefined;
          throw error;
        }
      },
    },
    failing: ['throws where nobody listens'],
  },
  {
    fault: 'lets in whoever connects',
    rotator: { ...passwordRotator, open: (login, { signal }) => dial(login, signal) },
    failing: [
      'answers undefined to a credential that the target refuses',
      'changes by way of an older version when AWSCURRENT is refused',
      'changes once for two invocations at a time',
      'changes twice as it changes once',
      'ends the old credential, or not, as overlap says',
      'has the target accept the pending credential',
      'leaves nothing after a refusal',
      'ends well when each event is delivered again',
      'ends well when each event is delivered twice at once',
      'rotates three times, with no login refused',
      'shows no secret value when a rotation succeeds',
      'shows no secret value when the target refuses AWSCURRENT',
      ...hostilePasswords.map(takes),
    ],
  },
  {
    fault: 'does not honour the signal',
    rotator: { ...passwordRotator, open: (login, context) => passwordRotator.open(login, deaf(context)) },
    failing: [
      'gives up a change that gets no answer when the signal fires',
      'gives up a server that never answers when the signal fires',
      'leaves nothing after a login that was given up',
      'opens nothing once the signal has fired',
    ],
  },
  {
    fault: 'leaves its connection open',
    rotator: {
      ...passwordRotator,
      open: async (login, context) => {
        const session = await passwordRotator.open(login, context);
        return session && { ...session, close: async () => undefined };
      },
    },
    failing: ['leaves nothing after a session'],
  },
  {
    fault: 'leaves a timer behind a refusal',
    rotator: {
      ...passwordRotator,
      open: async (login, context) => {
        const session = await passwordRotator.open(login, context);
        if (session === undefined) setTimeout(() => undefined, 60_000);
        return session;
      },
    },
    failing: ['leaves nothing after a refusal'],
  },
  {
    fault: 'changes the fields that it parses',
    rotator: {
      ...passwordRotator,
      parse: (fields) => {
        if (fields.dbname !== undefined) Reflect.set(fields, 'dbname', `${fields.dbname}!`);
        return passwordRotator.parse(fields);
      },
    },
    failing: ['reads the same from the same, and leaves it as it is'],
  },
  {
    fault: 'quotes a wrong value',
    rotator: {
      ...passwordRotator,
      parse: (fields) => {
        const { password } = fields;
        if (Array.isArray(password)) throw contradictoryField('password', `can not be ${password.join()}`);
        return passwordRotator.parse(fields);
      },
    },
    failing: ['names the field that is wrong, and never its value'],
  },
  {
    fault: 'generates for another target',
    rotator: {
      ...passwordRotator,
      generate: async (_current, { password }) => ({ password: password(), dbname: randomUUID() }),
    },
    failing: [
      'generates for the same target',
      'looks at a secret and changes nothing when RotateImmediately is false',
      'ends well when each event is delivered again',
      'ends well when each event is delivered twice at once',
      'rotates three times, with no login refused',
      'shows no secret value when a rotation succeeds',
      'shows no secret value when the target refuses AWSCURRENT',
    ],
  },
  {
    fault: 'notes a password that it has made itself',
    rotator: {
      ...passwordRotator,
      generate: async (_current, { note }) => {
        const password = `Made-${randomUUID()}`;
        note(`The new credential is ${Buffer.from(`user:${password}`).toString('base64')}.`);
        return { password };
      },
    },
    failing: [
      'shows no secret value when a rotation succeeds',
      'shows no secret value when the connection breaks during a change',
      'shows no secret value when the target can not be reached',
      'shows no secret value when the target refuses AWSCURRENT',
    ],
  },
  {
    fault: 'can not change twice',
    rotator: {
      ...passwordRotator,
      change: async (session, pending, context) => {
        if (context.using.password === pending.password) throw new Error('It is set already.');
        await passwordRotator.change(session, pending, context);
      },
    },
    failing: ['changes twice as it changes once'],
  },
  {
    fault: 'proves its change with AWSCURRENT, whatever it was let in with',
    rotator: {
      ...passwordRotator,
      change: (session, pending, context) =>
        passwordRotator.change(session, pending, { ...context, using: context.current }),
    },
    failing: [
      'changes by way of an older version when AWSCURRENT is refused',
      'changes twice as it changes once',
    ],
  },
  {
    fault: 'pastes a password where it should quote it',
    rotator: {
      ...passwordRotator,
      change: async (session, { password }, { using }) => {
        const { ok } = await session.askLine(
          `{"op":"set","password":"${password}","old":"${using.password}","keep":false}`,
        );
        if (!ok) throw new Error('The target refuses the old password.');
      },
    },
    failing: hostilePasswords.slice(0, 1).map(takes),
  },
  {
    fault: 'sets a password of its own first',
    rotator: {
      ...passwordRotator,
      change: async (session, pending, context) => {
        const between = { ...pending, password: randomUUID() };
        await passwordRotator.change(session, between, context);
        await passwordRotator.change(session, pending, { ...context, using: between });
      },
    },
    failing: ['leaves a credential that works when a change is given up at its message 1'],
    // Only if one invocation logs in between the two passwords of the other.
    mayFail: ['ends well when each event is delivered twice at once'],
  },
  {
    fault: 'promises an overlap that there is not',
    rotator: { ...passwordRotator, overlap: 'until-next-rotation' },
    failing: [
      'ends the old credential, or not, as overlap says',
      'ends well when each event is delivered again',
      'ends well when each event is delivered twice at once',
      'rotates three times, with no login refused',
    ],
  },
  {
    fault: 'promises no overlap where there is one',
    rotator: {
      ...passwordRotator,
      change: async (session, { password }, { using }) => {
        await session.ask({ op: 'set', password, old: using.password, keep: true });
      },
    },
    failing: [
      'ends the old credential, or not, as overlap says',
      'ends well when each event is delivered again',
      'ends well when each event is delivered twice at once',
      'rotates three times, with no login refused',
    ],
  },
  {
    fault: 'changes the password while it only looks',
    rotator: {
      ...passwordRotator,
      preflight: async (session, credential, _admin, context) => {
        const using = { ...context, using: credential, current: credential };
        await passwordRotator.change(session, { ...credential, password: randomUUID() }, using);
        return [];
      },
    },
    failing: ['looks at a secret and changes nothing when RotateImmediately is false'],
  },
];
