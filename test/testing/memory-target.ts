import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** What a client may ask, one JSON object to a line. */
export type Question =
  | { readonly op: 'login'; readonly username: string; readonly password: string }
  /** Replaces the password `old`; `keep` leaves that one valid too. */
  | { readonly op: 'set'; readonly password: string; readonly old: string; readonly keep: boolean }
  | { readonly op: 'mint'; readonly label: string }
  /** Lists the tokens whose label begins with this. */
  | { readonly op: 'list'; readonly prefix: string }
  | { readonly op: 'revoke'; readonly password: string };

/** The answer to a client. */
export interface Answer {
  readonly ok: boolean;
  readonly token?: string;
  readonly tokens?: readonly string[];
}

/** The credentials of one account: those that work, and the labels of those that were minted. */
interface Account {
  valid: Set<string>;
  readonly minted: Map<string, string>;
}

/** A target that keeps its accounts in memory and is talked to over TCP. */
export interface MemoryTarget {
  readonly port: number;
  readonly accounts: Map<string, Account>;
  stop(): Promise<void>;
}

/** Starts a target on a free port of this machine. */
export async function startMemoryTarget(): Promise<MemoryTarget> {
  const accounts: MemoryTarget['accounts'] = new Map();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    converse(socket, accounts);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    port: address.port,
    accounts,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function converse(socket: Socket, accounts: MemoryTarget['accounts']): void {
  let account: Account | undefined;
  createInterface(socket).on('line', (line) => {
    const question = parse(line);
    if (question === undefined) return void socket.destroy();
    if (question.op === 'login') {
      const found = accounts.get(question.username);
      account = found?.valid.has(question.password) ? found : undefined;
    }
    socket.write(`${JSON.stringify(account === undefined ? { ok: false } : answer(account, question))}\n`);
  });
}

function parse(line: string): Question | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function answer(account: Account, question: Question): Answer {
  if (question.op === 'mint') {
    const token = randomUUID();
    account.minted.set(token, question.label);
    account.valid.add(token);
    return { ok: true, token };
  }
  if (question.op === 'list') {
    const alive = [...account.minted].filter(([token]) => account.valid.has(token));
    const tokens = alive.filter(([, label]) => label.startsWith(question.prefix)).map(([token]) => token);
    return { ok: true, tokens };
  }
  if (question.op === 'revoke') return { ok: account.valid.delete(question.password) };
  if (question.op === 'set') {
    if (!account.valid.has(question.old)) return { ok: false };
    account.valid = new Set(question.keep ? [question.old, question.password] : [question.password]);
  }
  return { ok: true };
}
