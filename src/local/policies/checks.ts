import { isLike } from '../../iam-wildcards.ts';
import type { Condition, PolicyDocument, Statement } from './document.ts';

/**
 * The keys that keep a policy for everybody from being public when they are compared with fixed values.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
const narrowingKeys = new Set(
  [
    'SourceArn',
    'SourceVpc',
    'SourceVpce',
    'SourceAccount',
    'SourceIp',
    'PrincipalOrgID',
    'PrincipalAccount',
    'PrincipalArn',
  ].map((key) => `aws:${key}`.toLowerCase()),
);
const comparisonPattern =
  /^(ForAllValues:|ForAnyValue:)?((String|Arn)(Equals|Like|EqualsIgnoreCase)|IpAddress)$/;

/** Whether a policy lets in everybody who has an AWS account. AWS uses a solver, which finds more. */
export function grantsBroadAccess({ statements }: PolicyDocument): boolean {
  return statements.some(
    (statement) =>
      statement.effect === 'Allow' && isForEverybody(statement) && !statement.conditions.some(narrows),
  );
}

/** Whether a policy keeps everybody from changing it, even whoever put it. */
export function locksOut({ statements }: PolicyDocument): boolean {
  return statements.some(
    (statement) =>
      statement.effect === 'Deny' &&
      isForEverybody(statement) &&
      statement.conditions.length === 0 &&
      statement.actions?.some(coversPutResourcePolicy) === true,
  );
}

function isForEverybody({ principals }: Statement): boolean {
  return principals === undefined || principals.some(({ type, id }) => type === 'AWS' && id === '*');
}

function narrows({ operator, key, values }: Condition): boolean {
  return (
    comparisonPattern.test(operator) &&
    narrowingKeys.has(key.toLowerCase()) &&
    values.length > 0 &&
    values.every((value) => !/^[*?]*$|^0\.0\.0\.0\/0$|^::\/0$/.test(value) && !value.includes('${'))
  );
}

function coversPutResourcePolicy(action: string): boolean {
  return isLike('secretsmanager:PutResourcePolicy', action);
}
