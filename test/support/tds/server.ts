import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { makeCertificate } from '../certificate.ts';
import { databaseOf, type Identity, logIn, type Model, newModel } from './model.ts';
import { type Message, MessageReader, packetsOf, packetType } from './packets.ts';
import { answer } from './queries.ts';
import {
  encryption,
  type Login7,
  readBatch,
  readEncryption,
  readLogin,
  readRpc,
  type Statement,
  writePrelogin,
} from './requests.ts';
import { run } from './statements.ts';
import { startTls } from './tls.ts';
import {
  databaseChange,
  done,
  errorToken,
  loginAck,
  type Row,
  resultSet,
  returnStatus,
  routing,
  SqlError,
} from './tokens.ts';

/**
 * A stand-in for SQL Server, for the real driver and the rotators. It speaks TDS 7.4 over TLS and TDS 8, checks LOGIN7
 * against a table of logins, and answers the rotators' statements, which it knows by their text. It parses no T-SQL, so it
 * can't prove that a real server accepts the statements.
 */
export interface StandIn {
  readonly host: string;
  readonly port: number;
  /** Its self-signed certificate. */
  readonly ca: string;
  readonly admin: { readonly username: string; readonly password: string };
  readonly model: Model;
  /** Every login attempt, in order: who, and whether it was accepted. */
  readonly logins: StandInLoginAttempt[];
  /** Every statement that was sent, in order. */
  readonly statements: string[];
  /** Open connections. */
  connections(): number;
  /** Stops answering statements. */
  fallSilent(): void;
  stop(): Promise<void>;
}

/** A LOGIN7 that was received. */
export interface StandInLoginAttempt {
  readonly username: string;
  readonly appName: string;
  readonly accepted: boolean;
  readonly encrypted: boolean;
}

export interface StandInOptions {
  /** Its encryption in PRELOGIN. Default: on. */
  readonly encryption?: number;
  /** Whether it stands in for Azure SQL Database. */
  readonly azure?: boolean;
  /** Where it routes logins with `ApplicationIntent=ReadOnly`, like the listener of an availability group. */
  readonly secondary?: () => { readonly host: string; readonly port: number } | undefined;
  /**
   * `forced`: only TDS 8, like "Force Strict Encryption" of SQL Server 2022. `none`: no TDS 8, like a server before 2022.
   * Default: both.
   *
   * @see https://learn.microsoft.com/sql/relational-databases/security/networking/tds-8
   */
  readonly strict?: 'forced' | 'none';
}

const admin = { username: 'sa', password: 'Admin-password-1' };

/** Starts a stand-in on a free port of this machine. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { cert, key } = await makeCertificate('rsa');
  const sockets = new Set<Socket>();
  const state: State = {
    model: newModel(admin, options.azure),
    logins: [],
    statements: [],
    silent: false,
    encryption: options.encryption ?? encryption.on,
    strict: options.strict,
    secondary: options.secondary ?? (() => undefined),
    secureContext: createSecureContext({ cert, key, maxVersion: 'TLSv1.2' }),
  };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, state);
  });
  return {
    host: 'localhost',
    port: await listen(server),
    ca: cert,
    admin,
    model: state.model,
    logins: state.logins,
    statements: state.statements,
    connections: () => sockets.size,
    fallSilent: () => {
      state.silent = true;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface State extends Pick<StandIn, 'model' | 'logins' | 'statements'> {
  silent: boolean;
  readonly encryption: number;
  readonly strict: StandInOptions['strict'];
  readonly secondary: NonNullable<StandInOptions['secondary']>;
  readonly secureContext: SecureContext;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return address.port;
}

const tlsHandshake = 0x16;
const alpn = 'tds/8.0';

/** Serves TDS 8: TLS first, and all of TDS within it. */
function serveStrict(socket: Socket, state: State): void {
  const stream = new TLSSocket(socket, {
    isServer: true,
    secureContext: state.secureContext,
    ALPNProtocols: [alpn],
  });
  stream.on('error', () => socket.destroy());
  stream.once('secure', () => {
    if (stream.alpnProtocol !== alpn) socket.destroy();
  });
  converse(stream, state);
}

