import { invalidParameter, ServiceError } from '../errors.ts';
import { grantsBroadAccess, locksOut } from '../policies/checks.ts';
import { parsePolicy } from '../policies/document.ts';
import { prettyPolicy } from '../policies/pretty.ts';
import { defineOperation } from './operation.ts';
import { findChangeableSecret, findUsableSecret } from './secrets.ts';

/** The only name that a policy can have; newer SDKs may say it. */
const POLICY_NAME = 'default';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html */
export const putResourcePolicy = defineOperation('PutResourcePolicy', (context, request) => {
  checkPolicyName(request.PolicyName);
  const secret = findChangeableSecret(context, request.SecretId);
  const policy = parsePolicy(request.ResourcePolicy);
  if (request.BlockPublicPolicy === true && grantsBroadAccess(policy)) {
    throw new ServiceError(
      'PublicPolicyException',
      "You can't attach a resource-based policy that allows broad access to the secret.",
    );
  }
  context.save({ ...secret, policy: request.ResourcePolicy, changedAt: context.now }, secret);
  return { ARN: secret.arn, Name: secret.name };
});

/**
 * A replica has the policy of its primary.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
 */
export const getResourcePolicy = defineOperation('GetResourcePolicy', (context, request) => {
  checkPolicyName(request.PolicyName);
  const secret = findUsableSecret(context, request.SecretId);
  const ResourcePolicy = secret.policy === undefined ? undefined : prettyPolicy(secret.policy);
  return { ARN: secret.arn, Name: secret.name, ResourcePolicy };
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html */
export const deleteResourcePolicy = defineOperation('DeleteResourcePolicy', (context, request) => {
  checkPolicyName(request.PolicyName);
  const secret = findChangeableSecret(context, request.SecretId);
  context.save({ ...secret, policy: undefined, changedAt: context.now }, secret);
  return { ARN: secret.arn, Name: secret.name };
});

/**
 * The messages are those of Secrets Manager's user guide; the names of the checks are our own.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html
 */
export const validateResourcePolicy = defineOperation('ValidateResourcePolicy', (context, request) => {
  if (request.SecretId !== undefined) findUsableSecret(context, request.SecretId);
  const policy = parsePolicy(request.ResourcePolicy);
  const errors = [
    ...(grantsBroadAccess(policy)
      ? [
          {
            CheckName: 'BroadAccess',
            ErrorMessage: 'This resource policy grants broad access to your secret.',
          },
        ]
      : []),
    ...(locksOut(policy)
      ? [
          {
            CheckName: 'Lockout',
            ErrorMessage: 'Your requested changes will not allow you to manage this secret in the future.',
          },
        ]
      : []),
  ];
  return { PolicyValidationPassed: errors.length === 0, ValidationErrors: errors };
});

function checkPolicyName(name: string | undefined): void {
  if (name !== undefined && name !== POLICY_NAME) {
    throw invalidParameter(`A secret has one resource policy, which is named ${POLICY_NAME}.`);
  }
}
