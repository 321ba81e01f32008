import { isLike } from '../iam-wildcards.ts';
import type { PolicyDenial } from './facts.ts';

/** The actions that every rotation needs on its secret. */
const neededActions = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
] as const;

/**
 * The first statement of a resource policy that denies a role what a rotation needs. Conditions on the principal's ARN
 * are evaluated; a statement with any other condition is reported as conditional.
 *
 * @param policy JSON, as GetResourcePolicy answers it
 * @returns undefined if no statement does, or if the text is no policy
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function denialIn(policy: string, roleArn: string): PolicyDenial | undefined {
  const statements = listOf(memberOf(parse(policy), 'Statement'));
  for (const [index, statement] of statements.entries()) {
    if (memberOf(statement, 'Effect') !== 'Deny' || !isAbout(statement, roleArn)) continue;
    const actions = neededActions.filter((action) => covers(statement, action));
    const conditions = conditionsOf(statement, roleArn);
    if (actions.length === 0 || conditions === 'not met') continue;
    const name = memberOf(statement, 'Sid') ?? `number ${index + 1}`;
    return { statement: String(name), actions, conditional: conditions === 'unknown' };
  }
  return undefined;
}

function isAbout(statement: unknown, roleArn: string): boolean {
  const excepted = memberOf(statement, 'NotPrincipal');
  if (excepted !== undefined) return !matchesPrincipal(excepted, roleArn);
  return matchesPrincipal(memberOf(statement, 'Principal'), roleArn);
}

function matchesPrincipal(principal: unknown, roleArn: string): boolean {
  const account = roleArn.split(':')[4];
  const named = [...listOf(principal), ...listOf(memberOf(principal, 'AWS'))];
  return named.some(
    (name) => name === '*' || name === roleArn || name === account || name === `arn:aws:iam::${account}:root`,
  );
}

function covers(statement: unknown, action: string): boolean {
  const excepted = memberOf(statement, 'NotAction');
  if (excepted !== undefined) return !listOf(excepted).some((pattern) => isLike(action, String(pattern)));
  return listOf(memberOf(statement, 'Action')).some((pattern) => isLike(action, String(pattern)));
}

function conditionsOf(statement: unknown, roleArn: string): 'met' | 'not met' | 'unknown' {
  const condition = memberOf(statement, 'Condition');
  if (condition === undefined) return 'met';
  let result: 'met' | 'unknown' = 'met';
  for (const [operator, keys] of entriesOf(condition)) {
    for (const [key, values] of entriesOf(keys)) {
      if (key.toLowerCase() !== 'aws:principalarn') {
        result = 'unknown';
        continue;
      }
      const isNamed = listOf(values).some((value) => isLike(roleArn, String(value)));
      const isMet = /Not/.test(operator) ? !isNamed : isNamed;
      if (!isMet) return 'not met';
    }
  }
  return result;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
