import { connect, type Socket } from 'node:net';

/** A server's answer. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Sends requests to a server one after the other, with as little work as possible. */
export interface Connection {
  /**
   * Sends a request and waits for the whole answer.
   * @throws Error when the connection breaks before that
   */
  send(request: Buffer): Promise<Answer>;
  close(): void;
}

/** Opens a connection. It is reopened if the server closes it after an answer, as with HTTP/1.0. */
export function openConnection(port: number): Connection {
  let socket: Socket | undefined;
  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Answer> | undefined;

  const settle = (answer: Answer | { readonly error: Error }): void => {
    const settled = waiting;
    waiting = undefined;
    received = Buffer.alloc(0);
    if ('status' in answer) settled?.resolve(answer);
    else settled?.reject(answer.error);
  };
  const open = (): Socket => {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true });
    const lost = (error = new Error('The server closed the connection.')): void => {
      if (socket !== opened) return;
      socket = undefined;
      settle({ error });
    };
    opened.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const answer = completeAnswer(received);
      if (!answer) return;
      if (answer.closes) {
        socket = undefined;
        opened.destroy();
      }
      settle(answer);
    });
    opened.on('error', lost).on('close', () => lost());
    return opened;
  };

  return {
    send(request) {
      waiting = Promise.withResolvers();
      socket ??= open();
      socket.write(request);
      return waiting.promise;
    },
    close: () => socket?.destroy(),
  };
}

/** The answer; undefined while it is not complete. All servers send its length, and one answer for each request. */
function completeAnswer(bytes: Buffer): (Answer & { readonly closes: boolean }) | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const [, length = '0'] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  const bodyAt = headEnd + 4;
  if (bytes.length < bodyAt + Number(length)) return undefined;
  return {
    status: Number(head.slice(9, 12)),
    body: bytes.subarray(bodyAt),
    closes: /^HTTP\/1\.0|\r\nconnection: *close/i.test(head),
  };
}
