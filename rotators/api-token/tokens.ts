import type {
  Finding,
  IssueContext,
  RevokeContext,
  RevokeOrphansContext,
  RotatorContext,
  SecretFields,
} from '../../src/rotator/index.ts';
import { earlyExpiry } from '../http/expiry.ts';
import { createTransport, type TransportOptions } from '../http/transport.ts';
import { type Api, needsAdmin } from './api.ts';
import { performVia } from './calls.ts';
import { type ApiCredential, expiryMsOf, fieldNames } from './credential.ts';
import type { ApiDescription } from './description.ts';
import { mintToken } from './mint.ts';
import { listTokens } from './pages.ts';
import { isDedicated, revokeOrphans, revokeToken } from './revoke.ts';
import { placeholdersIn } from './template.ts';
import { isRevocable, type Verified, verifyToken } from './verify.ts';

/** The calls of a rotator. This part is loaded when it is first needed. */
export interface Tokens {
  verify(credential: ApiCredential, context: RotatorContext): Promise<Verified | undefined>;
  mint(current: ApiCredential, context: IssueContext<ApiCredential>): Promise<SecretFields>;
  revoke(old: ApiCredential, context: RevokeContext<ApiCredential>): Promise<void>;
  revokeOrphans(current: ApiCredential, context: RevokeOrphansContext<ApiCredential>): Promise<void>;
  preflight(
    credential: ApiCredential,
    admin: ApiCredential | undefined,
    context: RotatorContext,
  ): Promise<Finding[]>;
}

export function tokensOf(description: ApiDescription, options: TransportOptions): Tokens {
  const api: Api = {
    description,
    perform: performVia(createTransport(options), description.accountField),
  };
  return {
    verify: (credential, context) => verifyToken(api, credential, context),
    mint: (current, context) => mintToken(api, current, context),
    revoke: (old, context) => revokeToken(api, old, context),
    revokeOrphans: (current, context) => revokeOrphans(api, current, context),
    preflight: (credential, admin, context) => preflightWithoutIssuing(api, credential, admin, context),
  };
}

/** Checks everything that can be checked without issuing a token. */
async function preflightWithoutIssuing(
  api: Api,
  credential: ApiCredential,
  admin: ApiCredential | undefined,
  context: RotatorContext,
): Promise<Finding[]> {
  const { description, perform } = api;
  const { list, mint, revoke, lifetimeDays } = description;
  const findings: Finding[] = [];
  if (revoke !== undefined) {
    const ok = isRevocable(api, revoke, credential);
    const { id } = fieldNames(description);
    const detail = ok ? 'everything that revoke needs is known' : `"${id}" is missing: the API revokes by id`;
    findings.push({ check: 'revocation', ok, detail });
  }
  if (needsAdmin(mint, revoke, list, lifetimeDays) && admin === undefined) {
    findings.push({
      check: 'admin secret',
      ok: false,
      detail: 'the API needs an admin secret, and none is named',
    });
  } else if (list !== undefined) {
    const tokens = await listTokens(perform, list, { caller: credential, admin }, context);
    findings.push({ check: 'list', ok: true, detail: `the API lists ${tokens.length} tokens` });
  }
  const expiry = earlyExpiry('the token', expiryMsOf(description, credential), context);
  if (expiry !== undefined) findings.push({ check: 'expiry', ok: true, detail: expiry });
  findings.push(...(await accountFindings(api, credential, admin, context)));
  const isFound = list?.label !== undefined || (list && isDedicated(list, { caller: credential, admin }));
  if (!isFound) findings.push({ check: 'lost answers', ok: true, detail: lostDetail(description) });
  return findings;
}

/** Whether the calls before `mint` show what the secret names. Makes them only if all of them are GET. */
async function accountFindings(
  { description: { mint }, perform }: Api,
  caller: ApiCredential,
  admin: ApiCredential | undefined,
  context: RotatorContext,
): Promise<Finding[]> {
  const { before = [] } = mint;
  const isReading = before.every(({ method }) => method === 'GET');
  const last = before.at(-1);
  if (last === undefined || !isReading || before.every(({ account }) => account === undefined)) return [];
  // Another finding says already that the admin secret is missing.
  if (needsAdmin(before) && admin === undefined) return [];
  // `perform` compares `account` only for calls of `before`. So the last call is made twice: in `before`, and as the call itself.
  // Values that only mint needs are not kept.
  const needed = new Set(placeholdersIn(before));
  const steps = before.map(({ keep = {}, ...step }) => ({
    ...step,
    keep: Object.fromEntries(Object.entries(keep).filter(([kept]) => needed.has(`kept.${kept}`))),
  }));
  const call = { ...last, before: steps };
  const { outcome, by, answer } = await perform('mint', call, { caller, admin }, context);
  const ok = outcome === 'accepted';
  const detail = ok
    ? 'mint changes what the secret names'
    : `the call before mint, made by ${by}, was answered ${answer.status}`;
  return [{ check: 'account', ok, detail }];
}

/** What happens to a token whose answer is lost, if Keyturn can't find it. */
function lostDetail({ list, lifetimeDays, mint }: ApiDescription): string {
  const [, field] = /^\{admin\.(\w+)\?\}$/.exec(list?.dedicated ?? '') ?? [];
  const ends = lifetimeDays !== undefined || mint.expiresAt !== undefined;
  const detail = `a token whose answer is lost is not found by Keyturn: it works until it ${ends ? 'expires' : 'is revoked by hand'}`;
  return field === undefined
    ? detail
    : `${detail}. If the account has tokens of this secret alone, say so by "${field}": true in the admin secret`;
}
