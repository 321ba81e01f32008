import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { BSON } from 'mongodb';

/**
 * A stand-in for MongoDB, for the real driver. It speaks the wire protocol and
 * SCRAM-SHA-256, checks logins, and answers `ping` and `connectionStatus` to those who have logged in. All
 * else it refuses.
 *
 * @see https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
 */
export interface MongoStandIn {
  readonly port: number;
  /** The password of each user. */
  readonly users: Map<string, string>;
  /** Every login in order: who, and whether it was let in. */
  readonly logins: { readonly username: string; readonly accepted: boolean }[];
  /** Open connections that have logged in, by user. */
  sessions(): string[];
  stop(): Promise<void>;
}

type Document = Readonly<Record<string, unknown>>;

interface Session {
  username?: string;
  conversation?: {
    readonly username: string;
    readonly bare: string;
    readonly nonce: string;
    readonly first: string;
  };
}

const [opReply, opQuery, opMsg] = [1, 2004, 2013];
const iterations = 4096;
const salt = randomBytes(28);
const refused = { ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' };

export async function startMongoStandIn(): Promise<MongoStandIn> {
  const sockets = new Map<Socket, Session>();
  const users = new Map<string, string>();
  const logins: { username: string; accepted: boolean }[] = [];
  const server = createServer((socket) => {
    const session: Session = {};
    sockets.set(socket, session);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        reply(socket, message, (command) => answer(command, session, users, logins));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    port: address.port,
    users,
    logins,
    sessions: () => [...sockets.values()].flatMap(({ username }) => username ?? []),
    stop: async () => {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function reply(socket: Socket, message: Buffer, answer: (command: Document) => Document): void {
  const [requestId, operation] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (operation === opMsg) {
    const body = BSON.serialize(answer(BSON.deserialize(message.subarray(21))));
    send(socket, requestId, opMsg, Buffer.concat([Buffer.alloc(5), body]));
    return;
  }
  if (operation !== opQuery) {
    socket.destroy();
    return;
  }
  const start = message.indexOf(0, 20) + 9;
  const body = BSON.serialize(answer(BSON.deserialize(message.subarray(start))));
  const head = Buffer.alloc(20);
  head.writeInt32LE(1, 16);
  send(socket, requestId, opReply, Buffer.concat([head, body]));
}

function send(socket: Socket, responseTo: number, operation: number, body: Buffer): void {
  const head = Buffer.alloc(16);
  head.writeInt32LE(16 + body.length, 0);
  head.writeInt32LE(responseTo, 8);
  head.writeInt32LE(operation, 12);
  socket.write(Buffer.concat([head, body]));
}

function answer(
  command: Document,
  session: Session,
  users: ReadonlyMap<string, string>,
  logins: { username: string; accepted: boolean }[],
): Document {
  const [name = ''] = Object.keys(command);
  if (/^(hello|ismaster)$/i.test(name)) {
    const mechanisms =
      command.saslSupportedMechs === undefined ? {} : { saslSupportedMechs: ['SCRAM-SHA-256'] };
    const hello = {
      isWritablePrimary: true,
      ismaster: true,
      helloOk: true,
      minWireVersion: 0,
      maxWireVersion: 21,
    };
    return { ...hello, ...mechanisms, maxBsonObjectSize: 16_777_216, maxWriteBatchSize: 100_000, ok: 1 };
  }
  if (name === 'saslStart') return startLogin(command, session);
  if (name === 'saslContinue') {
    const { username = '' } = session.conversation ?? {};
    const final = continueLogin(command, session, users.get(username));
    if (session.conversation !== undefined || final === refused)
      logins.push({ username, accepted: final !== refused });
    delete session.conversation;
    return final;
  }
  if (name === 'endSessions') return { ok: 1 };
  if (session.username === undefined) {
    return { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: `Command ${name} requires authentication` };
  }
  if (name === 'ping') return { ok: 1 };
  if (name === 'connectionStatus')
    return { authInfo: { authenticatedUsers: [{ user: session.username }] }, ok: 1 };
  return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: '${name}'` };
}

/** RFC 5802's attributes: `n=user,r=nonce`. */
function attribute(text: string, name: string): string {
  return (
    text
      .split(',')
      .find((part) => part.startsWith(`${name}=`))
      ?.slice(2) ?? ''
  );
}

function payloadOf({ payload }: Document): string {
  return payload instanceof BSON.Binary
    ? Buffer.from(payload.buffer).subarray(0, payload.length()).toString()
    : '';
}

function startLogin(command: Document, session: Session): Document {
  const bare = payloadOf(command).replace(/^n,,/, '');
  const username = attribute(bare, 'n').replaceAll('=2C', ',').replaceAll('=3D', '=');
  const nonce = attribute(bare, 'r') + randomBytes(18).toString('base64');
  const first = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
  session.conversation = { username, bare, nonce, first };
  return { conversationId: 1, done: false, payload: new BSON.Binary(Buffer.from(first)), ok: 1 };
}

const salted = new Map<string, Buffer>();

/** Cached, as a server keeps it: deriving the key takes long on purpose. */
function saltedOf(password: string): Buffer {
  const known =
    salted.get(password) ?? pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  salted.set(password, known);
  return known;
}

function continueLogin(command: Document, session: Session, password: string | undefined): Document {
  const { conversation } = session;
  const text = payloadOf(command);
  if (conversation === undefined || password === undefined) return refused;
  if (attribute(text, 'r') !== conversation.nonce) return refused;
  const salted = saltedOf(password);
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest();
  const proven = `${conversation.bare},${conversation.first},${text.replace(/,p=.*$/, '')}`;
  const signature = createHmac('sha256', storedKey).update(proven).digest();
  const proof = Buffer.from(/,p=(.*)$/.exec(text)?.[1] ?? '', 'base64');
  const expected = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) return refused;
  session.username = conversation.username;
  const serverKey = createHmac('sha256', salted).update('Server Key').digest();
  const verifier = createHmac('sha256', serverKey).update(proven).digest('base64');
  return { conversationId: 1, done: true, payload: new BSON.Binary(Buffer.from(`v=${verifier}`)), ok: 1 };
}
