import type { ParameterValues } from '../support/template-conditions.ts';

const region = 'us-east-1:123456789012';
const key = (id: number): string => `arn:aws:kms:${region}:key/11111111-2222-3333-4444-00000000000${id}`;
const secret = (name: string): string => `arn:aws:secretsmanager:${region}:secret:${name}-AbCdEf`;

/** The name that stands for the ARN of the secret to attach to. The ARN's random suffix is known only when it is made. */
export const attachedSecret = 'dev/attached';

/** The name of a role that exists before anything is deployed. */
export const ownRole = 'rotation';

const vpc = {
  vpcSubnetIds: 'subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719',
  vpcSecurityGroupIds: 'sg-0a1b2c3d4e5f60718',
};
const keys = { kmsKeyArn: `${key(1)},${key(2)}` };
const admins = {
  superuserSecretArn: `${secret('dev/admin')},${secret('dev/other-admin')}`,
  superuserSecretKmsKeyArn: key(3),
};
const defaultAdmin = { defaultAdminSecretArn: secret('dev/default-admin') };
const boundary = { permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/boundary' };
const privateCa = { privateCaLayerArn: `arn:aws:lambda:${region}:layer:private-ca:1` };
const passwords = {
  excludeCharacters: '%:;',
  excludePunctuation: 'true',
  passwordLength: '24',
  usernameCharacterLimit: '30',
};
const cacheUsers = { cacheUserArns: `arn:aws:elasticache:${region}:user:shop` };
const attached = { attachSecretArn: secret(attachedSecret) };

/** Parameters that switch each of the template's conditions on, and off: one deployment for each. */
export const combinations = {
  plain: {},
  vpc,
  'own-role': { roleArn: `arn:aws:iam::123456789012:role/${ownRole}` },
  boundary,
  'customer-key': keys,
  admins: { ...admins, rdsDescribe: 'true' },
  'default-admin': { ...defaultAdmin, ...privateCa },
  attached,
  traced: { tracing: 'true' },
  'served-accounts': { servedAccountIds: '111111111111,222222222222' },
  'cache-users': cacheUsers,
  monitored: { monitoring: 'true' },
  'encrypted-log-and-topic': { monitoring: 'true', logAndAlarmKmsKeyArn: key(4) },
  everything: {
    ...vpc,
    ...boundary,
    ...keys,
    ...admins,
    ...defaultAdmin,
    ...privateCa,
    ...passwords,
    ...attached,
    ...cacheUsers,
    rdsDescribe: 'true',
    tracing: 'opentelemetry',
    openTelemetryLayerArn: 'arn:aws:lambda:us-east-1:615299751070:layer:AWSOpenTelemetryDistroJs:5',
    vpcEndpointVpcId: 'vpc-0a1b2c3d4e5f60718',
    servedAccountIds: '111111111111,222222222222,333333333333,444444444444,555555555555',
    architecture: 'arm64',
    monitoring: 'true',
    alarmTopicArn: `arn:aws:sns:${region}:alarms`,
    logAndAlarmKmsKeyArn: key(4),
    gapAlarmMilliseconds: '500',
    rotationSchedule: 'cron(0 3 ? * SUN *)',
    rotationWindow: '2h',
    rotateImmediately: 'true',
    tokenRevocation: '24h',
    revokePreviousEvery: 'rate(1 hour)',
  },
} as const satisfies Readonly<Record<string, ParameterValues>>;

/** One of {@link combinations}. */
export type CombinationName = keyof typeof combinations;
