import { stringify } from 'yaml';
import { type Definition, fleetDefinition, targetDefinition } from '../src/fleet/definition.ts';

const definitions = { targetDefinition, fleetDefinition };

/** Puts the present definitions of the state machines into the text of fleet.yaml. */
export function withDefinitions(template: string): string {
  return Object.entries(definitions).reduce(
    (text, [name, definition]) =>
      text.replace(
        new RegExp(`( *)# ${name}: written by npm run generate:fleet\n[^]*?( *)# /${name}`),
        (_all, indent: string) =>
          `${indent}# ${name}: written by npm run generate:fleet\n${yamlOf(definition, indent)}${indent}# /${name}`,
      ),
    template,
  );
}

function yamlOf(definition: Definition, indent: string): string {
  // CloudFormation reads YAML 1.1, in which a bare `off` is a boolean.
  const settings = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;
  const text = stringify({ Definition: definition }, settings);
  return text.replace(/^(?=.)/gm, indent);
}
