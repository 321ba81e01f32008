import { dnsSuffix, homeOf, keyArn } from '../arn.ts';
import { defaultKmsKeyId, type Secret } from '../model.ts';
import { readMembers } from './body.ts';
import { type AccessRequest, type Explanation, loadExplain } from './decide.ts';
import { contextOfKeys, inContext, requestContext } from './guard.ts';
import { useOfKey } from './keys.ts';
import { permissionsOf } from './permissions.ts';
import {
  type ConditionContext,
  createDirectory,
  findKey,
  type KnownPrincipal,
  type LocalKey,
  type LocalPrincipal,
  type LocalRole,
  type PolicyJson,
  sampleSession,
} from './principals.ts';

/** A statement of a policy, and whether it is about a request. */
export interface StatementView {
  /** The policy's name, such as `identity policy 1`. */
  readonly policy: string;
  /** The statement's number in its policy. The first is 1. */
  readonly number: number;
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** The statement as its author wrote it. */
  readonly json: string;
  readonly matches: boolean;
  /** What doesn't match: its action, its resource, its principal or a condition. */
  readonly misses: readonly string[];
}

/** One permission that a call needs. */
export interface PermissionView {
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  /** Why not, in AWS's words, such as `with an explicit deny in an identity-based policy`. Undefined if it is allowed. */
  readonly reason: string | undefined;
  /** The statements that decided: the denies, or else the allows. Empty if nothing allows it. */
  readonly decisive: readonly StatementView[];
  readonly others: readonly StatementView[];
}

/** Whether a principal may make a call, and why. */
export interface AccessView {
  readonly principal: string;
  readonly allowed: boolean;
  readonly permissions: readonly PermissionView[];
}

/** The part of a secret that decides who may do what with it. */
export interface SecretFacts
  extends Pick<Secret, 'arn' | 'name' | 'tags' | 'policy' | 'kmsKeyId' | 'primaryRegion' | 'type'> {
  readonly functionArn: string | undefined;
}

/** A call that somebody may want to make. */
export interface AskedCall {
  /** The ARN of a principal, or of a role. A role stands for any session of it. */
  readonly principal: string;
  /** Such as `GetSecretValue`. */
  readonly operation: string;
  /** Undefined for calls that name no secret. */
  readonly secret: SecretFacts | undefined;
  /** The region and account of calls that name no secret. */
  readonly partition: { readonly region: string; readonly accountId: string };
  /** When the call is made, in ms since the epoch, by the Secrets Manager's clock. Default: now. */
  readonly nowMs?: number;
}

/** The principals, roles and keys that are known. */
export interface KnownPolicies {
  readonly principals: readonly LocalPrincipal[];
  readonly roles?: readonly LocalRole[] | undefined;
  readonly keys?: readonly LocalKey[] | undefined;
}

/** What operations do with the secret's key. */
const keyUses: Readonly<Record<string, readonly string[]>> = {
  GetSecretValue: ['Decrypt'],
  PutSecretValue: ['GenerateDataKey', 'Decrypt'],
  CreateSecret: ['GenerateDataKey', 'Decrypt'],
  ReplicateSecretToRegions: ['Decrypt'],
};

/**
 * Says whether a principal may make a call, and which statements decide that. The evaluation is the one that enforces policies.
 *
 * @throws DriverMissing if the library that evaluates policies is not installed
 * @throws Error for an unknown principal, or a policy that can't be evaluated
 */
export async function explainAccess(
  { principals, roles = [], keys = [] }: KnownPolicies,
  { principal: arn, operation, secret, partition, nowMs = Date.now() }: AskedCall,
): Promise<AccessView> {
  const principal = find(principals, roles, arn);
  const explain = await loadExplain();
  const home = secret === undefined ? partition : homeOf(secret.arn);
  const called = { region: home.region, accountId: principal.accountId };
  const origin = { headers: {}, socket: { remoteAddress: '127.0.0.1' } };
  const context = requestContext(nowMs, called, origin);
  const body = readMembers(operation, secret === undefined ? {} : { SecretId: secret.arn });
  const asked = permissionsOf(
    { operation, body, partition: called, secret: secret && modelOf(secret), replica: undefined },
    keys,
  );
  const permissions: PermissionView[] = [];
  const evaluate = async (requests: readonly AccessRequest[], of: ConditionContext): Promise<void> => {
    for (const request of requests) {
      const full = inContext(request, of);
      permissions.push(viewOf(principal, full, await explain(principal, full)));
    }
  };
  await evaluate(asked, context);
  await evaluate(usesOfKey(operation, secret, principal, keys), contextOfKeys(context));
  permissions.push(...impossibleUse(operation, secret, principal, keys));
  return { principal: arn, allowed: permissions.every(({ allowed }) => allowed), permissions };
}

function find(
  principals: readonly LocalPrincipal[],
  roles: readonly LocalRole[],
  arn: string,
): KnownPrincipal {
  const directory = createDirectory(principals, roles);
  const role = roles.find((known) => known.arn === arn);
  const found = directory.principals.find((known) => known.arn === arn) ?? (role && sampleSession(role));
  if (found === undefined) throw new Error(`${arn} is none of the principals that are known.`);
  return found;
}

