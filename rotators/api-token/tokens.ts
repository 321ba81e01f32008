import type {
  Finding,
  IssueContext,
  RevokeContext,
  RevokeOrphansContext,
  RotatorContext,
  SecretFields,
} from '../../src/rotator/index.ts';
import { createTransport, type TransportOptions } from '../http/transport.ts';
import { type Api, needsAdmin } from './api.ts';
import { performVia } from './calls.ts';
import { type ApiCredential, fieldNames } from './credential.ts';
import type { ApiDescription } from './description.ts';
import { mintToken } from './mint.ts';
import { listTokens } from './pages.ts';
import { isDedicated, revokeOrphans, revokeToken } from './revoke.ts';
import { placesIn } from './template.ts';
import { isRevocable, type Verified, verifyToken } from './verify.ts';

/** What an API does with tokens: the part of a rotator that is loaded when it is first needed. */
export interface Tokens {
  verify(credential: ApiCredential, context: RotatorContext): Promise<Verified | undefined>;
  mint(current: ApiCredential, context: IssueContext<ApiCredential>): Promise<SecretFields>;
  revoke(old: ApiCredential, context: RevokeContext<ApiCredential>): Promise<void>;
  revokeOrphans(current: ApiCredential, context: RevokeOrphansContext<ApiCredential>): Promise<void>;
  look(
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
    look: (credential, admin, context) => preflightWithoutIssuing(api, credential, admin, context),
  };
}

/** What can be looked at without minting. */
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
    const detail = ok ? 'all is known that revoking takes' : `"${id}" is missing: the API revokes by id`;
    findings.push({ check: 'revocation', ok, detail });
  }
  if (needsAdmin(mint, revoke, list, lifetimeDays) && admin === undefined) {
    findings.push({ check: 'admin secret', ok: false, detail: 'the API needs one, and none is named' });
  } else if (list !== undefined) {
    const tokens = await listTokens(perform, list, { caller: credential, admin }, context);
    findings.push({ check: 'list', ok: true, detail: `the API lists ${tokens.length} tokens` });
  }
  findings.push(...(await lookAtChanged(api, credential, admin, context)));
  const isFound = list?.label !== undefined || (list && isDedicated(list, { caller: credential, admin }));
  if (!isFound) findings.push({ check: 'lost answers', ok: true, detail: lostDetail(description) });
  return findings;
}

/** Whether `mint` would change what the secret names, as far as calls that only read tell. */
async function lookAtChanged(
  { description: { mint }, perform }: Api,
  caller: ApiCredential,
  admin: ApiCredential | undefined,
  context: RotatorContext,
): Promise<Finding[]> {
  const { before = [] } = mint;
  const isReading = before.every(({ method }) => method === 'GET');
  const last = before.at(-1);
  if (last === undefined || !isReading || before.every(({ account }) => account === undefined)) return [];
  // That is told already.
  if (needsAdmin(before) && admin === undefined) return [];
  // What mint alone needs is not kept. The last call is made twice: before itself, where what it shows is compared.
  const needed = new Set(placesIn(before));
  const steps = before.map(({ keep = {}, ...step }) => ({
    ...step,
    keep: Object.fromEntries(Object.entries(keep).filter(([kept]) => needed.has(`kept.${kept}`))),
  }));
  const call = { ...last, before: steps };
  const { outcome, by, answer } = await perform('mint', call, { caller, admin }, context);
  const ok = outcome === 'accepted';
  const detail = ok
    ? 'what mint changes is what the secret names'
    : `the call before mint, made by ${by}, was answered ${answer.status}`;
  return [{ check: 'account', ok, detail }];
}

/** What becomes of a token whose answer is lost, where nothing finds it. */
function lostDetail({ list, lifetimeDays, mint }: ApiDescription): string {
  const [, field] = /^\{admin\.(\w+)\?\}$/.exec(list?.dedicated ?? '') ?? [];
  const ends = lifetimeDays !== undefined || mint.expiresAt !== undefined;
  const detail = `a token whose answer is lost is not found by Keyturn: it works until it ${ends ? 'expires' : 'is revoked by hand'}`;
  return field === undefined
    ? detail
    : `${detail}. If the account has tokens of this secret alone, say so by "${field}": true in the admin secret`;
}
