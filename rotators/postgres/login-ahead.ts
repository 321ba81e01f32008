import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { RotatorContext } from '../../src/rotator/index.ts';
import { isLoginRefused } from './classify.ts';
import type { PostgresCredential } from './credential.ts';
import { createClient, orClosed, watchLogin } from './login.ts';
import { beginScram, scramMechanism } from './scram.ts';
import { createSession, type PostgresSession } from './session.ts';

/**
 * Logs in on an open connection. To save a round trip, the first message of SCRAM goes out together with the start-up
 * packet. The server reads one message after the other, and asks for SCRAM before it reads the second. So use this only
 * if the server asked this account for SCRAM a moment ago.
 *
 * A refusal counts only after the proof of the password was sent. Before, the server may have taken the first message for
 * something else.
 *
 * @returns undefined if neither a session nor a refusal of the password is certain. Then log in with {@link logIn}, on a
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
      // pg would answer the server's questions too.
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

/** How long to wait for the server's second message, in ms. A server that reads on sends its first two at once. */
const mostSilenceMs = 1_000;

/** pg's events for the server's questions about the password, and for its answer to the proof. */
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
