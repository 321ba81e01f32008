import type { Finding, Rotator, RotatorContext, Session } from '../../src/index.ts';
import { classify } from '../http/failure.ts';
import { createTransport, type TransportOptions } from '../http/transport.ts';
import { type Api, needsAdmin } from './api.ts';
import { performVia } from './calls.ts';
import { type ApiCredential, fieldNames, parseCredential, targetOf } from './credential.ts';
import type { ApiDescription } from './description.ts';
import { mintToken } from './mint.ts';
import { listTokens } from './pages.ts';
import { revokeToken, sweepTokens } from './revoke.ts';
import { placesIn } from './template.ts';
import { readDescription } from './validate.ts';
import { isRevocable, verifyToken } from './verify.ts';

/** A token that was accepted; nothing of it stays open. */
export interface ApiSession extends Session {
  readonly credential: ApiCredential;
}

/**
 * A rotator for the tokens of an HTTP API that a description declares.
 *
 * @throws InvalidConfiguration for a description that is wrong, naming the path
 */
export function apiToken(
  description: ApiDescription,
  options: TransportOptions = {},
): Rotator<ApiCredential, ApiSession> {
  return rotatorOf(readDescription(description, 'The description'), options);
}

/** As {@link apiToken}, for a description that was read or is known to be right. */
export function rotatorOf(
  description: ApiDescription,
  options: TransportOptions = {},
): Rotator<ApiCredential, ApiSession> {
  const api: Api = { description, perform: performVia(createTransport(options)) };
  const { name, overlap = 'until-next-rotation', revocation = 'on-next-rotation' } = description;
  return {
    name: `api-token/${name}`,
    overlap,
    changedBy: mintsForAnAccount(description) ? 'admin' : 'account',
    mints: true,
    revocation,
    parse: (fields) => parseCredential(description, fields),
    target: targetOf,
    identity: ({ token }) => token,
    generate: (current, context) => mintToken(api, current, context),
    open: async (credential, context) =>
      (await verifyToken(api, credential, context)) && { credential, close: async () => undefined },
    change: async () => undefined,
    preflight: (_session, credential, admin, context) => look(api, credential, admin?.credential, context),
    ...(description.revoke && { revoke: (old, context) => revokeToken(api, old, context) }),
    ...(description.list && { sweep: (current, context) => sweepTokens(api, current, context) }),
    classify,
  };
}

/** An admin who mints for the account that the secret names does so for one of whom a token was accepted. */
function mintsForAnAccount({ mint }: ApiDescription): boolean {
  return needsAdmin(mint) && placesIn(mint).some((place) => place.startsWith('secret.'));
}

/** What can be looked at without minting. */
async function look(
  api: Api,
  credential: ApiCredential,
  admin: ApiCredential | undefined,
  context: RotatorContext,
): Promise<Finding[]> {
  const { description, perform } = api;
  const { list, mint, revoke } = description;
  const findings: Finding[] = [];
  if (revoke !== undefined) {
    const ok = isRevocable(api, revoke, credential);
    const { id } = fieldNames(description);
    const detail = ok ? 'all is known that revoking takes' : `"${id}" is missing: the API revokes by id`;
    findings.push({ check: 'revocation', ok, detail });
  }
  if (needsAdmin(mint, revoke, list) && admin === undefined) {
    findings.push({ check: 'admin secret', ok: false, detail: 'the API needs one, and none is named' });
  } else if (list !== undefined) {
    const tokens = await listTokens(perform, list, { caller: credential, admin }, context);
    findings.push({ check: 'list', ok: true, detail: `the API lists ${tokens.length} tokens` });
  }
  return findings;
}
