import { type IssuingRotator, requireText } from '../src/rotator/index.ts';

interface Account {
  readonly host: string;
  readonly username: string;
  readonly token: string;
  readonly tokenId: string;
}

/** The service's answer: a new token and its id, or all tokens of an account. */
type Answer = { token: string; id: string; tokens: { id: string; label: string }[] };

type Context = { readonly signal: AbortSignal };

/** Calls the service with a token; undefined if the service refuses the token, or the resource is gone. */
async function call({ host, token }: Account, request: string, { signal }: Context, body?: string) {
  const [method = '', path] = request.split(' ');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(host + path, { method, headers, signal, body });
  if (response.status === 401 || response.status === 404) return undefined;
  if (!response.ok) throw new Error(`The service answered ${response.status}.`);
  const answer: Answer = JSON.parse((await response.text()) || '{}');
  return answer;
}

const tokensOf = ({ username }: Account): string => `/users/${encodeURIComponent(username)}/tokens`;

/** Rotates a token of a service whose tokens issue, list and revoke each other: test/support/token-service. */
export const exampleToken: IssuingRotator<Account> = {
  kind: 'issues',
  name: 'example-token',
  overlap: 'until-next-rotation',
  issuedBy: 'account',
  parse: (fields) => {
    const [host, username] = [requireText(fields, 'host'), requireText(fields, 'username')];
    return { host, username, token: requireText(fields, 'token'), tokenId: requireText(fields, 'tokenId') };
  },
  target: ({ host, username }) => ({ host, account: username }),
  identity: ({ token }) => token,
  issue: async (current, { owner, requestToken, signal }) => {
    const body = JSON.stringify({ label: `keyturn-${owner}-${requestToken}-${crypto.randomUUID()}` });
    const issued = await call(current, `POST ${tokensOf(current)}`, { signal }, body);
    if (issued === undefined) throw new Error('The service refuses the token.');
    return { token: issued.token, tokenId: issued.id };
  },
  open: async (account, context) => (await call(account, 'GET /me', context)) && { close: async () => {} },
  revoke: async (old, context) => void (await call(old, `DELETE ${tokensOf(old)}/${old.tokenId}`, context)),
  revokeOrphans: async (current, context) => {
    const kept = new Set(context.needed.map(({ tokenId }) => tokenId));
    const answer = await call(current, `GET ${tokensOf(current)}?per_page=99`, context);
    for (const { id, label } of answer?.tokens ?? [])
      if (label.startsWith(`keyturn-${context.owner}-`) && !kept.has(id))
        await call(current, `DELETE ${tokensOf(current)}/${id}`, context);
  },
  // Other TypeErrors are mistakes in this file.
  classify: (error) =>
    error instanceof TypeError && error.message === 'fetch failed' ? 'TargetUnreachable' : undefined,
};
