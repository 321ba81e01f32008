import { once } from 'node:events';
import type { Socket } from 'node:net';
import { AdapterError } from '../../src/rotator/index.ts';
import { withoutTls } from '../database/connection.ts';

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Asks the server to speak TLS from here on.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export async function requestTls(socket: Socket): Promise<void> {
  const answered = once(socket, 'data');
  const ended = once(socket, 'close');
  // Whichever comes second is not waited for; it may be a rejection.
  ended.catch(() => undefined);
  answered.catch(() => undefined);
  socket.write(sslRequest);
  const [first]: unknown[] = await Promise.race([answered, ended]);
  socket.pause();
  const answer = Buffer.isBuffer(first) ? first.toString('latin1') : '';
  if (answer === 'S') return;
  if (answer === 'N') throw withoutTls();
  // More than one byte could be what somebody has put in before TLS: CVE-2021-23222.
  throw Object.assign(new AdapterError('The server gave no proper answer to the request for TLS'), {
    code: 'ECONNRESET',
  });
}
