import type { ErrorCode } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/** The names and ids that a command needs; never a value. */
export interface About {
  /** The secret's friendly name. */
  readonly name: string;
  readonly arn: string;
  readonly functionArn: string | undefined;
  /** How often it rotates, for `--every`: such as `30d`, or `PERIOD` if its schedule has another form. */
  readonly every: string;
  /** The version that has AWSPENDING and not AWSCURRENT. */
  readonly pending: string | undefined;
  /** The secret's KMS key, if it has its own. */
  readonly kmsKeyId: string | undefined;
}

/**
 * What `keyturn doctor --fix` may do. Each of them leaves every value in its version: `rotate` asks for a rotation, which
 * takes up an unfinished one, and `clear-empty-pending` takes AWSPENDING off a version that has no value.
 */
export type Fix = 'rotate' | 'clear-empty-pending';

/** A reason why a secret is not rotated. */
export interface Cause {
  /** One sentence: what is wrong. */
  readonly problem: string;
  /** What to do. The step never loses a credential that may be live. */
  readonly step: string;
  /** A command to be copied, for the step. */
  readonly command?: (about: About) => string | undefined;
  readonly fix?: Fix;
}

const rotate = ({ name }: About): string => `keyturn rotate ${shellWord(name)}`;
const putValue = ({ arn }: About): string =>
  `aws secretsmanager put-secret-value --secret-id ${shellWord(arn)} --secret-string file://new-value`;
const attach = ({ name, functionArn, every }: About): string =>
  `keyturn attach ${shellWord(name)} --function ${functionArn ?? 'ARN'} --every ${every}`;
const showLog = ({ functionArn }: About): string | undefined => functionArn && tailLogCommand(functionArn);
const configure =
  (change: string) =>
  (about: About): string | undefined =>
    about.functionArn && `aws lambda ${change.replace('FUNCTION', about.functionArn)}`;

