import type { Socket } from 'node:net';

/** Where to connect, and how. */
export interface SocketOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly family?: number;
  readonly tls?: object;
  readonly connectTimeout?: number;
}

/** Begins to connect. The connection may not be open yet: see {@link opened}. */
export async function dial({ host, port, path, family, tls }: SocketOptions): Promise<Socket> {
  const where = path === undefined ? { host, port, family } : { path };
  if (tls !== undefined) return (await import('node:tls')).connect({ ...where, ...tls });
  const { createConnection } = await import('node:net');
  return path === undefined
    ? createConnection({ host: host ?? 'localhost', port: port ?? 6379, ...(family && { family }) })
    : createConnection({ path });
}

/** Waits until a connection is open. @throws the error with which it fails, or ETIMEDOUT after `timeoutMs` */
export function opened(stream: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('connect ETIMEDOUT')), timeoutMs);
    stream.once('error', reject).once(event, () => {
      stream.off('error', reject);
      resolve();
    });
    stream.once(event, () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

/**
 * Sends a command on a connection that nobody else uses yet.
 *
 * @returns the answer as it came
 * @throws Error with the server's text, if it answers an error
 */
export function command(stream: Socket, words: readonly string[]): Promise<string> {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return new Promise((resolve, reject) => {
    let answer = '';
    const end = (settle: () => void): void => {
      stream.off('data', hear).off('error', fail).off('close', close);
      settle();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const close = (): void => fail(new Error('Connection is closed.'));
    const hear = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!isWhole(answer)) return;
      end(() => (answer.startsWith('-') ? reject(new Error(answer.slice(1).trim())) : resolve(answer)));
    };
    stream.on('data', hear).once('error', fail).once('close', close);
    stream.write(`*${words.length}\r\n${bulk.join('')}`);
  });
}

/** Whether an answer has arrived whole: a line, or a list of texts, which may come in several pieces. */
function isWhole(answer: string): boolean {
  if (!answer.endsWith('\r\n')) return false;
  const [, texts] = /^\*(\d+)\r\n/.exec(answer) ?? [];
  // A text is two lines: its length, and itself.
  return texts === undefined || answer.split('\r\n').length >= 2 * Number(texts) + 2;
}
