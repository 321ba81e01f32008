import { randomUUID } from 'node:crypto';
import { makeCertificate } from '../../test/support/certificate.ts';
import { accountApi, accountRoutes } from '../../test/support/token-service/accounts.ts';
import { startTokenService } from '../../test/support/token-service/server.ts';
import { machine } from '../sam/reach.ts';
import type { Target } from './target.ts';

/** Starts a service that issues and accepts tokens, with an account that has one. */
export async function startTokenTarget(resources: AsyncDisposableStack): Promise<Target> {
  const { cert, key } = await makeCertificate();
  const service = await startTokenService(accountRoutes, { cert, key });
  resources.defer(() => service.stop());
  const api = accountApi('token');
  const username = 'robot';
  const issue = () => {
    const { token, id: tokenId } = service.store.issue(username, randomUUID()) ?? {};
    return { token, tokenId };
  };
  return {
    name: 'token service',
    description: `${service.url}, a small service with an API of the usual kind, with TLS`,
    secret: { host: `https://${machine}:${service.port}`, username, ...issue() },
    tags: { 'keyturn:rotator': `api-token/${api.name}` },
    localPort: service.port,
    ca: cert,
    apis: [api],
    // An issued token is accepted at once.
    renew: () => ({ fields: issue(), accept: async () => undefined }),
  };
}
