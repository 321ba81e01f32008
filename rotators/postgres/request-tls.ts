import { once } from 'node:events';
import type { Socket } from 'node:net';
import { AdapterError } from '../../src/rotator/index.ts';
import { withoutTls } from '../database/connection.ts';

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Asks the server to speak TLS from here on.
 *
 * @throws the error of {@link withoutTls}, or an AdapterError with the code ECONNRESET if the server's answer is neither
 *   yes nor no
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export async function requestTls(socket: Socket): Promise<void> {
  const answered = once(socket, 'data');
  const ended = once(socket, 'close');
  // Nobody awaits the event that comes second. If it is a rejection, it must not end the process.
  ended.catch(() => undefined);
  answered.catch(() => undefined);
  socket.write(sslRequest);
  const [first]: unknown[] = await Promise.race([answered, ended]);
  socket.pause();
  const answer = Buffer.isBuffer(first) ? first.toString('latin1') : '';
  if (answer === 'S') return;
  if (answer === 'N') throw withoutTls();
  // After more than one byte, the rest may have been injected by somebody before TLS begins: CVE-2021-23222.
  throw Object.assign(new AdapterError('The server gave no proper answer to the request for TLS'), {
    code: 'ECONNRESET',
  });
}
