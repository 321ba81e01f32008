import type { Routes } from './server.ts';
import type { TokenStore } from './store.ts';

/** The calls of a vendor's API, by its documentation, with tokens that are really issued and revoked. */
export interface Vendor {
  readonly routes: (store: TokenStore) => Routes;
  /** Fields of the secret besides host, token and its id. */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** Fields of the admin secret besides host; absent if no admin is needed. */
  readonly admin?: Readonly<Record<string, unknown>>;
  /** The vendor's origin for access tokens. In the stand-in it is the same service. */
  readonly tokenOrigin?: string;
}

/** The one account of a vendor under test. */
export const account = '42';
export const adminToken = 'the-token-of-an-administrator';
export const expiry = '2031-05-06T07:08:09Z';
