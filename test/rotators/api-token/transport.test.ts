import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../support/certificate.ts';
import { accountApi } from '../../support/token-service/accounts.ts';
import { withTokenWorld } from './world.ts';

const api = () => accountApi('token');

const tls = await makeCertificate();
const { cert } = tls;

/** A proxy that tunnels, and remembers to where. */
async function startProxy() {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', ({ url = '' }: IncomingMessage, client: Socket) => {
    asked.push(url);
    const target = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) sockets.add(socket.on('error', () => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    asked,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the way to an API', () => {
  it('is refused where nobody vouches for its certificate', () =>
    withTokenWorld(
      api,
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toMatch(/^CertificateRejected: /);
      },
      { tls },
    ));

  it('is trusted by an authority of its own', () =>
    withTokenWorld(
      api,
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).toHaveLength(2);
      },
      { tls, transport: { ca: () => cert } },
    ));

  it('leads through the proxy of the environment, with an authority of its own too, and past it where that says so', async () => {
    const proxy = await startProxy();
    try {
      const [https, ca] = [proxy.url, () => cert];
      const rotate = (settings: Parameters<typeof withTokenWorld>[2]) =>
        withTokenWorld(
          api,
          async ({ fixture, arn }) => expect(await fixture.rotate(arn)).toBeUndefined(),
          settings,
        );
      await rotate({ tls, transport: { ca, proxy: { https } } });
      expect(proxy.asked[0]).toMatch(/^localhost:\d+$/);
      const before = proxy.asked.length;
      await rotate({ tls, transport: { ca, proxy: { https, except: 'localhost' } } });
      expect(proxy.asked.length).toBe(before);
      await rotate({ transport: { proxy: { http: proxy.url } } });
      expect(proxy.asked.at(-1)).toMatch(/^127\.0\.0\.1:\d+$/);
    } finally {
      await proxy.stop();
    }
  });
});
