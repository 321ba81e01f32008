import { readTemplate } from '../support/template.ts';
import { resolveValue } from '../support/template-values.ts';

/** A statement of a role. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** The statements of a role of fleet.yaml. @param given parameters, and pseudo parameters by their names */
export async function fleetStatements(
  role: string,
  given: Readonly<Record<string, string>>,
): Promise<readonly Statement[]> {
  const template = await readTemplate('fleet.yaml');
  const values = { fleetName: 'keyturn-fleet', ...given };
  const resolved = resolveValue(template, values, template.Resources[role]?.Properties);
  const { Policies }: { Policies: { PolicyDocument: { Statement: Statement[] } }[] } = Object(resolved);
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}
