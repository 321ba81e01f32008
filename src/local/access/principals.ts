import { createHash } from 'node:crypto';
import { expiredToken, unrecognizedClient } from '../errors.ts';

/** A policy, parsed from JSON. */
export type PolicyJson = Readonly<Record<string, unknown>>;

/** Condition keys and their values. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** The owner of an access key, and what the owner may do, where policies are enforced. */
export interface LocalPrincipal {
  /** A user, or the session of a role: `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  /** The access key's id. Every principal has its own. */
  readonly accessKeyId: string;
  /** The key that signs requests. */
  readonly secretAccessKey: string;
  /** A role's session has one, a user has none. */
  readonly sessionToken?: string | undefined;
  /** Identity policies. Without any, only a resource policy can allow something. */
  readonly policies?: readonly PolicyJson[] | undefined;
  /** Limits what the identity policies allow. */
  readonly permissionsBoundary?: PolicyJson | undefined;
  /** Limits a role's session. */
  readonly sessionPolicy?: PolicyJson | undefined;
  /** Further condition keys of its requests, such as `aws:PrincipalTag/team` or `aws:SourceVpce`. */
  readonly context?: ConditionContext | undefined;
}

/** A role that principals can assume by AssumeRole of STS. */
export interface LocalRole {
  /** Without a path: `arn:aws:iam::123456789012:role/ROLE`. */
  readonly arn: string;
  /** Who may assume it. */
  readonly trustPolicy: PolicyJson;
  /** Identity policies of its sessions. */
  readonly policies?: readonly PolicyJson[] | undefined;
  /** Limits what the identity policies allow. */
  readonly permissionsBoundary?: PolicyJson | undefined;
  /** The longest that a session may last, in seconds. Default: 3600. AssumeRole grants at most 43200. */
  readonly maxSessionDurationSeconds?: number | undefined;
  /** Further condition keys of its sessions' requests. */
  readonly context?: ConditionContext | undefined;
}

/** A customer managed KMS key. */
export interface LocalKey {
  /** `arn:aws:kms:REGION:ACCOUNT:key/ID`. */
  readonly arn: string;
  /** Such as `alias/shop`. */
  readonly aliases?: readonly string[] | undefined;
  /** The key policy. Default: the one that AWS gives a new key. With it, the account's identity policies decide. */
  readonly policy?: PolicyJson | undefined;
}

/** A principal, with what its ARN says. */
export interface KnownPrincipal extends LocalPrincipal {
  readonly accountId: string;
  /** Condition keys of all of its requests. */
  readonly context: ConditionContext;
  /** The UserId that GetCallerIdentity answers. */
  readonly userId: string;
  readonly isSession: boolean;
  /** When its credentials expire, in milliseconds since the epoch. Undefined if they don't. */
  readonly expiresAtMs?: number | undefined;
}

const arnPattern = /^arn:(aws[a-z-]*):(iam|sts)::(\d{12}):(user|assumed-role)\/(.+)$/;

/** The owners of access keys, and the roles. */
export interface Directory {
  /** All principals that were given at the start. */
  readonly principals: readonly KnownPrincipal[];
  readonly roles: readonly LocalRole[];
  /**
   * The principal of an access key.
   * @throws ServiceError UnrecognizedClientException, ExpiredTokenException
   */
  principalOf(accessKeyId: string, sessionToken: string | undefined): KnownPrincipal;
  /** Undefined if no role has the ARN. */
  roleOf(arn: string): LocalRole | undefined;
  /** Makes a session's access key known, until it expires. */
  add(session: LocalPrincipal, expiresAtMs: number): KnownPrincipal;
}

/**
 * Makes the directory.
 * @throws Error for a principal that is no user and no session, and for an access key of two principals
 * @throws Error for a session without a token, and for a user with a token or a session policy
 * @throws Error for a role's ARN that is malformed or has a path
 */
