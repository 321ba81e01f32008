import { structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { findSecret } from './secrets.ts';

/**
 * No secret has a policy, since none can be put yet; Terraform asks for it each time that it reads a secret.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
 */
export const getResourcePolicy = defineOperation(
  'GetResourcePolicy',
  structure({ SecretId: members.secretId }),
  (context, request) => {
    const secret = findSecret(context, request.SecretId);
    return { ARN: secret.arn, Name: secret.name };
  },
);
