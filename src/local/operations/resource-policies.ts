import { managedPolicyName, managedPolicyOf } from '../cross-account.ts';
import { invalidParameter, resourceNotFound, ServiceError } from '../errors.ts';
import type { Secret } from '../model.ts';
import { grantsBroadAccess, locksOut } from '../policies/checks.ts';
import { parsePolicy } from '../policies/document.ts';
import { prettyPolicy } from '../policies/pretty.ts';
import { defineOperation } from './operation.ts';
import { decodeStart, encodeStart } from './paging.ts';
import { findManageableSecret, findUsableSecret } from './secrets.ts';

/** The name of the only policy that can be changed. Newer SDKs can send it. */
const defaultPolicyName = 'default';
const defaultPage = 100;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html */
export const putResourcePolicy = defineOperation('PutResourcePolicy', (context, request) => {
  checkPolicyName(request.PolicyName);
  const secret = findManageableSecret(context, request.SecretId);
  const policy = parsePolicy(request.ResourcePolicy);
  if (request.BlockPublicPolicy === true && grantsBroadAccess(policy)) {
    throw new ServiceError(
      'PublicPolicyException',
      "You can't attach a resource-based policy that allows broad access to the secret.",
    );
  }
  context.save({ ...secret, policy: request.ResourcePolicy, changedAt: context.now }, secret);
  return { ARN: secret.arn, Name: secret.name, PolicyName: defaultPolicyName };
});

/**
 * A replica has the policy of its primary.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
 */
export const getResourcePolicy = defineOperation('GetResourcePolicy', (context, request) => {
  const { SecretId, PolicyName = defaultPolicyName } = request;
  const secret = findUsableSecret(context, SecretId);
  const policy = policiesOf(secret).find(({ name }) => name === PolicyName);
  if (!policy && PolicyName !== defaultPolicyName) throw resourceNotFound('resource policy.');
  const answer = { ARN: secret.arn, Name: secret.name };
  return policy ? { ...answer, ResourcePolicy: prettyPolicy(policy.text), PolicyName } : answer;
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListResourcePolicies.html */
export const listResourcePolicies = defineOperation('ListResourcePolicies', (context, request) => {
  const secret = findUsableSecret(context, request.SecretId);
  const [after] = request.NextToken === undefined ? [] : decodeStart(request.NextToken);
  const names = policiesOf(secret).map(({ name }) => name);
  const start = after === undefined ? 0 : names.indexOf(String(after)) + 1;
  const end = start + (request.MaxResults ?? defaultPage);
  const last = end < names.length ? names[end - 1] : undefined;
  return {
    ResourcePolicies: names.slice(start, end).map((PolicyName) => ({ PolicyName })),
    NextToken: last && encodeStart([last, end]),
  };
});

interface NamedPolicy {
  readonly name: string;
  readonly text: string;
}

/** The policies of a secret in the order of ListResourcePolicies: default first. */
function policiesOf(secret: Secret): readonly NamedPolicy[] {
  const managed = managedPolicyOf(secret);
  return [
    ...(secret.policy === undefined ? [] : [{ name: defaultPolicyName, text: secret.policy }]),
    ...(managed === undefined ? [] : [{ name: managedPolicyName, text: managed }]),
  ];
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html */
export const deleteResourcePolicy = defineOperation('DeleteResourcePolicy', (context, request) => {
  checkPolicyName(request.PolicyName);
  const secret = findManageableSecret(context, request.SecretId);
  context.save({ ...secret, policy: undefined, changedAt: context.now }, secret);
  return { ARN: secret.arn, Name: secret.name, PolicyName: defaultPolicyName };
});

/**
 * The messages are those of Secrets Manager's user guide. The names of the checks are our own.
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
  if (name !== undefined && name !== defaultPolicyName) {
    throw invalidParameter(`Only the resource policy named ${defaultPolicyName} can be changed.`);
  }
}
