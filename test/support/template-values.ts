import type { Template } from './template.ts';
import { evaluateConditions, type ParameterValues } from './template-conditions.ts';

/** CloudFormation's pseudo parameters, with the values of a test deployment. */
export const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** Stands for `AWS::NoValue`, which removes the member. */
const nothing = Symbol('AWS::NoValue');

/** A value of the template, with its functions evaluated for these parameters. */
export function resolveValue(template: Template, given: ParameterValues, value: unknown): unknown {
  const conditions = evaluateConditions(template, given);
  const named = (name: string): unknown => {
    if (name === 'AWS::NoValue') return nothing;
    const value = given[name] ?? pseudoParameters[name] ?? template.Parameters[name]?.Default;
    if (value !== undefined || name in template.Resources) return value ?? name;
    // In Fn::Sub, `Resource.Attribute` is an attribute.
    return name.replace(/\..*/, '') in template.Resources ? `arn:aws:template:::${name}` : undefined;
  };
  const call = (name: string, operand: unknown): unknown => {
    const operands: unknown[] = Array.isArray(operand) ? operand : [operand];
    switch (name) {
      case 'Ref':
        return named(String(operand));
      case 'Fn::Sub':
        return String(operands[0]).replace(/\$\{([^}]+)\}/g, (_, inner: string) =>
          String(resolve(Object(operands[1])[inner]) ?? named(inner)),
        );
      case 'Fn::Select':
        return Array.from(Object(resolve(operands[1])))[Number(resolve(operands[0]))];
      case 'Fn::If':
        return resolve(conditions.get(String(operands[0])) ? operands[1] : operands[2]);
      case 'Fn::Split':
        return String(resolve(operands[1])).split(String(operands[0]));
      case 'Fn::GetAtt':
        return `arn:aws:template:::${String(operand)}`;
      default:
        return undefined;
    }
  };
  const resolve = (unresolved: unknown): unknown => {
    if (Array.isArray(unresolved)) return unresolved.map(resolve).filter((item) => item !== nothing);
    if (typeof unresolved !== 'object' || unresolved === null) return unresolved;
    const entries = Object.entries(unresolved);
    const [[name = '', operand] = []] = entries;
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) return call(name, operand);
    const members = entries.map(([key, member]): [string, unknown] => [key, resolve(member)]);
    return Object.fromEntries(members.filter(([, member]) => member !== nothing));
  };
  return resolve(value);
}
