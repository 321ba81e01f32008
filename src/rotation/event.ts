import { KeyturnError } from '../errors.ts';

/** The four steps in the order in which Secrets Manager calls them. */
export const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** One of {@link steps}. */
export type Step = (typeof steps)[number];

/**
 * A step outside any rotation: it revokes AWSPREVIOUS once its hours are over. An EventBridge schedule sends it for
 * secrets whose rotator revokes after some hours, so it names no version.
 */
export const revocationStep = 'revokePrevious';

/** What Secrets Manager sends to a rotation function. */
export interface RotationEvent {
  /** As received. Its name is checked last, as in AWS's templates: see gate.ts. */
  readonly step: string;
  /** Full ARN of the secret. */
  readonly secretId: string;
  /** Identifies the rotation, and is the id of its version. Empty for a step outside any rotation. */
  readonly token: string;
  /** Sensitive: proves that Secrets Manager started the rotation. Passed to PutSecretValue and nowhere else. */
  readonly rotationToken: string | undefined;
}

const remedy =
  'Let Secrets Manager invoke this function, or send an event with Step, SecretId and ClientRequestToken.';

function requireText(event: object, field: string): string {
  const value: unknown = Reflect.get(event, field);
  if (typeof value === 'string' && value !== '') return value;
  throw new KeyturnError('InvalidEvent', `The event's ${field} must be a non-empty string.`, remedy, {
    field,
  });
}

/**
 * Reads the event of a rotation.
 *
 * @param input whatever the function was invoked with
 * @throws InvalidEvent when it is not a rotation event
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export function parseRotationEvent(input: unknown): RotationEvent {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new KeyturnError('InvalidEvent', 'The event must be a JSON object.', remedy);
  }
  const rotationToken: unknown = Reflect.get(input, 'RotationToken');
  if (rotationToken !== undefined && rotationToken !== null && typeof rotationToken !== 'string') {
    throw new KeyturnError('InvalidEvent', "The event's RotationToken must be a string.", remedy, {
      field: 'RotationToken',
    });
  }
  const step = requireText(input, 'Step');
  return {
    step,
    secretId: requireText(input, 'SecretId'),
    token: step === revocationStep ? '' : requireText(input, 'ClientRequestToken'),
    rotationToken: rotationToken ?? undefined,
  };
}
