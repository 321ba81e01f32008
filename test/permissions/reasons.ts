import type { ScenarioName } from './scenarios.ts';

/** Why a statement is in the role, and which rotation fails without each of its actions. */
export interface Reason {
  /** The template's parameter that adds the statement; `always` if the statement is always there. */
  readonly when: string;
  readonly why: string;
  readonly actions: Readonly<Record<string, Witness>>;
}

/** The rotation that fails without the action; or why no rotation of the test does. */
export type Witness = ScenarioName | { readonly notHere: string };

const networkInterfaces = (notHere: string) =>
  Object.fromEntries(
    [
      'AssignPrivateIpAddresses',
      'CreateNetworkInterface',
      'DeleteNetworkInterface',
      'DescribeNetworkInterfaces',
      'DescribeSubnets',
      'UnassignPrivateIpAddresses',
    ].map((action) => [`ec2:${action}`, { notHere }]),
  );
const notCalled = { notHere: 'The test enforces only Secrets Manager and its keys' };

/** By the statement's Sid. */
export const reasons: Readonly<Record<string, Reason>> = {
  RotateSecretsAttachedToThisFunction: {
    when: 'always',
    why: 'A rotation reads the secret and its versions, writes the new version, and moves the labels. The condition limits this to secrets whose rotation function this is. With `servedAccountIds`, the resources also include secrets of those accounts.',
    actions: {
      'secretsmanager:DescribeSecret': 'Postgres, single user',
      'secretsmanager:GetSecretValue': 'Postgres, single user',
      'secretsmanager:ListSecretVersionIds':
        'a cleared AWSPENDING: the password is in a version without labels',
      'secretsmanager:PutSecretValue': 'Postgres, single user',
      'secretsmanager:UpdateSecretVersionStage': 'Postgres, single user',
    },
  },
  UseKeysOfSecrets: {
    when: '`kmsKeyArn`',
    why: 'If a secret is under a customer’s key, Secrets Manager uses the key in the name of the caller. The condition limits this to calls that come through Secrets Manager.',
    actions: {
      'kms:Decrypt': 'Postgres, single user, under a customer’s key',
      'kms:GenerateDataKey': 'Postgres, single user, under a customer’s key',
    },
  },
  ReadAdminSecrets: {
    when: '`superuserSecretArn`; DescribeSecret with `rdsDescribe=true`',
    why: 'An admin changes alternating users, and sets lost passwords. If RDS manages the admin secret, the secret’s tags name its instance.',
    actions: {
      'secretsmanager:GetSecretValue': 'Postgres, alternating users',
      'secretsmanager:DescribeSecret': 'Postgres, alternating users, whose admin secret RDS manages',
    },
  },
  ReadDefaultAdminSecret: {
    when: '`defaultAdminSecretArn`; DescribeSecret with `rdsDescribe=true`',
    why: 'The same as ReadAdminSecrets, for the admin secret of secrets that name none.',
    actions: {
      'secretsmanager:GetSecretValue': 'a lost password, by the default admin secret',
      'secretsmanager:DescribeSecret': 'a lost password, by a default admin secret that RDS manages',
    },
  },
  UseKeysOfAdminSecrets: {
    when: '`superuserSecretKmsKeyArn`',
    why: 'The function reads admin secrets that are under a customer’s key, and never writes them. So it may decrypt, and not encrypt.',
    actions: {
      'kms:Decrypt': 'Postgres, alternating users, whose admin secret is under a customer’s key',
    },
  },
  DescribeRds: {
    when: '`rdsDescribe=true`',
    why: 'An admin secret that RDS manages holds no host, so the function asks RDS. If a secret names a read replica and its admin secret another host, RDS says whether that host is the replica’s source.',
    actions: {
      'rds:DescribeDBClusters': notCalled,
      'rds:DescribeDBInstances': notCalled,
    },
  },
  SetPasswordsOfCacheUsers: {
    when: '`cacheUserArns`',
    why: 'The function sets passwords of the users that the parameter names, and of no others.',
    actions: { 'elasticache:ModifyUser': notCalled, 'memorydb:UpdateUser': notCalled },
  },
  DescribeCacheUsers: {
    when: '`cacheUserArns`',
    why: 'The function waits until the user is active. Then it proves the password at a cache of the user’s groups.',
    actions: {
      'elasticache:DescribeReplicationGroups': notCalled,
      'elasticache:DescribeServerlessCaches': notCalled,
      'elasticache:DescribeUserGroups': notCalled,
      'elasticache:DescribeUsers': notCalled,
      'memorydb:DescribeACLs': notCalled,
      'memorydb:DescribeClusters': notCalled,
      'memorydb:DescribeUsers': notCalled,
    },
  },
  WriteLog: {
    when: 'always',
    why: 'Lambda writes the function’s log with the function’s role, to the log group that the template makes.',
    actions: { 'logs:CreateLogStream': notCalled, 'logs:PutLogEvents': notCalled },
  },
  WriteTraces: {
    when: '`tracing=true` or `tracing=opentelemetry`',
    why: 'Both ways of tracing send to X-Ray. X-Ray has no resources that a statement could name.',
    actions: { 'xray:PutTelemetryRecords': notCalled, 'xray:PutTraceSegments': notCalled },
  },
  LetLambdaMakeNetworkInterfaces: {
    when: '`vpcSubnetIds`',
    why: 'Lambda connects the function to its subnets with the function’s role.',
    actions: networkInterfaces('Lambda calls it, and the test has no Lambda and no VPC'),
  },
  KeepNetworkInterfacesFromTheCode: {
    when: '`vpcSubnetIds`',
    why: 'Lambda itself may make network interfaces for the function. This statement denies it to the function’s own code.',
    actions: networkInterfaces('The function’s code never calls it'),
  },
};
