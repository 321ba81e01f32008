import { unrecognizedClient } from '../errors.ts';

/** A policy as JSON gives it. */
export type PolicyJson = Readonly<Record<string, unknown>>;

/** Condition keys and what they hold. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** Whom an access key belongs to, and what it may do, where policies are enforced. */
export interface LocalPrincipal {
  /** A user, or the session of a role: `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A role's session has one, a user has none. */
  readonly sessionToken?: string | undefined;
  /** Identity policies; without any, only a resource policy can allow something. */
  readonly policies?: readonly PolicyJson[] | undefined;
  readonly permissionsBoundary?: PolicyJson | undefined;
  /** Limits a role's session. */
  readonly sessionPolicy?: PolicyJson | undefined;
  /** Further condition keys of its requests, such as `aws:PrincipalTag/team` or `aws:SourceVpce`. */
  readonly context?: ConditionContext | undefined;
}

/** A KMS key of a customer. */
export interface LocalKey {
  readonly arn: string;
  /** Such as `alias/shop`. */
  readonly aliases?: readonly string[] | undefined;
  /** The key policy; if absent that which AWS gives a new key, by which the account's identity policies decide. */
  readonly policy?: PolicyJson | undefined;
}

/** A principal, with what its ARN says of it. */
export interface KnownPrincipal extends LocalPrincipal {
  readonly accountId: string;
  /** What condition keys hold in all of its requests. */
  readonly context: ConditionContext;
}

const ARN = /^arn:(aws[a-z-]*):(iam|sts)::(\d{12}):(user|assumed-role)\/(.+)$/;

/**
 * The principals by access key.
 * @param issuedAtMs when the sessions' credentials were made
 * @throws Error for an ARN that is neither a user's nor a session's, a session token too many or too few, and an
 * access key that two have
 */
export function principalsByKey(
  principals: readonly LocalPrincipal[],
  issuedAtMs: number,
): ReadonlyMap<string, KnownPrincipal> {
  const byKey = new Map<string, KnownPrincipal>();
  for (const principal of principals) {
    if (byKey.has(principal.accessKeyId)) {
      throw new Error(`Two principals have the access key ${principal.accessKeyId}: give each its own.`);
    }
    byKey.set(principal.accessKeyId, known(principal, issuedAtMs));
  }
  return byKey;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function known(principal: LocalPrincipal, issuedAtMs: number): KnownPrincipal {
  const { arn, sessionToken, sessionPolicy, context } = principal;
  const [, partition, , accountId, kind, name = ''] = ARN.exec(arn) ?? [];
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
  const identity: ConditionContext = isSession
    ? { 'aws:PrincipalArn': `arn:${partition}:iam::${accountId}:role/${name.split('/')[0]}` }
    : { 'aws:PrincipalArn': arn, 'aws:username': name.slice(name.lastIndexOf('/') + 1) };
  return {
    ...principal,
    accountId,
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

/**
 * The principal of an access key.
 * @throws ServiceError UnrecognizedClientException
 */
export function principalOf(
  principals: ReadonlyMap<string, KnownPrincipal>,
  accessKeyId: string,
  sessionToken: string | undefined,
): KnownPrincipal {
  const principal = principals.get(accessKeyId);
  if (!principal || principal.sessionToken !== sessionToken) throw unrecognizedClient();
  return principal;
}

/** A key that nobody has told of has the policy that AWS gives a new one; an alias that nobody has is no key. */
export function findKey(keys: readonly LocalKey[], keyId: string, arn: string): LocalKey | undefined {
  const told = keys.find(
    (key) => key.arn === arn || key.aliases?.some((alias) => keyId === alias || keyId.endsWith(`:${alias}`)),
  );
  return told ?? (keyId.includes('alias/') ? undefined : { arn });
}
