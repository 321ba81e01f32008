import { homeOf } from '../arn.ts';
import { associate, disassociate } from '../cross-account.ts';
import { invalidParameter, invalidRequest } from '../errors.ts';
import type { Secret } from '../model.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findChangeableSecret } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_AssociateCrossAccountReplica.html */
export const associateCrossAccountReplica = defineOperation(
  'AssociateCrossAccountReplica',
  (context, { SecretId, CrossAccountReplicaARN, ReplicationRoleARN }) => {
    const primary = findOwnPrimary(context, SecretId);
    checkRole(primary, ReplicationRoleARN);
    associate(context, primary, { replicaArn: CrossAccountReplicaARN, roleArn: ReplicationRoleARN });
    return { ARN: primary.arn, CrossAccountReplicaARN, ReplicationStatus: 'InProgress' };
  },
);

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DisassociateCrossAccountReplica.html */
export const disassociateCrossAccountReplica = defineOperation(
  'DisassociateCrossAccountReplica',
  (context, { SecretId, CrossAccountReplicaARN }) => {
    const primary = findOwnPrimary(context, SecretId);
    disassociate(context, primary, CrossAccountReplicaARN);
    return { ARN: primary.arn, CrossAccountReplicaARN };
  },
);

function findOwnPrimary(context: OperationContext, secretId: string): Secret {
  const secret = findChangeableSecret(context, secretId);
  if (homeOf(secret.arn).accountId === context.partition.accountId) return secret;
  throw invalidRequest('You must call this operation from the account that owns the primary secret.');
}

function checkRole({ arn }: Secret, roleArn: string | undefined): void {
  const { accountId } = homeOf(arn);
  if (roleArn === undefined || new RegExp(`^arn:aws[a-z-]*:iam::${accountId}:role/.+$`).test(roleArn)) return;
  throw invalidParameter(
    'The ReplicationRoleARN must be the ARN of a role in the account of the primary secret.',
  );
}
