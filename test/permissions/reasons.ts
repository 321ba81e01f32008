import type { ScenarioName } from './scenarios.ts';

/** Why a statement is in the role, and which rotation fails without each of its actions. */
export interface Reason {
  /** When the template makes it. */
  readonly when: string;
  readonly why: string;
  readonly actions: Readonly<Record<string, Witness>>;
}

/** A rotation that fails without the action; or why no test here can need it. */
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
const notCalled = { notHere: 'Secrets Manager and its keys are all that is enforced here' };

/** By the statement's Sid. */
export const reasons: Readonly<Record<string, Reason>> = {
  RotateSecretsAttachedToThisFunction: {
    when: 'always',
    why: 'A rotation reads the secret and its versions, writes the new one, and moves the labels. Only of secrets that name this function as theirs.',
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
    why: 'Under a customer’s key, Secrets Manager encrypts and decrypts in the name of whoever asks. Only by way of Secrets Manager.',
    actions: {
      'kms:Decrypt': 'Postgres, single user, under a customer’s key',
      'kms:GenerateDataKey': 'Postgres, single user, under a customer’s key',
    },
  },
  ReadAdminSecrets: {
    when: '`superuserSecretArn`; DescribeSecret with `rdsDescribe=true`',
    why: 'Alternating users are changed by an admin, and lost passwords set. The tags of an admin secret that RDS manages name its instance.',
    actions: {
      'secretsmanager:GetSecretValue': 'Postgres, alternating users',
      'secretsmanager:DescribeSecret': 'Postgres, alternating users, whose admin secret RDS manages',
    },
  },
  ReadDefaultAdminSecret: {
    when: '`defaultAdminSecretArn`; DescribeSecret with `rdsDescribe=true`',
    why: 'The same, for the admin secret of secrets that name none.',
    actions: {
      'secretsmanager:GetSecretValue': 'a lost password, by the default admin secret',
      'secretsmanager:DescribeSecret': 'a lost password, by a default admin secret that RDS manages',
    },
  },
  UseKeysOfAdminSecrets: {
    when: '`superuserSecretKmsKeyArn`',
    why: 'Admin secrets under a customer’s key are read, and never written.',
    actions: {
      'kms:Decrypt': 'Postgres, alternating users, whose admin secret is under a customer’s key',
    },
  },
  DescribeRds: {
    when: '`rdsDescribe=true`',
    why: 'Admin secrets that RDS manages hold no host, and the source of a read replica has another.',
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
    why: 'A user is waited for until it is active, and the password is proven at a cache of its groups.',
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
    why: 'Lambda writes the function’s log in its name, to the log group that the template makes.',
    actions: { 'logs:CreateLogStream': notCalled, 'logs:PutLogEvents': notCalled },
  },
  WriteTraces: {
    when: '`tracing=true`',
    why: 'X-Ray has no resources that a statement could name.',
    actions: { 'xray:PutTelemetryRecords': notCalled, 'xray:PutTraceSegments': notCalled },
  },
  LetLambdaMakeNetworkInterfaces: {
    when: '`vpcSubnetIds`',
    why: 'Lambda connects the function to its subnets in its name.',
    actions: networkInterfaces('Lambda’s doing; there is no Lambda and no VPC here'),
  },
  KeepNetworkInterfacesFromTheCode: {
    when: '`vpcSubnetIds`',
    why: 'Lambda may make network interfaces for the function. The function’s own code may not, by this deny.',
    actions: networkInterfaces('The code calls nothing of it'),
  },
};
