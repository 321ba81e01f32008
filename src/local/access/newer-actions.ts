import { isLike } from '../../iam-wildcards.ts';
import type { PolicyJson } from './principals.ts';

/** Actions that AWS has and iam-simulate's data does not, and one of the same resource and condition keys that both have. */
const newerActions = new Set(
  [
    'AcceptCrossAccountReplication',
    'AssociateCrossAccountReplica',
    'DisassociateCrossAccountReplica',
    'ListResourcePolicies',
  ].map((name) => `secretsmanager:${name}`),
);
const representativeAction = 'secretsmanager:GetResourcePolicy';
/** What no request for {@link representativeAction} matches. */
const unrelatedAction = 'secretsmanager:GetRandomPassword';

/** Whether iam-simulate has to be asked by another action. */
export function isNewer(action: string): boolean {
  return newerActions.has(action);
}

/** The action by which iam-simulate is asked for this one. */
export function knownAction(action: string): string {
  return isNewer(action) ? representativeAction : action;
}

/** The policy as far as it is about a newer action, with the known action in its place. */
export function policyFor(action: string, policy: PolicyJson): PolicyJson {
  if (!isNewer(action)) return policy;
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return { ...policy, Statement: statements.map((statement) => statementFor(action, statement)) };
}

function statementFor(action: string, statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null) return statement;
  const renamed = ['Action', 'NotAction'].flatMap((member): [string, string][] => {
    const patterns: unknown = Reflect.get(statement, member);
    if (patterns === undefined) return [];
    const all: unknown[] = Array.isArray(patterns) ? patterns : [patterns];
    return [
      [
        member,
        all.some((pattern) => isLike(action, String(pattern))) ? representativeAction : unrelatedAction,
      ],
    ];
  });
  return { ...statement, ...Object.fromEntries(renamed) };
}
