import type { Routes, ServiceAnswer, ServiceRequest } from './server.ts';
import type { IssuedToken, TokenStore } from './store.ts';

/** Calls of a vendor's API, as its documentation has them, over tokens that are really issued and revoked. */
export interface Vendor {
  readonly routes: (store: TokenStore) => Routes;
  /** Fields of the secret besides host, token and its id. */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** Fields of the admin secret besides host; none where no admin is needed. */
  readonly admin?: Readonly<Record<string, unknown>>;
  /** Where the vendor issues access tokens; the same service does at the stand-in. */
  readonly tokenOrigin?: string;
}

/** The one account of a vendor under test. */
export const account = '42';
export const adminToken = 'the-token-of-an-administrator';
export const expiry = '2031-05-06T07:08:09Z';

export const refused: ServiceAnswer = { status: 401, json: { message: '401 Unauthorized' } };

/** Answers to the admin alone. */
export function byAdmin(
  tokenOf: (request: ServiceRequest) => unknown,
  answer: (request: ServiceRequest) => ServiceAnswer,
) {
  return (request: ServiceRequest) => (tokenOf(request) === adminToken ? answer(request) : refused);
}

/** Answers to whoever has a token; the admin has one too. */
export function byToken(
  store: TokenStore,
  tokenOf: (request: ServiceRequest) => unknown,
  answer: (caller: Pick<IssuedToken, 'id' | 'label'>) => ServiceAnswer,
) {
  return (request: ServiceRequest) => {
    const token = String(tokenOf(request));
    const caller = token === adminToken ? { id: '0', label: 'admin' } : store.find(token);
    return caller === undefined ? refused : answer(caller);
  };
}

/** Issues under a label; what the request lacks besides is answered as an error. */
export function issue(
  store: TokenStore,
  label: unknown,
  isComplete: boolean,
  show: (id: string, token: string) => unknown,
): ServiceAnswer {
  const issued = typeof label === 'string' && isComplete ? store.issue(account, label) : undefined;
  if (issued === undefined) return { status: 400, json: { message: 'Incomplete, or known already.' } };
  return { status: 201, json: show(issued.id, issued.token) };
}

export function revoke(store: TokenStore, id = ''): ServiceAnswer {
  return store.revoke(account, id) ? { status: 204 } : { status: 404 };
}
