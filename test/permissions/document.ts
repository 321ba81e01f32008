import { subjects } from '../matrix/harnesses.ts';
import { type Reason, reasons, type Witness } from './reasons.ts';
import { type RoleStatement, readRole } from './role.ts';
import { scenarios } from './scenarios.ts';

const head = `# What the function's role may do, and why

This page shows the role that \`template.yaml\` makes, statement by statement, for the parameters of a test.

\`test/permissions/least-privilege.test.ts\` gives the role to the function, at a [local Secrets Manager](local.md) that enforces
policies. All rotations pass. Then it takes away one action after the other. The rotation in the last column of each table
fails without the action, and the refusal names the action. For keys it names the key, because AWS does not say which action
on it was missing.

With the whole role, everything outside of it is refused: secrets of other functions and of none, deletion, policies, other
keys. The test has no Lambda, RDS and EC2. The last column says what their actions are for.

\`npm run generate:permissions\` writes this page, and a test compares it.
`;

/** docs/permissions.md, for the role that the template makes now. */
export async function permissionsDocument(): Promise<string> {
  const statements = await readRole();
  return [head, rotations(), ...statements.map(section)].join('\n');
}

/** All that passes with the role. */
function rotations(): string {
  return [
    '## What rotates with it',
    '',
    'Two rotations of each of these. The second one revokes what the first has replaced, where something is revoked:',
    '',
    ...subjects().map(({ rotator }) => `- \`${rotator}\``),
    '',
    'And these special cases:',
    '',
    ...Object.keys(scenarios).map((name) => `- ${name}`),
    '',
  ].join('\n');
}

function section(statement: RoleStatement): string {
  const reason = reasons[statement.Sid];
  if (!reason) throw new Error(`test/permissions/reasons.ts gives no reason for ${statement.Sid}.`);
  const lines = statement.Action.map((action) => `| \`${action}\` | ${shown(reason.actions[action])} |`);
  return [
    `## ${statement.Sid}`,
    '',
    `${statement.Effect}, ${made(reason)}. ${reason.why}`,
    '',
    ...bounds(statement),
    '| action | the rotation that fails without it |',
    '|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function made({ when }: Reason): string {
  return when === 'always' ? 'always' : `with the parameter ${when}`;
}

/** The resources and the conditions, as the template makes them for the test's parameters. */
function bounds({ Resource, Condition }: RoleStatement): string[] {
  const resources = [Resource].flat().map((resource) => `- \`${String(resource)}\``);
  const condition = Condition === undefined ? [] : [`- where \`${JSON.stringify(Condition)}\``];
  return [...resources, ...condition, ''];
}

function shown(witness: Witness | undefined): string {
  if (witness === undefined) throw new Error('test/permissions/reasons.ts does not know every action.');
  return typeof witness === 'string' ? witness : `none: ${witness.notHere}`;
}
