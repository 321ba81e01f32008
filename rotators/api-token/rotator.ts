import type { IssuingRotator, Session } from '../../src/rotator/index.ts';
import { earlyExpiry } from '../http/expiry.ts';
import { classify } from '../http/failure.ts';
import type { TransportOptions } from '../http/transport.ts';
import { needsAdmin } from './api.ts';
import { type ApiCredential, expiryMsOf, parseCredential, targetOf } from './credential.ts';
import type { ApiDescription } from './description.ts';
import { placeholdersIn } from './template.ts';
import type { Tokens } from './tokens.ts';
import { readDescription } from './validate.ts';

/** A token that the API accepted. It holds no connection. */
export interface ApiSession extends Session {
  /** The token that was accepted. */
  readonly credential: ApiCredential;
}

/**
 * A rotator for the tokens of an HTTP API, made from a description. Its name is `api-token/NAME`.
 *
 * @param description see docs/api-token-reference.md
 * @throws InvalidConfiguration if the description is wrong; the message names the path in it
 */
export function apiToken(
  description: ApiDescription,
  options: TransportOptions = {},
): IssuingRotator<ApiCredential, ApiSession> {
  return rotatorOf(readDescription(description, 'The description'), options);
}

/** As {@link apiToken}, for a description that was checked before. */
export function rotatorOf(
  description: ApiDescription,
  options: TransportOptions = {},
): IssuingRotator<ApiCredential, ApiSession> {
  const { name, overlap = 'until-next-rotation', revocation = 'on-next-rotation' } = description;
  let loading: Promise<Tokens> | undefined;
  const tokens = (): Promise<Tokens> => {
    loading ??= import('./tokens.ts').then(({ tokensOf }) => tokensOf(description, options));
    return loading;
  };
  return {
    kind: 'issues',
    name: `api-token/${name}`,
    overlap,
    issuedBy: mintsForAnAccount(description) ? 'admin' : 'account',
    accountNamedBy: needsAdmin(description.mint) && !mintsForAnAccount(description) ? 'admin' : 'secret',
    revocation,
    parse: (fields) => parseCredential(description, fields),
    target: targetOf,
    identity: ({ token }) => token,
    issue: async (current, context) => (await tokens()).mint(current, context),
    open: async (credential, context) =>
      (await (await tokens()).verify(credential, context)) && { credential, close: async () => undefined },
    verify: async (_session, pending, context) => {
      const warning = earlyExpiry('the token', expiryMsOf(description, pending), context);
      if (warning !== undefined) context.note(`Warning: ${warning}.`);
    },
    preflight: async (_session, credential, admin, context) =>
      (await tokens()).preflight(credential, admin?.credential, context),
    ...(description.revoke && { revoke: async (old, context) => (await tokens()).revoke(old, context) }),
    ...(description.list && {
      revokeOrphans: async (current, context) => (await tokens()).revokeOrphans(current, context),
    }),
    classify,
  };
}

/** Whether an admin mints tokens for the account that the secret names. Core then asks for proof of that account first. */
function mintsForAnAccount({ mint }: ApiDescription): boolean {
  return needsAdmin(mint) && placeholdersIn(mint).some((placeholder) => placeholder.startsWith('secret.'));
}
