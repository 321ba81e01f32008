import { once } from 'node:events';
import { createServer } from 'node:http';

/** A service with accounts whose passwords can be changed over HTTP: GET /me, PUT /me/password. */
export interface HttpService {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** By username. */
  readonly passwords: Map<string, string>;
  stop(): Promise<void>;
}

/** Starts a service on a free port of this machine. */
export async function startHttpService(): Promise<HttpService> {
  const passwords = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const [, credential = ''] = request.headers.authorization?.split(' ') ?? [];
    const [username = '', password] = Buffer.from(credential, 'base64').toString().split(/:(.*)/s);
    if (passwords.get(username) !== password) return void response.writeHead(401).end();
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (request.method === 'PUT') passwords.set(username, String(JSON.parse(body).password));
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    passwords,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
