import type { PolicyJson } from '../../src/local/index.ts';
import { readTemplate } from '../support/template.ts';
import type { ParameterValues } from '../support/template-conditions.ts';
import { resolveValue } from '../support/template-values.ts';

/** A statement of the role that the template makes. */
export interface RoleStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const account = '123456789012';
const secretNamed = (name: string) => `arn:aws:secretsmanager:us-east-1:${account}:secret:${name}-??????`;

/** The function's name, as the rotation fixture registers it. */
export const functionName = 'rotate';

/** Names and keys of the secrets that the role is made for. */
export const names = {
  admin: 'admin',
  defaultAdmin: 'rds!db-default-admin',
  managedAdmin: 'rds!db-admin',
  secretKey: `arn:aws:kms:us-east-1:${account}:key/secrets`,
  adminKey: `arn:aws:kms:us-east-1:${account}:key/admins`,
};

/** Parameters with which the template makes all of its statements. */
const everything = {
  functionName,
  kmsKeyArn: names.secretKey,
  superuserSecretArn: [names.admin, names.managedAdmin].map(secretNamed).join(','),
  superuserSecretKmsKeyArn: names.adminKey,
  defaultAdminSecretArn: secretNamed(names.defaultAdmin),
  rdsDescribe: 'true',
  cacheUserArns: `arn:aws:elasticache:us-east-1:${account}:user:shop,arn:aws:memorydb:us-east-1:${account}:user/shop`,
  tracing: 'true',
  vpcSubnetIds: 'subnet-1',
  vpcSecurityGroupIds: 'sg-1',
};

/** Statements of the role that template.yaml makes. @param given by default what makes all of them */
export async function readRole(given: ParameterValues = everything): Promise<readonly RoleStatement[]> {
  const template = await readTemplate();
  const role = resolveValue(template, given, template.Resources.RotationRole?.Properties);
  const statements = policiesIn(role).flatMap(({ PolicyDocument: { Statement } }) => Statement);
  return statements.map((statement) => ({ ...statement, Action: [statement.Action].flat() }));
}

interface RolePolicy {
  readonly PolicyDocument: { readonly Statement: readonly (RoleStatement & { Action: string | string[] })[] };
}

function policiesIn(role: unknown): readonly RolePolicy[] {
  const { Policies }: { readonly Policies: readonly RolePolicy[] } = Object(role);
  return Policies;
}

/** The statements as a policy; without one action of one of them if that is named. */
export function policyOf(
  statements: readonly RoleStatement[],
  without?: { readonly sid: string; readonly action: string },
): PolicyJson {
  const left = statements.map((statement) =>
    statement.Sid === without?.sid
      ? { ...statement, Action: statement.Action.filter((action) => action !== without.action) }
      : statement,
  );
  return { Version: '2012-10-17', Statement: left.filter(({ Action }) => Action.length > 0) };
}
