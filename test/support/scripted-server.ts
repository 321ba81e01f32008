import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/** A server that answers as a test says, even with answers that no sound server gives. */
export interface ScriptedServer {
  readonly url: string;
  /** The requests so far, such as `POST /token`. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** Starts the server. @param tls serves https with this key and certificate */
export async function startScriptedServer(
  answer: RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ScriptedServer> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    asked,
    url: `${tls === undefined ? 'http' : 'https'}://localhost:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