export function createDirectory(
  principals: readonly LocalPrincipal[],
  roles: readonly LocalRole[],
): Directory {
  const startedAtMs = Date.now();
  const byKey = new Map<string, KnownPrincipal>();
  for (const principal of principals) {
    if (byKey.has(principal.accessKeyId)) {
      throw new Error(`Two principals have the access key ${principal.accessKeyId}: give each its own.`);
    }
    byKey.set(principal.accessKeyId, known(principal, startedAtMs));
  }
  for (const { arn } of roles) {
    if (roleArnPattern.test(arn)) continue;
    throw new Error(`${arn} is the ARN of no role without a path (arn:aws:iam::ACCOUNT:role/ROLE).`);
  }
  return {
    principals: [...byKey.values()],
    roles,
    principalOf(accessKeyId, sessionToken) {
      const principal = byKey.get(accessKeyId);
      if (!principal || principal.sessionToken !== sessionToken) throw unrecognizedClient();
      if ((principal.expiresAtMs ?? Infinity) <= Date.now()) throw expiredToken();
      return principal;
    },
    roleOf: (arn) => roles.find((role) => role.arn === arn),
    add(session, expiresAtMs) {
      const principal = { ...known(session, Date.now()), expiresAtMs };
      byKey.set(session.accessKeyId, principal);
      return principal;
    },
  };
}

/** A made-up session of a role, to evaluate the role's policies. */
export function sampleSession({ arn, policies, permissionsBoundary, context }: LocalRole): KnownPrincipal {
  const session = arn.replace(/:iam:(.*):role\/(.*)$/, ':sts:$1:assumed-role/$2/sample');
  const keys = { accessKeyId: '', secretAccessKey: '', sessionToken: '' };
  return known({ arn: session, ...keys, policies, permissionsBoundary, context }, Date.now());
}

/** A unique id in AWS's form. The same ARN has the same id. @param prefix AIDA for a user, AROA for a role */
export function uniqueId(prefix: 'AIDA' | 'AROA', arn: string): string {
  const digits = createHash('sha256').update(arn).digest().subarray(0, 17);
  return prefix + Array.from(digits, (byte) => base32.charAt(byte % base32.length)).join('');
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const roleArnPattern = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@-]{1,64}$/;

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function known(principal: LocalPrincipal, issuedAtMs: number): KnownPrincipal {
  const { arn, sessionToken, sessionPolicy, context } = principal;
  const [, partition, , accountId, kind, name = ''] = arnPattern.exec(arn) ?? [];
  if (accountId === undefined) {
    throw new Error(
      `${arn} is the ARN of no user and of no role's session (arn:aws:sts::...:assumed-role/...).`,
    );
  }
  const isSession = kind === 'assumed-role';
  if ((sessionToken !== undefined) !== isSession) {
    throw new Error(
      `${arn} ${isSession ? 'needs a' : 'must have no'} session token: only a role's session has one.`,
    );
  }
  if (sessionPolicy !== undefined && !isSession) {
    throw new Error(`${arn} is a user: only a role's session has a session policy.`);
  }
  const [roleName = '', sessionName = ''] = name.split('/');
  const roleArn = `arn:${partition}:iam::${accountId}:role/${roleName}`;
  const identity: ConditionContext = isSession
    ? { 'aws:PrincipalArn': roleArn }
    : { 'aws:PrincipalArn': arn, 'aws:username': name.slice(name.lastIndexOf('/') + 1) };
  return {
    ...principal,
    accountId,
    isSession,
    userId: isSession ? `${uniqueId('AROA', roleArn)}:${sessionName}` : uniqueId('AIDA', arn),
    context: {
      ...identity,
      'aws:PrincipalAccount': accountId,
      'aws:PrincipalType': isSession ? 'AssumedRole' : 'User',
      'aws:PrincipalIsAWSService': 'false',
      ...(isSession && {
        'aws:MultiFactorAuthPresent': 'false',
        'aws:TokenIssueTime': new Date(issuedAtMs).toISOString(),
      }),
      ...context,
    },
  };
}

/** Finds a key by its ARN or alias. An unknown ARN is a key with AWS's default policy. An unknown alias is no key: undefined. */
export function findKey(keys: readonly LocalKey[], keyId: string, arn: string): LocalKey | undefined {
  const told = keys.find(
    (key) => key.arn === arn || key.aliases?.some((alias) => keyId === alias || keyId.endsWith(`:${alias}`)),
  );
  return told ?? (keyId.includes('alias/') ? undefined : { arn });
}
