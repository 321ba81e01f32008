import { standAlone } from '../cross-account.ts';
import { invalidParameter } from '../errors.ts';
import { addReplicas, beingReplicated, promote, removeReplicas, replicationStatus } from '../replication.ts';
import { defineOperation } from './operation.ts';
import { findChangeableSecret, findUsableSecret } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html */
export const replicateSecretToRegions = defineOperation('ReplicateSecretToRegions', (context, request) => {
  const secret = findChangeableSecret(context, request.SecretId);
  const overwrite = request.ForceOverwriteReplicaSecret === true;
  const replicated = addReplicas(context, secret, request.AddReplicaRegions, overwrite);
  return { ARN: secret.arn, ReplicationStatus: beingReplicated(replicated) };
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html */
export const removeRegionsFromReplication = defineOperation(
  'RemoveRegionsFromReplication',
  (context, request) => {
    const secret = findChangeableSecret(context, request.SecretId);
    const left = removeReplicas(context, secret, request.RemoveReplicaRegions);
    return { ARN: secret.arn, ReplicationStatus: replicationStatus(context.store, left) ?? [] };
  },
);

/**
 * Makes a replica an independent secret, in its region or account.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_StopReplicationToReplica.html
 */
export const stopReplicationToReplica = defineOperation('StopReplicationToReplica', (context, request) => {
  const secret = findUsableSecret(context, request.SecretId);
  if (secret.crossAccountPrimary) {
    standAlone(context, secret);
    return { ARN: secret.arn };
  }
  if (secret.primaryRegion === undefined) {
    throw invalidParameter(
      "Operation not permitted on a primary secret. Call must be made in a replica's region.",
    );
  }
  promote(context, secret, secret.primaryRegion);
  return { ARN: secret.arn };
});