function modelOf({ functionArn, ...facts }: SecretFacts): Secret {
  return {
    ...facts,
    labels: {},
    createdAt: 0,
    changedAt: 0,
    ...(functionArn !== undefined && { rotation: { enabled: true, lambdaArn: functionArn } }),
  };
}

/** The uses of the secret's key, if it is a known customer managed key. */
function usesOfKey(
  operation: string,
  secret: SecretFacts | undefined,
  { accountId }: KnownPrincipal,
  keys: readonly LocalKey[],
): readonly AccessRequest[] {
  const actions = keyUses[operation] ?? [];
  const key = secret === undefined ? undefined : keyOf(secret, keys);
  if (secret === undefined || key === undefined) return [];
  const { region } = homeOf(secret.arn);
  return actions.map((action) =>
    useOfKey(key, action, {
      'aws:RequestedRegion': region,
      'kms:ViaService': `secretsmanager.${region}.${dnsSuffix(region)}`,
      'kms:CallerAccount': accountId,
      'kms:EncryptionContextKeys': ['SecretARN', 'SecretVersionId'],
      'kms:EncryptionContext:SecretARN': secret.arn,
    }),
  );
}

function keyOf({ arn, kmsKeyId = defaultKmsKeyId }: SecretFacts, keys: readonly LocalKey[]) {
  if (kmsKeyId.endsWith(defaultKmsKeyId)) return undefined;
  return findKey(keys, kmsKeyId, keyArn(homeOf(arn), kmsKeyId));
}

/** A use of a key that no policy can allow. */
function impossibleUse(
  operation: string,
  secret: SecretFacts | undefined,
  { accountId }: KnownPrincipal,
  keys: readonly LocalKey[],
): PermissionView[] {
  const [action] = keyUses[operation] ?? [];
  if (secret === undefined || action === undefined) return [];
  const { kmsKeyId = defaultKmsKeyId } = secret;
  const isManaged = kmsKeyId.endsWith(defaultKmsKeyId);
  const isAbroad = homeOf(secret.arn).accountId !== accountId;
  if (isManaged ? !isAbroad : keyOf(secret, keys) !== undefined) return [];
  const reason = isManaged
    ? 'because the key aws/secretsmanager serves its own account alone'
    : 'because no key has that alias';
  const none = { decisive: [], others: [] };
  return [{ action: `kms:${action}`, resource: kmsKeyId, allowed: false, reason, ...none }];
}

function viewOf(
  principal: KnownPrincipal,
  { action, resource, policy }: AccessRequest,
  { reason, analysis }: Explanation,
): PermissionView {
  const { policies = [], permissionsBoundary, sessionPolicy } = principal;
  const resourceName = action.startsWith('kms:') ? 'the key policy' : "the secret's resource policy";
  const kinds: readonly (readonly [
    name: (policyId: string) => string,
    source: (policyId: string) => PolicyJson | undefined,
    found: NonNullable<Explanation['analysis']>['identityAnalysis' | 'resourceAnalysis'],
  ])[] = [
    [
      (id) => `identity ${id}`,
      (id) => policies[Number(/\d+$/.exec(id)?.[0] ?? 0) - 1],
      analysis?.identityAnalysis,
    ],
    [() => resourceName, () => policy, analysis?.resourceAnalysis],
    [() => 'the permissions boundary', () => permissionsBoundary, analysis?.permissionBoundaryAnalysis],
    [() => 'the session policy', () => sessionPolicy, analysis?.sessionAnalysis],
  ];
  const views = kinds.flatMap(([nameOf, sourceOf, found]) =>
    [
      ...(found?.denyStatements ?? []),
      ...(found?.allowStatements ?? []),
      ...(found?.unmatchedStatements ?? []),
    ].map(
      ({ policyId, statement, explain }): StatementView => ({
        policy: nameOf(policyId),
        number: statement.index(),
        sid: statement.sid(),
        effect: statement.isDeny() ? 'Deny' : 'Allow',
        json: JSON.stringify(
          originalOf(sourceOf(policyId), statement.index()) ?? statement.toJSON(),
          undefined,
          2,
        ),
        matches: explain.matches,
        misses: missesOf(explain),
      }),
    ),
  );
  const allowed = reason === undefined;
  const decides = ({ matches, effect }: StatementView): boolean =>
    matches && (effect === 'Deny' || (allowed && effect === 'Allow'));
  const denies = views.filter(({ matches, effect }) => matches && effect === 'Deny');
  const decisive = denies.length > 0 ? denies : views.filter(decides);
  return {
    action,
    resource,
    allowed,
    reason,
    decisive,
    others: views.filter((view) => !decisive.includes(view)),
  };
}

/** A statement as its author wrote it. In the evaluated policy, some keys and actions have other names. */
function originalOf(policy: PolicyJson | undefined, number: number): unknown {
  const statements = Array.isArray(policy?.Statement) ? policy.Statement : [policy?.Statement];
  return statements[number - 1];
}

function missesOf(explain: {
  readonly actionMatch: boolean;
  readonly resourceMatch: boolean;
  readonly principalMatch: string;
  readonly conditionMatch: boolean;
}): string[] {
  return [
    ...(explain.actionMatch ? [] : ['another action']),
    ...(explain.resourceMatch ? [] : ['another resource']),
    ...(explain.principalMatch === 'NoMatch' ? ['another principal'] : []),
    ...(explain.conditionMatch ? [] : ['a condition that does not hold']),
  ];
}
