import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { RotatorContext } from '../../src/rotator/index.ts';
import { isLoginRefused } from './classify.ts';
import type { PostgresCredential } from './credential.ts';
import { createClient, orClosed, watchLogin } from './login.ts';
import { beginScram, scramMechanism } from './scram.ts';
import { createSession, type PostgresSession } from './session.ts';

/**
 * Logs in on a connection that stands, and sends the first message of SCRAM together with the start-up packet, which
 * saves a round trip. The server reads one message after the other, and asks for SCRAM before it reads the second. So
 * this is for servers that asked this account for SCRAM a moment ago.
 *
 * A refusal counts only after the password was proven to the server. Before, the server may have taken the message for
 * something else.
 *
 * @returns undefined if neither a session nor a refusal of the password is certain. Log in with {@link logIn} then, on a
 *   new connection
 * @throws the signal's reason
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 */
export async function logInAhead(
  socket: Socket,
  credential: PostgresCredential,
  { signal }: RotatorContext,
): Promise<PostgresSession | 'refused' | undefined> {
  const client = await createClient(socket, credential);
  const exchange = beginScram(credential.password);
  const done = { answered: false, proven: false };
  try {
    return await orClosed(client, socket, signal, async (close) => {
      const connected = client.connect();
      // From here on pg would answer what the server asks for.
      const { connection } = client;
      for (const asked of questions) connection.removeAllListeners(asked);
      const seen = watchLogin(client);
      const giveUp = (): void => {
        socket.destroy();
      };
      let stalled: NodeJS.Timeout | undefined;
      // pg's own listener, which came first, has written the start-up packet.
      connection.once('connect', () => {
        socket.write(saslInitialResponse(exchange.first));
      });
      connection.once('authenticationSASL', () => {
        stalled = setTimeout(giveUp, mostSilenceMs);
      });
      connection.once('authenticationSASLContinue', ({ data }: SaslMessage) => {
        clearTimeout(stalled);
        exchange.answer(data).then((answer) => {
          done.answered = true;
          socket.write(passwordMessage(Buffer.from(answer)));
        }, giveUp);
      });
      connection.once('authenticationSASLFinal', ({ data }: SaslMessage) => {
        if (exchange.isServerProven(data)) done.proven = true;
        else giveUp();
      });
      connection.on('authenticationMD5Password', giveUp);
      connection.on('authenticationCleartextPassword', giveUp);
      await connected.finally(() => clearTimeout(stalled));
      if (done.proven)
        return createSession(client, { encrypted: socket instanceof TLSSocket, login: seen(), close });
      await close();
      return undefined;
    });
  } catch (error) {
    signal.throwIfAborted();
    return done.answered && isLoginRefused(error, credential.username) ? 'refused' : undefined;
  }
}

/** How long a server may take to read on, in ms. Both of its first messages come at once from a server that does. */
const mostSilenceMs = 1_000;

/** What pg emits when the server asks for a proof, or answers one. */
const questions = [
  'authenticationCleartextPassword',
  'authenticationMD5Password',
  'authenticationSASL',
  'authenticationSASLContinue',
  'authenticationSASLFinal',
];

interface SaslMessage {
  readonly data: string;
}

/** @see https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SASLINITIALRESPONSE */
function saslInitialResponse(response: string): Buffer {
  const bytes = Buffer.from(response);
  return passwordMessage(Buffer.concat([Buffer.from(`${scramMechanism}\0`), int32(bytes.length), bytes]));
}

/** The message type that all answers to the server's questions have. */
function passwordMessage(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from('p'), int32(content.length + 4), content]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
