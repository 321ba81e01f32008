import type { ConditionContext, PolicyJson } from './principals.ts';

/**
 * Families of condition keys that AWS has and iam-simulate does not: what follows the prefix is anything. They go by
 * the name of a family that it knows, in policies and requests alike.
 */
const keyFamilies: readonly (readonly [prefix: string, known: string])[] = [
  ['secretsmanager:ResourceTag/', 'aws:ResourceTag/'],
  ['kms:EncryptionContext:', 'aws:RequestTag/kms:EncryptionContext:'],
];

/** The request's keys, by names that iam-simulate knows. */
export function knownContext(context: ConditionContext): Record<string, string | string[]> {
  const entries = Object.entries(context).map(([key, value]): [string, string | string[]] => [
    knownKey(key),
    typeof value === 'string' ? value : [...value],
  ]);
  return Object.fromEntries(entries);
}

/** The policy, with the keys of its conditions by names that iam-simulate knows. */
export function knownPolicy(policy: PolicyJson): PolicyJson {
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return { ...policy, Statement: statements.map(knownStatement) };
}

function knownStatement(statement: unknown): unknown {
  if (!isObject(statement) || !isObject(statement.Condition)) return statement;
  const conditions = Object.entries(statement.Condition).map(([operator, keys]) => [
    operator,
    isObject(keys)
      ? Object.fromEntries(Object.entries(keys).map(([key, value]) => [knownKey(key), value]))
      : keys,
  ]);
  return { ...statement, Condition: Object.fromEntries(conditions) };
}

function knownKey(key: string): string {
  const family = keyFamilies.find(([prefix]) => key.toLowerCase().startsWith(prefix.toLowerCase()));
  return family === undefined ? key : family[1] + key.slice(family[0].length);
}

function isObject(value: unknown): value is PolicyJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
