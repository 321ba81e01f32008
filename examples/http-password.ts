import { type ChangingRotator, requireText, type SecretFields } from '../src/rotator/index.ts';

interface Account {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Calls the service as an account; undefined if it refuses the credential. Any other failure throws. */
async function call(account: Account, path: string, init: RequestInit): Promise<Response | undefined> {
  const credential = Buffer.from(`${account.username}:${account.password}`).toString('base64');
  const headers = { authorization: `Basic ${credential}`, 'content-type': 'application/json' };
  const response = await fetch(`${account.host}${path}`, { ...init, headers });
  if (response.status === 401) return undefined;
  if (!response.ok) throw new Error(`The service answered ${response.status}.`);
  return response;
}

/** Rotates the password of an account at a service with an HTTP API: GET /me, PUT /me/password. */
export const httpPassword: ChangingRotator<Account, { close(): Promise<void> }> = {
  kind: 'changes',
  name: 'http-password',
  overlap: 'none',
  changedBy: 'account',

  parse: (fields: SecretFields) => ({
    host: requireText(fields, 'host'),
    username: requireText(fields, 'username'),
    password: requireText(fields, 'password'),
  }),

  target: ({ host, username }) => ({ host, account: username }),

  generate: async (_current, { password }) => ({ password: password({ length: 24 }) }),

  open: async (account, { signal }) =>
    (await call(account, '/me', { signal })) && { close: async () => undefined },

  change: async (_session, pending, { using, signal }) => {
    const body = JSON.stringify({ password: pending.password });
    if (!(await call(using, '/me/password', { method: 'PUT', body, signal }))) throw new Error('Refused.');
  },

  // Other TypeErrors are mistakes in this file.
  classify: (error) =>
    error instanceof TypeError && error.message === 'fetch failed' ? 'TargetUnreachable' : undefined,
};
