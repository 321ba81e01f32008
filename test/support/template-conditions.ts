import type { Template, TemplateParameter } from './template.ts';

/** Parameter values by name. Missing ones have their defaults. */
export type ParameterValues = Readonly<Record<string, string>>;

/** Evaluates the template's conditions for these parameters. */
export function evaluateConditions(template: Template, given: ParameterValues): ReadonlyMap<string, boolean> {
  const holds = evaluator(template, given);
  return new Map(Object.keys(template.Conditions).map((name) => [name, holds({ Condition: name })]));
}

/** Why CloudFormation would refuse these parameters, a sentence for each reason. Empty if it would not. */
export function refusals(template: Template, given: ParameterValues): string[] {
  const holds = evaluator(template, given);
  const constraints = Object.entries(given).flatMap(([name, value]) => {
    const parameter = template.Parameters[name];
    if (parameter === undefined) return [`There is no parameter ${name}.`];
    return fits(parameter, value)
      ? []
      : [`${name} ${parameter.ConstraintDescription ?? 'is out of bounds.'}`];
  });
  const assertions = Object.values(template.Rules)
    .filter(({ RuleCondition }) => RuleCondition === undefined || holds(RuleCondition))
    .flatMap(({ Assertions }) => Assertions)
    .filter(({ Assert }) => !holds(Assert));
  return [...constraints, ...assertions.map(({ AssertDescription }) => AssertDescription)];
}

/** Checks a parameter's constraints. A pattern must match the whole value, as in CloudFormation. */
function fits(parameter: TemplateParameter, value: string): boolean {
  const { AllowedPattern, AllowedValues, MinValue = -Infinity, MaxValue = Infinity } = parameter;
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) return false;
  if (AllowedValues !== undefined && !AllowedValues.map(String).includes(value)) return false;
  return parameter.Type === 'String' || (Number(value) >= MinValue && Number(value) <= MaxValue);
}

/** Evaluates the functions that may be in conditions and in rules. */
function evaluator(template: Template, given: ParameterValues): (expression: object) => boolean {
  const named = (name: string): string => given[name] ?? String(template.Parameters[name]?.Default);
  const operandValue = (operand: unknown): string => {
    if (typeof operand === 'string') return operand;
    const [name = ''] = Object.keys(Object(operand));
    const operands = operandsOf(operand, name);
    switch (name) {
      case 'Ref':
        return named(String(operands[0]));
      case 'Fn::Sub':
        return String(operands[0]).replace(/\$\{(\w+)\}/g, (_, inner: string) => named(inner));
      case 'Fn::Select': {
        const [separator, text] = operandsOf(operands[1], 'Fn::Split');
        return operandValue(text).split(String(separator))[Number(operands[0])] ?? '';
      }
      default:
        throw new Error(`${name} is no function of values in conditions.`);
    }
  };
  const holds = (expression: unknown): boolean => {
    if (typeof expression !== 'object' || expression === null) throw new Error('No condition.');
    const [name = ''] = Object.keys(expression);
    const operands = operandsOf(expression, name);
    switch (name) {
      case 'Condition':
        return holds(template.Conditions[String(operands[0])]);
      case 'Fn::Equals':
        return operandValue(operands[0]) === operandValue(operands[1]);
      case 'Fn::Not':
        return !holds(operands[0]);
      case 'Fn::And':
        return operands.every(holds);
      case 'Fn::Or':
        return operands.some(holds);
      default:
        throw new Error(`${name} is no function of conditions.`);
    }
  };
  return holds;
}

function operandsOf(expression: unknown, name: string): unknown[] {
  const operands: unknown =
    typeof expression === 'object' && expression !== null ? Reflect.get(expression, name) : undefined;
  if (operands === undefined) throw new Error(`${JSON.stringify(expression)} is not ${name}.`);
  return Array.isArray(operands) ? operands : [operands];
}