function nameOf(functionArn: string): string {
  return functionArn.split(':')[6] ?? functionArn;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html */
const wayToSecretsManager =
  'In a VPC, a function needs an interface endpoint of Secrets Manager with private DNS names, or a route to a NAT gateway. Its security groups must let it through by port 443. See docs/vpc.md.';

/**
 * The only table of causes and steps. The function's errors, `keyturn status` and `keyturn doctor` use its words. The
 * first rows are the function's error codes. The others are found outside of the function.
 */
export const causes = {
  // Errors of the function.
  RotationNotEnabled: {
    problem: 'Rotation was turned off while a rotation was not complete.',
    step: 'Turn rotation on with RotateSecret, or ignore this call if rotation was cancelled.',
  },
  VersionNotStaged: {
    problem: 'The function was called for a version that the secret does not have.',
    step: 'Start a new rotation with RotateSecret: this one was abandoned.',
    command: rotate,
  },
  VersionNotPending: {
    problem: 'The function was called for a version that no longer has AWSPENDING.',
    step: 'Start a new rotation with RotateSecret: this version was given up.',
    command: rotate,
  },
  InvalidConfiguration: {
    problem: "A variable of the function is wrong: the function's message names it.",
    step: 'Correct the variable that the message names, then rotate. Look at the variables.',
    command: configure('get-function-configuration --function-name FUNCTION --query Environment'),
  },
  PasswordImpossible: {
    problem: 'The policy of new passwords leaves no password that the target can use.',
    step: 'Nothing was stored. Correct the policy of new passwords (PASSWORD_LENGTH, EXCLUDE_CHARACTERS).',
  },
  SecretNotFound: {
    problem: 'A secret that the rotation needs does not exist, or is scheduled for deletion.',
    step: 'Check the ARN, and that the secret is not scheduled for deletion.',
  },
  SecretHasNoValue: {
    problem: 'The secret has no current value, and a rotation has nothing to begin with.',
    step: 'To rotate it, first store the credential that works today.',
    command: putValue,
  },
  SecretIsBinary: {
    problem: 'The value of the secret is binary.',
    step: 'Store it as SecretString: Keyturn rotates text.',
  },
  MalformedSecret: {
    problem: "The secret's value has no form that the function can read.",
    step: 'Before you rotate again, name its form with the tag keyturn:form, or store a value of a known form.',
    command: putValue,
  },
  InvalidSecretField: {
    problem: "A field of the secret's value is missing or wrong: the function's message names it.",
    step: 'Before you rotate again, store a value in which the field is correct.',
    command: putValue,
  },
  UnknownRotator: {
    problem: 'The function has no rotator for this secret.',
    step: 'The message lists the rotators that the function has. Name one of them in the tag keyturn:rotator, then rotate.',
    command: ({ arn }) =>
      `aws secretsmanager tag-resource --secret-id ${shellWord(arn)} --tags Key=keyturn:rotator,Value=NAME`,
  },
  TargetChanged: {
    problem: 'AWSPENDING was made for another host, database or account than AWSCURRENT names now.',
    step: 'No credential was sent. Rotate again: the new version is made out of what AWSCURRENT is now.',
    command: rotate,
  },
  AdminSecretMissing: {
    problem: 'The rotator needs an admin secret, and none is named.',
    step: 'Put its ARN in "masterarn" of the secret, or in KEYTURN_ADMIN_SECRET_ARN.',
  },
  AdminServerDiffers: {
    problem: 'The admin secret is for another host than the secret.',
    step: 'Name the admin secret of the same server in masterarn; no password was sent.',
  },
  AdminRefused: {
    problem: 'The target refuses the credential of the admin secret.',
    step: 'Correct the admin secret, or rotate it, and rotate again.',
  },
  AccountNotServed: {
    problem: "Only the secret's own value says that the admin may change the account.",
    step: 'Nothing was changed. Name the account in the tag keyturn:accounts of the secret, or for this secret in "serves" of the admin secret, and rotate again.',
  },
  RightsExceeded: {
    problem: 'The account can do more at the target than the one that was proven.',
    step: 'Nothing was changed. Take these rights from it, or store a password of it that works, and rotate again.',
  },
  NoCredentialAccepted: {
    problem: 'The target refuses every stored version of the secret that was tried.',
    step: 'If AWSCURRENT holds the right password, see at the target whether it has expired or the account is locked. If nobody knows the right password, set one at the target. Before you rotate again, store the password that works with PutSecretValue.',
    command: putValue,
  },
  PendingRefused: {
    problem: 'The target refuses the pending credential after it was set.',
    step: 'Secrets Manager will retry the rotation, which sets it anew.',
    command: rotate,
    fix: 'rotate',
  },
  CurrentRefused: {
    problem: 'AWSCURRENT is on the version of this rotation already, and the target refuses it.',
    step: 'Rotate again: the new rotation tries AWSPREVIOUS and the versions without a label, and sets a new credential.',
    command: rotate,
    fix: 'rotate',
  },
  SecretChanged: {
    problem: 'Somebody has set AWSCURRENT to another version since the rotation began.',
    step: 'That version stays AWSCURRENT, and AWSPENDING was taken off the version of this rotation. Rotate again if the secret is still to be rotated.',
    command: rotate,
  },
  PasswordRejected: {
    problem: "The target's own policy refuses the new password.",
    step: 'Fit EXCLUDE_CHARACTERS and PASSWORD_LENGTH to its policy; the next rotation starts clean.',
  },
  PermissionDenied: {
    problem: 'The account, or the admin, may not change the password at the target.',
    step: 'Grant the account the right to do this, then rotate.',
    command: rotate,
  },
  AccountMissing: {
    problem: 'The account does not exist at the target.',
    step: 'Create the account, or correct its name in the secret. Then rotate.',
    command: rotate,
  },
  PrivilegesMissing: {
    problem: 'The next of the two users lacks privileges that the other has.',
    step: 'Grant what is missing, then rotate again.',
  },
  PreflightFailed: {
    problem: 'The function has looked at the current version, and a rotation would fail.',
    step: 'Correct this, then rotate: until then a rotation fails.',
  },
  TargetUnreachable: {
    problem: 'The function gets no connection to the target.',
    step: 'Check that the target runs, its host and port, and that subnets, security groups and routes let the function reach it. Then rotate.',
    command: rotate,
  },
  TargetBusy: {
    problem: 'The target takes no more connections, or is starting.',
    step: 'Secrets Manager will retry the rotation; look at the connection limit if this repeats.',
  },
  TargetReadOnly: {
    problem: 'The server takes no changes: it is a replica, or the database is read-only.',
    step: 'Name the primary, or a listener that leads to it, in "host"; or let the database take changes.',
  },
  TlsUnavailable: {
    problem: 'The server has no TLS, and plaintext is not allowed.',
    step: 'Turn TLS on at the server, or set "ssl": false in the secret. Then rotate.',
    command: rotate,
  },
  CertificateRejected: {
    problem: "The server's certificate is not trusted, or is for another name.",
    step: 'Name the file of its certificate authority in KEYTURN_CA_FILE (with the template: privateCaLayerArn), or the name in the certificate in "sslservername". Then rotate.',
    command: rotate,
  },
  TargetFailed: {
    problem: 'The target answers an error.',
    step: 'Look at the cause; Secrets Manager will retry the rotation.',
    command: showLog,
  },
  DeadlineExceeded: {
    problem: 'A step takes longer than the function may run.',
    step: `Raise the function's time-out; Secrets Manager will retry the rotation. ${wayToSecretsManager}`,
    command: configure('update-function-configuration --function-name FUNCTION --timeout 60'),
  },
  Throttled: {
    problem: 'AWS throttles calls of the function.',
    step: 'Secrets Manager will retry the rotation; spread schedules if this repeats.',
  },
  AccessDenied: {
    problem: "The function's role may not do what a rotation needs.",
    step: "Grant the function's role the action that the message names, on the secret or on its KMS key. Then rotate.",
    command: rotate,
  },
  SecretsManagerFailed: {
    problem: 'A call of Secrets Manager fails.',
    step: 'Check the endpoint and the network; Secrets Manager will retry the rotation.',
  },
  SecretsManagerUnreachable: {
    problem: 'The function gets no connection to Secrets Manager.',
    step: `${wayToSecretsManager} Elsewhere, check the endpoint and the network.`,
  },
  RdsFailed: {
    problem: 'The RDS API, which an RDS-managed admin secret or a replica needs, answers an error.',
    step: "Grant rds:DescribeDBInstances and rds:DescribeDBClusters to the function's role, or put host, port and engine in the admin secret. In a VPC, the RDS API needs an interface endpoint or a NAT.",
  },
  DriverMissing: {
    problem: 'The function was bundled without a package that this secret needs.',
    step: 'Install the package that the message names, bundle the function again and deploy it.',
  },
  InternalError: {
    problem: 'A fault in Keyturn or in a rotator.',
    step: "If the message names a rotator of your own, correct it. Otherwise please report it, with the function's log.",
    command: showLog,
  },

  // Causes outside of the function.
  SecretMarkedForDeletion: {
    problem: 'The secret is scheduled for deletion: it can be neither read nor rotated.',
    step: 'If you still need it, cancel the deletion.',
    command: ({ arn }) => restoreCommand(arn),
  },
  NeverAttached: {
    problem: 'Rotation was never turned on: nothing rotates the secret.',
    step: 'Turn rotation on.',
    command: attach,
  },
  RotationOff: {
    problem: 'Rotation was turned off: nothing rotates the secret.',
    step: 'Turn rotation on.',
    command: attach,
  },
  PendingMayBeLive: {
    problem:
      'The target refuses AWSCURRENT, and AWSPENDING has a value. Probably a rotation was cut off after the password was changed.',
    step: "Keep that version. If the function's log says NoCredentialAccepted, first store a password that works. Then rotate: Keyturn's functions try AWSPENDING, AWSPREVIOUS and the versions without a label.",
    command: rotate,
    fix: 'rotate',
  },
  CurrentDoesNotWork: {
    problem: 'The target refuses AWSCURRENT, and no rotation is under way.',
    step: "If the function's log says NoCredentialAccepted, first store a password that works. Then rotate: Keyturn's functions try AWSPREVIOUS and the versions without a label, and then the admin.",
    command: rotate,
    fix: 'rotate',
  },
  UnfinishedAndOff: {
    problem: 'Rotation was turned off while AWSPENDING was on a version that may hold the live credential.',
    step: 'Keep that version. Rotate: this turns rotation on again, and Secrets Manager continues with that version.',
    command: rotate,
  },
  EmptyPendingLeft: {
    problem: 'AWSPENDING was left on a version without a value, so that no other rotation begins.',
    step: 'Taking AWSPENDING off it is harmless, as no credential is in it.',
    command: ({ arn, pending }) => pending && clearPendingCommand(arn, pending),
    fix: 'clear-empty-pending',
  },
  RotationUnfinished: {
    problem: 'A rotation is not complete, and no source says why.',
    step: "Find out in the function's log why the rotation failed, and correct that. Then rotate: Secrets Manager continues with the version that has AWSPENDING.",
    command: (about) => [showLog(about), rotate(about)].filter(Boolean).join(' ; '),
    fix: 'rotate',
  },
  RotationOverdue: {
    problem: 'Rotation is on, but the window of its last rotation has passed without one.',
    step: 'Rotate now, and see what it says.',
    command: rotate,
    fix: 'rotate',
  },
  FunctionMissing: {
    problem: 'The rotation function does not exist.',
    step: 'Deploy it again, or attach the secret to the function that is to rotate it.',
    command: (about) => attach({ ...about, functionArn: undefined }),
  },
  FunctionNotInvocable: {
    problem: "The function's policy does not let Secrets Manager invoke it.",
    step: 'Let Secrets Manager invoke it, and nobody else.',
    command: ({ functionArn }) => functionArn && invokePermissionCommand(functionArn),
  },
  FunctionHasNoConcurrency: {
    problem: 'The function may not run: its reserved concurrency is 0.',
    step: 'Give it concurrency again, once you know who took it away and why.',
    command: configure('delete-function-concurrency --function-name FUNCTION'),
  },
  FunctionBroken: {
    problem: 'Lambda cannot run the function.',
    step: 'Deploy it again. A function that does not start has changed nothing.',
    command: showLog,
  },
  NoWayToSecretsManager: {
    problem: 'The function is in a VPC, and its subnets have no way to Secrets Manager.',
    step: 'Give the VPC an interface endpoint for Secrets Manager with private DNS, or its subnets a route to a NAT gateway.',
  },
  EndpointBlocked: {
    problem: "The VPC's endpoint of Secrets Manager does not let the function in.",
    step: "Allow TCP 443 from the function's security group in that of the endpoint.",
  },
  OutgoingBlocked: {
    problem: "The function's security groups let nothing out to Secrets Manager.",
    step: "Allow TCP 443 out in the function's security group.",
  },
  KeyUnusable: {
    problem: "The secret's KMS key is disabled or scheduled for deletion.",
    step: 'Enable the key, or cancel its deletion: without it nobody can read the secret.',
    command: ({ kmsKeyId }) => kmsKeyId && `aws kms enable-key --key-id ${kmsKeyId}`,
  },
  RefusedByResourcePolicy: {
    problem: "The secret's resource policy denies the function what a rotation needs.",
    step: "Except the function's role from the statement that denies it.",
    command: ({ arn }) => `aws secretsmanager get-resource-policy --secret-id ${shellWord(arn)}`,
  },
} satisfies Readonly<Record<string, Cause>> & Partial<Record<ErrorCode, Cause>>;

/** The name of a cause; stable, for whoever reads --json. */
export type CauseName = keyof typeof causes;

const byName: Readonly<Record<string, Cause>> = causes;

/** The cause of a name, such as an error code of the function; undefined if there is no row. */
export function causeNamed(name: string): Cause | undefined {
  return Object.hasOwn(byName, name) ? byName[name] : undefined;
}

/** Whether it is the name of a cause. */
export function isCauseName(name: string): name is CauseName {
  return Object.hasOwn(causes, name);
}

/** The step of a cause, for the error that names it. */
export function stepFor(name: CauseName): string {
  return causes[name].step;
}

/** The command that lets Secrets Manager invoke a function, for secrets of the function's account. */
export function invokePermissionCommand(functionArn: string): string {
  const account = functionArn.split(':')[4];
  return [
    `aws lambda add-permission --function-name ${functionArn} --statement-id SecretsManager`,
    `--action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account ${account}`,
  ].join(' ');
}

/** The command that takes AWSPENDING off a version. The version keeps its value. */
export function clearPendingCommand(secretArn: string, versionId: string): string {
  return `aws secretsmanager update-secret-version-stage --secret-id ${shellWord(secretArn)} --version-stage AWSPENDING --remove-from-version-id ${versionId}`;
}

/** The command that cancels the deletion of a secret. */
export function restoreCommand(secretArn: string): string {
  return `aws secretsmanager restore-secret --secret-id ${shellWord(secretArn)}`;
}

/** The command that shows a function's latest log. */
export function tailLogCommand(functionArn: string): string {
  return `aws logs tail /aws/lambda/${nameOf(functionArn)} --since 1h`;
}
