import { batchGetSecretValue } from './batch-get-secret-value.ts';
import { cancelRotateSecret } from './cancel-rotate-secret.ts';
import { createSecret } from './create-secret.ts';
import { associateCrossAccountReplica, disassociateCrossAccountReplica } from './cross-account.ts';
import { deleteSecret, restoreSecret } from './delete-secret.ts';
import { describeSecret } from './describe-secret.ts';
import { getRandomPassword } from './get-random-password.ts';
import { getSecretValue } from './get-secret-value.ts';
import { listSecretVersionIds } from './list-secret-version-ids.ts';
import { listSecrets } from './list-secrets.ts';
import type { Operation } from './operation.ts';
import { putSecretValue } from './put-secret-value.ts';
import {
  removeRegionsFromReplication,
  replicateSecretToRegions,
  stopReplicationToReplica,
} from './replication.ts';
import {
  deleteResourcePolicy,
  getResourcePolicy,
  listResourcePolicies,
  putResourcePolicy,
  validateResourcePolicy,
} from './resource-policies.ts';
import { rotateSecret } from './rotate-secret.ts';
import { tagResource, untagResource } from './tags.ts';
import { updateSecret } from './update-secret.ts';
import { updateSecretVersionStage } from './update-secret-version-stage.ts';

const allOperations: readonly Operation[] = [
  associateCrossAccountReplica,
  batchGetSecretValue,
  cancelRotateSecret,
  createSecret,
  deleteResourcePolicy,
  deleteSecret,
  describeSecret,
  disassociateCrossAccountReplica,
  getRandomPassword,
  getResourcePolicy,
  getSecretValue,
  listResourcePolicies,
  listSecrets,
  listSecretVersionIds,
  putResourcePolicy,
  putSecretValue,
  removeRegionsFromReplication,
  replicateSecretToRegions,
  restoreSecret,
  rotateSecret,
  stopReplicationToReplica,
  tagResource,
  untagResource,
  updateSecret,
  updateSecretVersionStage,
  validateResourcePolicy,
];

/** Every operation that is answered, by its name. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  allOperations.map((operation) => [operation.name, operation]),
);
