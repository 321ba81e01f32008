import { readFile } from 'node:fs/promises';
import { type CollectionTag, parse, type ScalarTag, type Tags } from 'yaml';

/** A parameter of a CloudFormation template. */
export interface TemplateParameter {
  readonly Type: 'String' | 'Number';
  readonly Default: string | number;
  readonly Description: string;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly (string | number)[];
  readonly MinValue?: number;
  readonly MaxValue?: number;
  readonly ConstraintDescription?: string;
}

/** Assertions about the parameters, which CloudFormation checks before it creates anything. */
export interface TemplateRule {
  readonly RuleCondition?: object;
  readonly Assertions: readonly { readonly Assert: object; readonly AssertDescription: string }[];
}

/** A resource that a template makes. */
export interface TemplateResource {
  readonly Condition?: string;
  readonly Properties: object;
  readonly Metadata?: object;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** template.yaml, with `!Ref x` as `{ Ref: 'x' }`. */
export interface Template {
  readonly Parameters: Readonly<Record<string, TemplateParameter>>;
  readonly Rules: Readonly<Record<string, TemplateRule>>;
  readonly Conditions: Readonly<Record<string, object>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
}

/** Short forms of functions that the template uses. */
const functions = ['And', 'Equals', 'GetAtt', 'If', 'Not', 'Or', 'Select', 'Split', 'Sub'];

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
function shortForms(): Tags {
  const named = (tag: string, name: string): (CollectionTag | ScalarTag)[] => [
    { tag, resolve: (text: string) => ({ [name]: text }) },
    { tag, collection: 'seq', resolve: (list) => ({ [name]: 'toJSON' in list ? list.toJSON() : [] }) },
  ];
  return [
    ...functions.flatMap((name) => named(`!${name}`, `Fn::${name}`)),
    ...named('!Ref', 'Ref'),
    ...named('!Condition', 'Condition'),
  ];
}

/** Reads a template of the repository as CloudFormation does: in YAML 1.1, where a bare `off` is a boolean. */
export async function readTemplate(file = 'template.yaml'): Promise<Template> {
  const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  const template: Template = parse(text, { version: '1.1', customTags: shortForms() });
  return template;
}
