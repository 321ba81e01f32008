import { subjects } from '../matrix/harnesses.ts';
import { type Reason, reasons, type Witness } from './reasons.ts';
import { type RoleStatement, readRole } from './role.ts';
import { scenarios } from './scenarios.ts';

const head = `# What may the function's role do, and why?

\`template.yaml\` makes the role. This page has a section for each of its statements, and shows them for the parameters of a test.
With the parameter \`roleArn\` the template makes no role. Then give your role these permissions. If the tags of an admin secret name
its form, the role also needs \`secretsmanager:DescribeSecret\` for that admin secret.

## How the test works

\`test/permissions/least-privilege.test.ts\` gives the role to the function, at a [local Secrets Manager](local.md) that enforces
policies. All rotations pass. Then the test takes away one action at a time. The last column of each table names the rotation that
fails without the action. The refusal names the action. For a KMS key, AWS's refusal does not name the action. It says only that access
to KMS is not allowed.

With the whole role, the test also tries what the role must not allow: secrets of other functions or of none, deletion, policies, other
keys. All of it is refused.

Only Secrets Manager and its keys enforce policies in this test. Lambda, CloudWatch, RDS, ElastiCache, MemoryDB, X-Ray and EC2 do not.
So no rotation fails without their actions.

\`npm run generate:permissions\` writes this page, and a test compares it.
`;

/** Text of docs/permissions.md, for the role that template.yaml makes now. */
export async function permissionsDocument(): Promise<string> {
  const statements = await readRole();
  return [head, rotations(), ...statements.map(section)].join('\n');
}

/** What the test rotates with the role. */
function rotations(): string {
  return [
    '## What rotates with it',
    '',
    'The test rotates each of these twice. The second rotation revokes what the first has replaced, for rotators that revoke:',
    '',
    ...subjects().map(({ rotator }) => `- \`${rotator}\``),
    '',
    'It also tries these special cases:',
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

/** The statement's resources and conditions, as the template makes them for the test's parameters. */
function bounds({ Resource, Condition }: RoleStatement): string[] {
  const resources = [Resource].flat().map((resource) => `- \`${String(resource)}\``);
  const condition = Condition === undefined ? [] : [`- if \`${JSON.stringify(Condition)}\``];
  return [...resources, ...condition, ''];
}

function shown(witness: Witness | undefined): string {
  if (witness === undefined) throw new Error('test/permissions/reasons.ts does not know every action.');
  return typeof witness === 'string' ? witness : `none. ${witness.notHere}`;
}
