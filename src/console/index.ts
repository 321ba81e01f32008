import { randomBytes } from 'node:crypto';
import { createServer, IncomingMessage, type Server } from 'node:http';
import { isIP } from 'node:net';
import { KeyturnError } from '../errors.ts';
import type { KnownPolicies } from '../local/access/explain.ts';
import type { LocalEvent } from '../local/events.ts';
import { closeServer, listen } from '../local/protocol/listening.ts';
import { createActivity } from './activity.ts';
import { admit, answerOpening, answerRefusal, strictHeaders } from './admission.ts';
import { createApp } from './app.ts';
import type { Place } from './aws.ts';
import { getRequestListener } from './library.ts';
import { createSessions, type Session } from './sessions.ts';
import type { SeenMove } from './timeline.ts';
import { createWorlds } from './worlds.ts';

/** How to start the console. */
export interface ConsoleOptions {
  /** The Secrets Manager that it speaks to. */
  readonly place: Place;
  /** Whether that is a local one, or AWS. */
  readonly kind: 'local' | 'aws';
  /** The environment in which credentials and regions are found. */
  readonly environment: NodeJS.ProcessEnv;
  /** The port to listen on; any free one if absent or 0. */
  readonly port?: number | undefined;
  /** The address to listen on; 127.0.0.1 if absent. */
  readonly host?: string | undefined;
  /** More names by which browsers reach it, besides localhost and IP addresses. */
  readonly hostNames?: readonly string[] | undefined;
  readonly readOnly?: boolean | undefined;
  /** The principals whose access keys and policies are known. */
  readonly policies?: KnownPolicies | undefined;
  /** Listens to the events of a local Secrets Manager in this process. Returns a function that stops listening. */
  readonly events?: ((listener: (event: LocalEvent) => void) => () => void) | undefined;
  /** The time of the Secrets Manager, in ms since the epoch; the machine's own if absent. */
  readonly now?: (() => number) | undefined;
  /** Says something on the terminal: the next address, and each reading of a value. No value is in it. */
  readonly note: (line: string) => void;
}

/** A console that is running. */
export interface RunningConsole {
  /** The address that opens the console in one browser, once. After that it is another address. */
  address(): string;
  readonly url: string;
  close(): Promise<void>;
}

const mostMoves = 500;

/**
 * Starts the console.
 *
 * @throws InvalidConfiguration if it can't listen on the address
 */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const {
    place,
    kind,
    environment,
    host = '127.0.0.1',
    hostNames = [],
    readOnly = false,
    policies,
    events,
    now = Date.now,
    note,
  } = options;
  if (host === '')
    throw new KeyturnError(
      'InvalidConfiguration',
      'The host of the console is empty.',
      'Give an address or a name to listen on, such as 127.0.0.1, or leave it out.',
    );
  const sessions = createSessions();
  const activity = createActivity(now);
  const moves = new Map<string, SeenMove[]>();
  const isExact = events !== undefined;
  const maxAgeMs = kind === 'aws' ? 60_000 : isExact ? 30_000 : 2_000;
  const worlds = createWorlds({ place, environment, policies, activity, isExact, maxAgeMs, note });
  const unlisten = events?.((event) => {
    if (event.type === 'labels-moved')
      remember(moves, event.secretArn, { at: now(), before: event.before, after: event.after });
    if (event.type !== 'call' || isChange(event.operation)) worlds.forget();
    activity.take(event);
    // Also calls of other programs, which don't make an entry in the feed.
    if (event.type === 'call' && isChange(event.operation) && event.error === undefined)
      activity.changed(event.secretId ?? '');
  });
  const served = {
    base: `/${randomBytes(9).toString('base64url')}`,
    hostNames: new Set([...hostNames, ...(isIP(host) === 0 ? [host] : [])].map((name) => name.toLowerCase())),
  };
  const watcher = createWatcher(
    async () => {
      worlds.forget();
      await worlds.of(undefined).inventory.look(watchMostMs);
    },
    isExact ? undefined : kind === 'aws' ? 30_000 : 3_000,
  );
  const sessionOfRequest = new WeakMap<IncomingMessage, Session>();
  const app = createApp({
    base: served.base,
    place: { kind, name: nameOf(place, kind) },
    sessions,
    sessionOf: (request) => {
      const session = sessionOfRequest.get(request);
      if (session === undefined) throw new Error('A request without a session was let through.');
      return session;
    },
    worlds,
    activity,
    movesOf: (arn) => moves.get(arn) ?? [],
    isExact,
    policies,
    readOnly,
    now,
    note,
    watch: watcher.watch,
  });
  const answer = getRequestListener((request, env) => app.fetch(request, { incoming: incomingOf(env) }), {
    overrideGlobalObjects: false,
  });
  const server = createServer((request, response) => {
    const admitted = admit(request, sessions, served);
    const port = request.socket.localPort;
    if (admitted.kind === 'refused') return answerRefusal(response, admitted.refusal);
    if (admitted.kind === 'opened') {
      answerOpening(response, admitted.session, served, port);
      note(`opened in a browser; for another one: ${addressOf(server, host, sessions.token())}`);
      return;
    }
    for (const [name, value] of Object.entries(strictHeaders)) response.setHeader(name, value);
    sessionOfRequest.set(request, admitted.session);
    return void answer(request, response);
  });
  try {
    await listen(server, options.port ?? 0, host);
  } catch (error) {
    unlisten?.();
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new KeyturnError(
      'InvalidConfiguration',
      `The console can't listen on ${host}, port ${options.port ?? 0} (${why}).`,
      'Give another --port or --host.',
      { cause: error },
    );
  }
  return {
    url: originOf(server, host),
    address: () => addressOf(server, host, sessions.token()),
    close: async () => {
      unlisten?.();
      watcher.close();
      await closeServer(server);
    },
  };
}

function incomingOf(env: object): IncomingMessage {
  if ('incoming' in env && env.incoming instanceof IncomingMessage) return env.incoming;
  throw new Error('A request without its message.');
}

const watchMostMs = 60_000;

/** Lists secrets from time to time while somebody watches. @param everyMs undefined: never */
function createWatcher(look: () => Promise<void>, everyMs: number | undefined) {
  let watching = 0;
  let timer: NodeJS.Timeout | undefined;
  const plan = (): void => {
    if (everyMs === undefined || watching === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      // The page that lists secrets shows the error itself.
      void look()
        .catch(() => undefined)
        .finally(() => {
          timer = undefined;
          plan();
        });
    }, everyMs);
  };
  return {
    watch: () => {
      watching += 1;
      plan();
      return () => {
        watching -= 1;
      };
    },
    close: () => {
      watching = 0;
      clearTimeout(timer);
    },
  };
}

function remember(moves: Map<string, SeenMove[]>, arn: string, move: SeenMove): void {
  const known = moves.get(arn) ?? [];
  known.push(move);
  if (known.length > mostMoves) known.shift();
  moves.set(arn, known);
}

/** Whether a call may change the list of secrets. */
function isChange(operation: string): boolean {
  return !/^(Get|BatchGet|Describe|List|Validate)/.test(operation);
}

function nameOf({ endpoint, region }: Place, kind: 'local' | 'aws'): string {
  if (kind === 'aws') return `AWS${region === undefined ? '' : ` · ${region}`}`;
  return `local · ${endpoint === undefined ? '' : new URL(endpoint).host}`;
}

function originOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIP(name) === 6 ? `[${name}]` : name}:${port}`;
}

function addressOf(server: Server, host: string, token: string): string {
  return `${originOf(server, host)}/?token=${token}`;
}
