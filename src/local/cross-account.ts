import { awsPartition, homeOf, partitionOf } from './arn.ts';
import { withoutDeprecated } from './clean-up.ts';
import { invalidParameter, invalidRequest, limitExceeded, resourceNotFound } from './errors.ts';
import { currentLabel, moveLabel } from './labels.ts';
import { defaultKmsKeyId, type Secret } from './model.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** The resource policy that Secrets Manager attaches to a replica of another account's secret. */
export const managedPolicyName = 'cross-account-replication';

/**
 * The managed policy of a replica, as text. It lets the primary's account accept the replication. AWS's full text is not
 * documented.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_cross-account-replication.html
 */
export function managedPolicyOf({ arn, crossAccountPrimary }: Secret): string | undefined {
  if (!crossAccountPrimary) return undefined;
  const { accountId, region } = homeOf(crossAccountPrimary.arn);
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:${awsPartition(region)}:iam::${accountId}:root` },
        Action: 'secretsmanager:AcceptCrossAccountReplication',
        Resource: arn,
      },
    ],
  });
}

/** The members of CreateSecret's request that matter for a replica. */
interface ReplicaRequest {
  readonly CrossAccountPrimaryARN?: string | undefined;
  readonly KmsKeyId?: string | undefined;
}

/**
 * Checks that a CreateSecret makes a replica of a secret in another account as AWS demands. The other secret need not exist
 * yet.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html CrossAccountPrimaryARN
 * @throws ServiceError InvalidParameterException
 */
export function checkReplicaRequest(replicaArn: string, request: ReplicaRequest): void {
  const { CrossAccountPrimaryARN = '', KmsKeyId } = request;
  if (!isCustomerKey(KmsKeyId)) {
    throw invalidParameter(
      'A cross-account replica must be encrypted with a customer managed key: give a KmsKeyId.',
    );
  }
  const unwanted = ['SecretString', 'SecretBinary', 'Description', 'AddReplicaRegions', 'Type'];
  const given = unwanted.find((name) => Reflect.get(request, name) !== undefined);
  if (given !== undefined) {
    throw invalidParameter(`You can't specify ${given} for a cross-account replica: leave it out.`);
  }
  checkPair(CrossAccountPrimaryARN, replicaArn);
}

/** Whether a key can encrypt a cross-account replica. The AWS managed key only serves its own account. */
export function isCustomerKey(kmsKeyId: string | undefined): boolean {
  return kmsKeyId !== undefined && kmsKeyId !== '' && !kmsKeyId.endsWith(defaultKmsKeyId);
}

/** Checks that two secrets are in different accounts and the same region. @throws ServiceError InvalidParameterException */
function checkPair(primaryArn: string, replicaArn: string): void {
  const [primary, replica] = [partitionOf(primaryArn), partitionOf(replicaArn)];
  if (!primary || !replica) throw invalidParameter('The ARN of the other secret is not that of a secret.');
  if (primary.accountId === replica.accountId) {
    throw invalidParameter('The primary secret and its cross-account replica must be in different accounts.');
  }
  const [ofPrimary, ofReplica] = [primaryArn, replicaArn].map((arn) => arn.split(':').slice(0, 4).join(':'));
  if (ofPrimary === ofReplica) return;
  throw invalidParameter(
    'The primary secret and its cross-account replica must be in the same Region and partition.',
  );
}

/**
 * Begins to replicate a secret to a secret in another account that was created as its replica. A second call repairs the
 * replication.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_AssociateCrossAccountReplica.html
 * @throws ServiceError InvalidParameterException, InvalidRequestException, LimitExceededException,
 * ResourceNotFoundException
 */
export function associate(
  unit: UnitOfWork,
  primary: Secret,
  { replicaArn, roleArn }: { readonly replicaArn: string; readonly roleArn: string | undefined },
): void {
  checkPair(primary.arn, replicaArn);
  const replica = unit.store.secretByArn(replicaArn);
  if (!replica) throw resourceNotFound();
  if (replica.crossAccountPrimary?.arn !== primary.arn) {
    throw invalidRequest('The secret was not created as a cross-account replica of the primary secret.');
  }
  const { crossAccountReplica: other } = primary;
  if (other?.status === 'InSync' && other.arn !== replicaArn) {
    throw limitExceeded('A primary secret can have no more than one cross-account replica.');
  }
  const accepted = {
    ...replica,
    crossAccountPrimary: { arn: primary.arn, status: 'InSync' },
    changedAt: unit.now,
  } as const;
  unit.save(accepted, replica);
  const crossAccountReplica = { arn: replicaArn, roleArn, status: 'InSync' } as const;
  unit.save({ ...primary, crossAccountReplica, changedAt: unit.now }, primary);
}

/**
 * Ends the replication from the primary's side. The replica stays a replica and keeps its value.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DisassociateCrossAccountReplica.html
 * @throws ServiceError ResourceNotFoundException if the ARN is not that of the secret's replica
 */
export function disassociate(unit: UnitOfWork, primary: Secret, replicaArn: string): void {
  if (primary.crossAccountReplica?.arn !== replicaArn) throw resourceNotFound();
  const replica = unit.store.secretByArn(replicaArn);
  if (replica?.crossAccountPrimary?.arn === primary.arn) {
    const crossAccountPrimary = { arn: primary.arn, status: 'Detached' } as const;
    unit.save({ ...replica, crossAccountPrimary, changedAt: unit.now }, replica);
  }
  unit.save({ ...primary, crossAccountReplica: undefined, changedAt: unit.now }, primary);
}

/** Ends the replication from the replica's side. The replica becomes an independent secret. */
export function standAlone(unit: UnitOfWork, replica: Secret): void {
  const primary = unit.store.secretByArn(replica.crossAccountPrimary?.arn ?? '');
  const link = primary?.crossAccountReplica;
  unit.save({ ...replica, crossAccountPrimary: undefined, changedAt: unit.now }, replica);
  if (!primary || link?.arn !== replica.arn) return;
  unit.save({ ...primary, crossAccountReplica: { ...link, status: 'Detached' } }, primary);
}

/**
 * Copies the current value of a primary to its replica in another account. The copy has the same version id, and AWSCURRENT.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/cross-account-replicate-permissions.html
 */
export function replicateAbroad(unit: UnitOfWork, primary: Secret): void {
  const current = primary.labels[currentLabel];
  if (primary.crossAccountReplica?.status !== 'InSync' || current === undefined) return;
  const replica = unit.store.secretByArn(primary.crossAccountReplica.arn);
  const value = unit.store.readValue(primary.arn, current);
  if (!replica?.kmsKeyId || !value || replica.labels[currentLabel] === current) return;
  if (!unit.store.version(replica.arn, current)) {
    unit.store.saveVersion(replica.arn, { id: current, createdAt: unit.now });
    unit.store.writeValue(replica.arn, current, value, replica.kmsKeyId);
  }
  const labels = moveLabel(replica.labels, currentLabel, current);
  unit.save(withoutDeprecated(unit, { ...replica, labels, changedAt: unit.now }), replica);
}

/** DescribeSecret's members about replication between accounts. */
export function describeAbroad({
  crossAccountPrimary: primary,
  crossAccountReplica: replica,
}: Secret): object {
  return {
    CrossAccountPrimary: primary && { PrimarySecretARN: primary.arn, ReplicationStatus: primary.status },
    CrossAccountReplicas: replica && [
      {
        ReplicaSecretARN: replica.arn,
        ReplicationRoleARN: replica.roleArn,
        ReplicationStatus: replica.status,
      },
    ],
  };
}
