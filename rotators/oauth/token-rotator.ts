import type { IssueContext, IssuingRotator, Revocation, SecretFields } from '../../src/rotator/index.ts';
import { earlyExpiry } from '../http/expiry.ts';
import type { TransportOptions } from '../http/transport.ts';
import { type CallContext, createReach } from './connection.ts';
import { classify } from './refusal.ts';
import { openToken, revokeToken, type TokenCredential, type TokenSession, tokenTarget } from './token.ts';

/** How a function rotates access tokens. */
export interface TokenOptions extends TransportOptions {
  /** When the replaced token is revoked. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
}

/** The parts of a rotator that differ between the ways to get a token. @internal */
export interface TokenRotatorParts<Credential extends TokenCredential> {
  readonly name: string;
  parse(fields: SecretFields): Credential;
  issue(current: Credential, context: IssueContext<Credential> & CallContext): Promise<SecretFields>;
  /** Whether an old access token can be revoked without ending anything else. */
  isRevocable(old: Credential): boolean;
}

/** A rotator of access tokens. Two of them can be valid at once. @internal */
export function tokenRotator<Credential extends TokenCredential>(
  { name, parse, issue, isRevocable }: TokenRotatorParts<Credential>,
  { revocation = 'on-next-rotation', ...reach }: TokenOptions,
): IssuingRotator<Credential, TokenSession> {
  const kept = createReach(reach);
  return {
    kind: 'issues',
    name,
    overlap: 'until-next-rotation',
    issuedBy: 'account',
    revocation,
    parse,
    target: tokenTarget,
    identity: ({ accessToken }) => accessToken,
    issue: (current, context) => issue(current, { ...context, ...kept }),
    open: (credential, context) => openToken(credential, { ...context, ...kept }),
    verify: async ({ expiresAtMs }, _pending, context) => {
      const warning = earlyExpiry('the token', expiresAtMs, context);
      if (warning !== undefined) context.note(`Warning: ${warning}.`);
    },
    preflight: async ({ expiresAtMs }, _credential, _admin, context) => {
      const detail = earlyExpiry('the token', expiresAtMs, context);
      return detail === undefined ? [] : [{ check: 'expiry', ok: true, detail }];
    },
    // Authenticate with AWSCURRENT's client secret: the old version's may have been replaced.
    revoke: async (old, context) => {
      const token = { ...context.current, accessToken: old.accessToken };
      if (isRevocable(old)) await revokeToken(token, { ...context, ...kept });
    },
    classify,
  };
}
