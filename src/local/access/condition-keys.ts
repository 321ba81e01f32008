import type { ConditionContext, PolicyJson } from './principals.ts';

/**
 * Families of condition keys that AWS has and iam-simulate does not know. Anything may follow the prefix. They are renamed to
 * a family that it knows, in policies and in requests.
 */
const keyFamilies: readonly (readonly [prefix: string, known: string])[] = [
  ['secretsmanager:ResourceTag/', 'aws:ResourceTag/'],
  ['kms:EncryptionContext:', 'aws:RequestTag/kms:EncryptionContext:'],
];

/** The condition keys of a request, renamed for iam-simulate. */
export function knownContext(context: ConditionContext): Record<string, string | string[]> {
  const entries = Object.entries(context).map(([key, value]): [string, string | string[]] => [
    knownKey(key),
    typeof value === 'string' ? value : [...value],
  ]);
  return Object.fromEntries(entries);
}

/** A policy whose condition keys are renamed for iam-simulate. */
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
