import { isLike } from '../../iam-wildcards.ts';
import type { PolicyJson } from './principals.ts';

/** Actions that AWS has and iam-simulate does not know. */
const newerActions = new Set(
  [
    'AcceptCrossAccountReplication',
    'AssociateCrossAccountReplica',
    'DisassociateCrossAccountReplica',
    'ListResourcePolicies',
  ].map((name) => `secretsmanager:${name}`),
);
/** An action that iam-simulate knows, with the same resource and condition keys. It stands for the newer ones. */
const representativeAction = 'secretsmanager:GetResourcePolicy';
/** A pattern that {@link representativeAction} doesn't match. */
const unrelatedAction = 'secretsmanager:GetRandomPassword';

function isNewer(action: string): boolean {
  return newerActions.has(action);
}

/** The action to ask iam-simulate about in place of this one. */
export function knownAction(action: string): string {
  return isNewer(action) ? representativeAction : action;
}

/** The policy for a request of this action. For a newer action, statements name the known action if they match the newer one. */
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
