/**
 * Every code that Keyturn's errors carry. Codes are stable: alarms, runbooks and tests switch on them.
 * Messages are for people and may change.
 */
export const errorCodes = [
  'InvalidEvent',
  'UnknownStep',
  'RotationNotEnabled',
  'VersionNotStaged',
  'VersionNotPending',
  'InvalidConfiguration',
  'PasswordImpossible',
  'SecretNotFound',
  'SecretHasNoValue',
  'SecretIsBinary',
  'MalformedSecret',
  'InvalidSecretField',
  'CredentialCopied',
  'UnknownRotator',
  'TargetChanged',
  'AdminSecretMissing',
  'AdminServerDiffers',
  'AdminRefused',
  'AccountNotServed',
  'RightsExceeded',
  'NoCredentialAccepted',
  'PendingRefused',
  'CurrentRefused',
  'SecretChanged',
  'PasswordRejected',
  'PermissionDenied',
  'AccountMissing',
  'PrivilegesMissing',
  'PreflightFailed',
  'TargetUnreachable',
  'TargetBusy',
  'TargetReadOnly',
  'TlsUnavailable',
  'CertificateRejected',
  'TargetFailed',
  'DeadlineExceeded',
  'Throttled',
  'AccessDenied',
  'SecretsManagerFailed',
  'SecretsManagerUnreachable',
  'RdsFailed',
  'DriverMissing',
  'FunctionUnusable',
  'InvalidPlan',
  'FleetUnusable',
  'FleetNotRedrivable',
  'InvalidTemplate',
  'ValueNotWritable',
  'RenderFailed',
  'OutputFailed',
  'SecretMarkedForDeletion',
  'SecretExists',
  'EnvironmentRefused',
  'CommandNotStarted',
  'InternalError',
  'DriverUnknown',
  'ClientClosed',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** Whether it is one of {@link errorCodes}. */
export function isErrorCode(value: unknown): value is ErrorCode {
  const codes: readonly unknown[] = errorCodes;
  return codes.includes(value);
}

/** Optional members of an error. */
export interface ErrorDetails {
  /** The field of the secret, event or configuration that is at fault: its name, never its value. */
  readonly field?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * Keyturn's typed error. `name` equals `code`, because the Lambda runtime reports `name` as `errorType`, which CloudTrail
 * and alarms see.
 */
export class KeyturnError extends Error {
  /** Stable: see {@link errorCodes}. */
  readonly code: ErrorCode;
  /** The name of the field that is at fault; undefined if there is none. */
  readonly field: string | undefined;

  /**
   * @param code stable code
   * @param problem one sentence: what is wrong; never a secret value
   * @param remedy one sentence: what to do next
   */
  constructor(code: ErrorCode, problem: string, remedy: string, details: ErrorDetails = {}) {
    super(`${problem} ${remedy}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = code;
    this.code = code;
    this.field = details.field;
  }
}

/**
 * An adapter throws it with a message in its own words. Nothing that was sent or answered may be in the message: it is
 * shown even if a value of the secret is too short or too common to be masked. `classify` decides its code.
 */
export class AdapterError extends Error {
  /** Always `AdapterError`. */
  override name = 'AdapterError';
  /** The target's own reason, if any. It is shown after the message, masked like all texts of others. */
  readonly said: string | undefined;

  /**
   * @param message one sentence in the adapter's own words
   * @param details `said`: the target's own reason; `cause`: the error that led to this one
   */
  constructor(
    message: string,
    details: { readonly cause?: unknown; readonly said?: string | undefined } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.said = details.said;
  }
}

/** True when `error` is Keyturn's and, if codes are given, carries one of them. */
export function isKeyturnError(error: unknown, ...codes: ErrorCode[]): error is KeyturnError {
  return error instanceof KeyturnError && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything thrown, to be a part of another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