/** Serves TDS 7.4: PRELOGIN in plaintext, then everything within TLS if both sides want it. Or TDS 8, if TLS comes first. */
function serve(socket: Socket, state: State): void {
  const reader = new MessageReader();
  const begin = (chunk: Buffer): void => {
    const isStrict = chunk[0] === tlsHandshake;
    if (isStrict ? state.strict === 'none' : state.strict === 'forced') {
      socket.destroy();
      return;
    }
    if (isStrict) {
      socket.off('data', begin);
      socket.pause();
      socket.unshift(chunk);
      serveStrict(socket, state);
      return;
    }
    const [first] = reader.read(chunk);
    if (first === undefined) return;
    socket.off('data', begin);
    const wants = readEncryption(first.data) !== encryption.notSupported;
    socket.write(packetsOf(packetType.result, writePrelogin(state.encryption)));
    const isOn = state.encryption === encryption.on || state.encryption === encryption.required;
    converse(wants && isOn ? startTls(socket, state.secureContext, reader.takeRest()) : socket, state);
  };
  socket.on('data', begin);
}

interface SessionState {
  identity?: Identity;
  readonly encrypted: boolean;
}

function converse(stream: Duplex, state: State): void {
  const reader = new MessageReader();
  const session: SessionState = { encrypted: stream instanceof TLSSocket };
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    for (const message of reader.read(chunk)) {
      const reply =
        state.silent && message.type < packetType.login ? undefined : replyTo(message, session, state);
      if (reply === undefined) continue;
      stream.write(packetsOf(packetType.result, reply));
      if (session.identity === undefined && message.type !== packetType.prelogin) stream.end();
    }
  });
}

function replyTo(message: Message, session: SessionState, state: State): Buffer {
  if (message.type === packetType.prelogin) return writePrelogin(state.encryption);
  if (message.type === packetType.login) return enter(readLogin(message.data), session, state);
  if (session.identity === undefined) return done('done', { failed: true });
  if (message.type === packetType.batch)
    return execute(readBatch(message.data), session.identity, state, false);
  if (message.type === packetType.rpc) return execute(readRpc(message.data), session.identity, state, true);
  return done('done', { failed: true });
}

function enter(login: Login7, session: SessionState, { model, logins, secondary }: State): Buffer {
  const { username, appName } = login;
  const { encrypted } = session;
  try {
    session.identity = logIn(model, username, login.password, login.database);
    logins.push({ username, appName, accepted: true, encrypted });
    const elsewhere = login.readOnlyIntent ? secondary() : undefined;
    return Buffer.concat([
      databaseChange(session.identity.database, 'master'),
      loginAck(),
      ...(elsewhere === undefined ? [] : [routing(elsewhere.host, elsewhere.port)]),
      done('done'),
    ]);
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    logins.push({ username, appName, accepted: false, encrypted });
    const errors = error.errors.filter((one) => one instanceof SqlError);
    return Buffer.concat([...errors.map(errorToken), done('done', { failed: true })]);
  }
}

/** Result sets, each with its own end. */
function answered(
  found: readonly { rows: readonly Row[]; names: readonly string[] }[],
  isCall: boolean,
): Buffer {
  const sets = found.flatMap(({ rows, names }, index) => {
    const isLast = index === found.length - 1;
    const end = isCall ? done('doneInProc', { more: true }) : done('done', { more: !isLast });
    return [resultSet(rows, names), end];
  });
  return Buffer.concat(isCall ? [...sets, returnStatus(), done('doneProc')] : sets);
}

function execute(
  { text, values }: Statement,
  identity: Identity,
  { model, statements }: State,
  isCall: boolean,
): Buffer {
  const end = isCall ? 'doneProc' : 'done';
  // Statements with which drivers set up a session.
  if (/^(set |SELECT 1;?$)/i.test(text) || text === '') return Buffer.concat([done(end)]);
  statements.push(text);
  try {
    const before = databaseOf(model, identity.database).name;
    const found = answer(model, identity, { text, values }, isCall);
    if (found !== undefined) return answered(found, isCall);
    if (!run(model, identity, text))
      throw new SqlError(102, `The stand-in does not know this statement: ${text}`);
    const moved = before === identity.database ? [] : [databaseChange(identity.database, before)];
    return Buffer.concat([...moved, done(end)]);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return Buffer.concat([errorToken(error), done(end, { failed: true })]);
  }
}
