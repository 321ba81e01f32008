import { type ApiDescription, apiToken } from '../../../rotators/api-token/index.ts';
import { jupyterHub } from '../../../rotators/api-token/presets/jupyterhub.ts';
import type { Rotator } from '../../../src/index.ts';
import { startJupyterHub } from '../../../test/support/token-servers/jupyterhub.ts';
import { accountApi, accountRoutes } from '../../../test/support/token-service/accounts.ts';
import { startTokenService } from '../../../test/support/token-service/server.ts';

/** A server that issues tokens, and an account there. */
export interface TokenServer {
  /** The kind of server, for people. */
  readonly kind: string;
  readonly url: string;
  readonly rotator: Rotator;
  readonly account: { readonly username: string; readonly token: string; readonly tokenId: string };
  /** Calls the server with a token, as an application does. Anything but success or a refusal throws. */
  accepts(token: string): Promise<boolean>;
  /** How many tokens of the account work, as the server counts. */
  liveTokens(): Promise<number>;
  stop(): Promise<void>;
}

const username = 'demo-robot';

/** Starts the server. @param python a Python with the package `jupyterhub`; without it, a small service stands in */
export async function startTokenServer(python: string | undefined): Promise<TokenServer> {
  if (python === undefined) return startService();
  const hub = await startJupyterHub(python);
  const { token, id: tokenId } = await hub.newUser(username);
  return {
    kind: 'a real JupyterHub',
    url: hub.url,
    rotator: apiToken(jupyterHub),
    account: { username, token, tokenId },
    accepts: acceptsAt(hub.url, jupyterHub),
    liveTokens: async () => (await hub.tokens(username)).length,
    stop: hub.stop,
  };
}

async function startService(): Promise<TokenServer> {
  const service = await startTokenService(accountRoutes);
  const issued = service.store.issue(username, 'made by hand');
  if (issued === undefined) throw new Error('The service issued no token.');
  const description = accountApi('token');
  return {
    kind: 'a small service of the tests, with an API of the usual kind',
    url: service.url,
    rotator: apiToken(description),
    account: { username, token: issued.token, tokenId: issued.id },
    accepts: acceptsAt(service.url, description),
    liveTokens: async () => service.store.list(username).length,
    stop: service.stop,
  };
}

function acceptsAt(url: string, { verify }: ApiDescription): TokenServer['accepts'] {
  return async (token) => {
    const response = await fetch(url + verify.path, { headers: { authorization: `Bearer ${token}` } });
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) return false;
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return true;
  };
}
