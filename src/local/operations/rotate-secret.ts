import { isFunctionArn } from '../arn.ts';
import { functionNotInvocable, invalidParameter, invalidRequest, type ServiceError } from '../errors.ts';
import { currentLabel, unfinishedRotation } from '../labels.ts';
import type { Rotation, RotationRules, Secret } from '../model.ts';
import type { Input } from '../protocol/input.ts';
import { beginRotation, beginTest, withNextWindow } from '../rotation/begin.ts';
import { parseSchedule } from '../rotation/schedule.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findChangeableSecret, requireToken } from './secrets.ts';
import { tokenInUse } from './versions.ts';

type RotateRequest = Input<'RotateSecret'>;

/**
 * Stores the rotation and answers at once. The function is called afterwards.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
 */
export const rotateSecret = defineOperation('RotateSecret', (context, request) => {
  const token = requireToken(request.ClientRequestToken, invalidParameter);
  const secret = findChangeableSecret(context, request.SecretId);
  const answer = { ARN: secret.arn, Name: secret.name, VersionId: token };
  if (alreadyAsked(secret, token)) return answer;
  const rotation = configure(context, secret, request);
  if (unfinishedRotation(secret.labels) !== undefined || secret.rotation?.running) {
    return reattempt(context, secret, rotation, token);
  }
  if (context.store.version(secret.arn, token)) throw tokenInUse(token, secret);
  const begin = request.RotateImmediately === false ? beginTest : beginRotation;
  saveAndStart(context, begin(context, secret, rotation, token), secret);
  return answer;
});

function saveAndStart(context: OperationContext, after: Secret, before: Secret): void {
  context.save(after, before);
  context.afterCommit(() => context.rotations.start(after.arn, 'request'));
}

/** Whether a client that didn't get the answer sends the request again, with the same token. */
function alreadyAsked({ labels, rotation }: Secret, token: string): boolean {
  return rotation?.running?.token === token || (rotation !== undefined && labels[currentLabel] === token);
}

function configure(context: OperationContext, secret: Secret, request: RotateRequest): Rotation {
  const rules = rulesOf(request.RotationRules) ?? secret.rotation?.rules;
  if (rules) parseSchedule(rules);
  const lambdaArn = request.RotationLambdaARN || secret.rotation?.lambdaArn;
  if (lambdaArn === undefined) {
    throw invalidRequest('No Lambda rotation function ARN is associated with this secret.');
  }
  if (!isFunctionArn(lambdaArn)) {
    throw invalidParameter(`The RotationLambdaARN ${lambdaArn} is not the ARN of a Lambda function.`);
  }
  if (!context.rotations.knowsFunction(lambdaArn)) throw functionNotInvocable();
  return withNextWindow({ ...secret.rotation, enabled: true, lambdaArn, rules }, context.now);
}

function rulesOf(rules: RotationRules | undefined): RotationRules | undefined {
  return rules && Object.keys(rules).length > 0 ? rules : undefined;
}

/**
 * AWS refuses a rotation while another one is unfinished, but continues the unfinished one. If that waits for its next attempt,
 * the attempt begins at once.
 */
function reattempt(
  context: OperationContext,
  secret: Secret,
  rotation: Rotation,
  token: string,
): ServiceError {
  const underWay = secret.rotation?.running ? secret : beginRotation(context, secret, rotation, token);
  saveAndStart(context, underWay, secret);
  return invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.");
}
