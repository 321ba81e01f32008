import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import {
  type ChangingRotator,
  type IssuingRotator,
  optionalPort,
  optionalText,
  requireText,
  type SecretFields,
  type Session,
} from '../../src/index.ts';
import type { RotatorHarness } from '../../src/testing/index.ts';
import type { Answer, MemoryTarget, Question } from './memory-target.ts';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly username: string;
  readonly password: string;
}

/** A connection that was let in. */
export interface MemorySession extends Session {
  ask(question: Question): Promise<Answer>;
  /** Sends a line as it is. */
  askLine(line: string): Promise<Answer>;
}

export type MemoryPasswordRotator = ChangingRotator<Login, MemorySession>;
export type MemoryTokenRotator = IssuingRotator<Login, MemorySession>;
export type MemoryRotator = MemoryPasswordRotator | MemoryTokenRotator;

/** Connects without logging in. */
export async function dial({ host, port }: Login, signal: AbortSignal): Promise<MemorySession> {
  signal.throwIfAborted();
  const socket = connect({ host, port });
  const hangUp = (): void => void socket.destroy(new Error('Aborted.'));
  socket.on('error', () => undefined);
  socket.on('close', () => signal.removeEventListener('abort', hangUp));
  signal.addEventListener('abort', hangUp, { once: true });
  await once(socket, 'connect');
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  const askLine = async (line: string): Promise<Answer> => {
    socket.write(`${line}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error('The target has hung up.');
    return JSON.parse(value);
  };
  return {
    askLine,
    ask: (question) => askLine(JSON.stringify(question)),
    close: async () => {
      socket.destroy();
    },
  };
}

async function logIn(login: Login, signal: AbortSignal): Promise<MemorySession | undefined> {
  const { username, password } = login;
  const session = await dial(login, signal);
  try {
    if ((await session.ask({ op: 'login', username, password })).ok) return session;
  } catch (error) {
    await session.close();
    throw error;
  }
  await session.close();
  return undefined;
}

/** Sets an account's password, which ends the one before. A sound rotator: the mutants are made of it. */
export const passwordRotator: MemoryPasswordRotator = {
  kind: 'changes',
  name: 'memory-password',
  overlap: 'none',
  changedBy: 'account',
  parse: (fields: SecretFields) => ({
    host: requireText(fields, 'host'),
    port: optionalPort(fields, 'port', 1),
    database: optionalText(fields, 'dbname'),
    username: requireText(fields, 'username'),
    password: requireText(fields, 'password'),
  }),
  target: ({ host, port, database, username }) => ({ host, port, account: `${username}@${database}` }),
  generate: async (_current, { password }) => ({ password: password() }),
  open: (login, { signal }) => logIn(login, signal),
  change: async (session, { password }, { using }) => {
    const { ok } = await session.ask({ op: 'set', password, old: using.password, keep: false });
    if (!ok) throw new Error('The target refuses the old password.');
  },
};

const { parse, target, open } = passwordRotator;

/** Has a token issued beside the one before, which works until it is revoked. A sound one too. */
export const tokenRotator: MemoryTokenRotator = {
  kind: 'issues',
  parse,
  target,
  open,
  name: 'memory-token',
  overlap: 'until-next-rotation',
  issuedBy: 'account',
  issue: async (current, { owner, requestToken, signal }) => {
    const session = await logIn(current, signal);
    const answer = await session?.ask({ op: 'mint', label: `${owner}-${requestToken}` });
    await session?.close();
    return { password: answer?.token };
  },
  revokeOrphans: async (current, { owner, needed, signal }) => {
    const session = await logIn(current, signal);
    const { tokens = [] } = (await session?.ask({ op: 'list', prefix: `${owner}-` })) ?? {};
    for (const token of tokens) {
      if (!needed.some(({ password }) => password === token))
        await session?.ask({ op: 'revoke', password: token });
    }
    await session?.close();
  },
  revoke: async (old, { signal }) => {
    const session = await logIn(old, signal);
    // If it does not open, it is gone already.
    await session?.ask({ op: 'revoke', password: old.password });
    await session?.close();
  },
};

/** A harness with accounts at a target in memory. */
export function memoryHarness({ port, accounts }: MemoryTarget, rotator: MemoryRotator): RotatorHarness {
  return {
    rotator,
    account: async () => {
      const [username, password] = [randomUUID(), `First-${randomUUID()}`];
      const account = { valid: new Set([password]), minted: new Map<string, string>() };
      accounts.set(username, account);
      return {
        secret: { host: 'localhost', port, dbname: 'memory', username, password },
        digest: async () => JSON.stringify([...account.valid]),
        ...(rotator.kind === 'changes'
          ? {}
          : { countOrphans: async (stored) => countOrphansOf(account, stored) }),
      };
    },
  };
}

function countOrphansOf({ valid }: { readonly valid: Set<string> }, stored: readonly SecretFields[]): number {
  return [...valid].filter((password) => !stored.some((fields) => fields.password === password)).length;
}
