import { randomBytes } from 'node:crypto';
import { accessDenied, ServiceError, validationFailure } from '../errors.ts';
import type { IssuedSession, RoleRequest } from '../protocol/sts-api.ts';
import type { AccessRequest } from './decide.ts';
import {
  type ConditionContext,
  type Directory,
  type KnownPrincipal,
  type LocalRole,
  type PolicyJson,
  uniqueId,
} from './principals.ts';

const defaultSeconds = 3600;
/** The longest session that a session may begin (role chaining). */
const longestChainedSeconds = 3600;

interface AssumeRoleParts {
  readonly directory: Directory;
  /** Why the caller may not do something. Undefined if the caller may. */
  decide(request: AccessRequest): Promise<string | undefined>;
  /** @throws Error if the principal's policies can't be evaluated */
  tryPolicies(principal: KnownPrincipal): Promise<void>;
}

/**
 * Begins a session of a role, if the role's trust policy and the caller's own policies allow it.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * @throws ServiceError AccessDeniedException, ValidationException, MalformedPolicyDocumentException
 */
export async function assumeRole(
  { directory, decide, tryPolicies }: AssumeRoleParts,
  caller: KnownPrincipal,
  request: RoleRequest,
): Promise<IssuedSession> {
  const { roleArn, sessionName, externalId } = request;
  const role = directory.roleOf(roleArn);
  const reason = role
    ? await decide(
        useOfRole(role, {
          'sts:RoleSessionName': sessionName,
          ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
        }),
      )
    : 'because no resource-based policy allows the sts:AssumeRole action';
  // Whoever may not assume the role must not learn whether it exists.
  if (!role || reason) {
    const refused = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    throw accessDenied(`${refused} ${reason}`);
  }
  const seconds = durationOf(request, role, caller);
  const expiresAtMs = Math.floor(Date.now() / 1000 + seconds) * 1000;
  const [, partition] = roleArn.split(':');
  const session = {
    arn: `arn:${partition}:sts::${accountOf(roleArn)}:assumed-role/${nameOf(roleArn)}/${sessionName}`,
    accessKeyId: uniqueKey(),
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(120).toString('base64'),
    policies: role.policies,
    permissionsBoundary: role.permissionsBoundary,
    sessionPolicy: request.policy === undefined ? undefined : parseSessionPolicy(request.policy),
    context: role.context,
  };
  const principal = directory.add(session, expiresAtMs);
  await tryPolicies(principal).catch(() => {
    throw new ServiceError('MalformedPolicyDocumentException', 'Syntax errors in policy.');
  });
  return { ...session, userId: principal.userId, expiresAtMs };
}

/** The permission that beginning a session of a role needs. */
export function useOfRole({ arn, trustPolicy }: LocalRole, context: ConditionContext): AccessRequest {
  return {
    action: 'sts:AssumeRole',
    resource: arn,
    accountId: accountOf(arn),
    policy: trustPolicy,
    context,
  };
}

function durationOf(
  { durationSeconds: asked = defaultSeconds }: RoleRequest,
  { maxSessionDurationSeconds: longest = defaultSeconds }: LocalRole,
  { isSession }: KnownPrincipal,
): number {
  if (isSession && asked > longestChainedSeconds) {
    throw validationFailure(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  if (asked <= longest) return asked;
  throw validationFailure('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
}

function parseSessionPolicy(text: string): PolicyJson {
  try {
    const policy: unknown = JSON.parse(text);
    if (isPolicy(policy)) return policy;
  } catch {
    // The error below says it.
  }
  throw new ServiceError('MalformedPolicyDocumentException', 'This policy contains invalid Json');
}

function isPolicy(value: unknown): value is PolicyJson {
  return typeof value === 'object' && value !== null && 'Statement' in value;
}

function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

function nameOf(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1);
}

/** An access key. ASIA is AWS's prefix for keys of sessions. */
function uniqueKey(): string {
  return uniqueId('AROA', randomBytes(16).toString('hex')).replace(/^AROA/, 'ASIA').slice(0, 20);
}
