import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { jupyterHub } from '../../../rotators/api-token/presets/jupyterhub.ts';
import { closedPort } from '../closed-port.ts';
import { askAs, idsOf, startServerProcess, textOf } from './process.ts';
import type { TokenServer } from './server.ts';

/** A real JupyterHub on this machine. */
export interface JupyterHub extends TokenServer {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Makes a user and a token of that user. */
  newUser(username: string): Promise<{ readonly token: string; readonly id: string }>;
  /** The ids of a user's tokens, as the hub lists them. */
  tokens(username: string): Promise<string[]>;
}

/** Starts a hub. @param python a Python that has the package `jupyterhub` */
export async function startJupyterHub(python: string): Promise<JupyterHub> {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const token = randomBytes(24).toString('hex');
  const { stop } = await startServerProcess('jupyterhub', `${url}/hub/api/`, async () => ({
    program: python,
    args: ['-m', 'jupyterhub', '-f', join(import.meta.dirname, 'jupyterhub_config.py')],
    env: { KEYTURN_HUB_URL: url, KEYTURN_HUB_TOKEN: token },
  }));
  const ask = (method: string, path: string, body?: object): Promise<unknown> =>
    askAs(`token ${token}`, method, `${url}/hub/api${path}`, body);
  const pathOf = (username: string): string => `/users/${encodeURIComponent(username)}`;
  const newUser = async (username: string): Promise<{ readonly token: string; readonly id: string }> => {
    await ask('POST', pathOf(username));
    const made = await ask('POST', `${pathOf(username)}/tokens`, { note: 'by hand' });
    return { token: textOf(made, 'token'), id: textOf(made, 'id') };
  };
  const tokens = async (username: string): Promise<string[]> =>
    idsOf(Reflect.get(Object(await ask('GET', `${pathOf(username)}/tokens`)), 'api_tokens'), 'id');
  return {
    url,
    description: jupyterHub,
    stop,
    newUser,
    tokens,
    newAccount: async () => {
      const username = `robot ${randomUUID()}`;
      const { token: own, id: tokenId } = await newUser(username);
      return {
        secret: { host: url, username, token: own, tokenId },
        live: () => tokens(username),
      };
    },
  };
}
