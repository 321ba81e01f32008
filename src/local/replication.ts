import { arnInRegion, homeOf, isRegionBeside } from './arn.ts';
import { invalidParameter, resourceNotFound } from './errors.ts';
import { defaultKmsKeyId, type Replica, type Secret } from './model.ts';
import { replicationEvent } from './service-events.ts';
import type { Store } from './store/store.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** A region to replicate to, as in the API. */
interface WantedReplica {
  readonly Region?: string | undefined;
  readonly KmsKeyId?: string | undefined;
}

/**
 * Replicates a secret to further regions.
 * @returns the changed secret
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html
 * @throws ServiceError InvalidParameterException for a region that can have no replica
 */
export function addReplicas(
  unit: UnitOfWork,
  secret: Secret,
  wanted: readonly WantedReplica[],
  overwrite: boolean,
): Secret {
  checkRegions(
    secret,
    wanted.map(({ Region }) => Region),
  );
  const added = wanted.map(({ Region = '', KmsKeyId }) =>
    claimRegion(unit, secret, { region: Region, kmsKeyId: KmsKeyId || undefined }, overwrite),
  );
  const others = (secret.replicas ?? []).filter(({ region }) =>
    added.every((replica) => replica.region !== region),
  );
  const replicated = { ...secret, replicas: [...others, ...added], changedAt: unit.now };
  unit.save(replicated, secret);
  return replicated;
}

/** Checks that the regions differ, are in the secret's partition, and are not its own. The words are moto's. */
function checkRegions(secret: Secret, names: readonly (string | undefined)[]): void {
  const own = regionOf(secret);
  const areRight = names.every((name) => name !== undefined && name !== own && isRegionBeside(name, own));
  if (!areRight || new Set(names).size < names.length) throw invalidParameter('Invalid replica region.');
}

/** Claims the secret's name in a replica's region. @returns the replica, with the failure if the name is taken */
function claimRegion(unit: UnitOfWork, secret: Secret, replica: Replica, overwrite: boolean): Replica {
  const facts = { timeMs: unit.now, secretArn: secret.arn, region: replica.region };
  unit.tell(replicationEvent('ReplicationStarted', facts));
  const arn = arnInRegion(secret.arn, replica.region);
  const inTheWay = unit.store.secretByName(homeOf(arn), secret.name);
  if (inTheWay && inTheWay.arn !== arn && !overwrite) {
    // The words are moto's.
    const failure = `Replication failed: Secret name ${secret.name} already exists in region ${replica.region}.`;
    unit.tell(replicationEvent('ReplicationFailed', { ...facts, errorMessage: failure }));
    return { ...replica, failure };
  }
  if (inTheWay && inTheWay.arn !== arn) unit.store.removeSecret(inTheWay.arn);
  unit.tell(replicationEvent('ReplicationSucceeded', facts));
  return replica;
}

/** Deletes the replicas in these regions. @returns the changed secret */
export function removeReplicas(unit: UnitOfWork, secret: Secret, regions: readonly string[]): Secret {
  const removed = (secret.replicas ?? []).filter(({ region }) => regions.includes(region));
  for (const { region, failure } of removed) {
    if (failure === undefined) unit.store.removeSecret(arnInRegion(secret.arn, region));
  }
  return forgetReplicas(unit, secret, regions);
}

/**
 * Gives a replica another key. Its versions stay encrypted with the old one.
 * @returns the changed replica
 * @throws ServiceError ResourceNotFoundException if its primary is gone
 */
export function changeReplicaKey(unit: UnitOfWork, replica: Secret, kmsKeyId: string | undefined): Secret {
  const primary = unit.store.secretByArn(arnInRegion(replica.arn, replica.primaryRegion ?? ''));
  if (!primary) throw resourceNotFound();
  const replicas = primary.replicas?.map((one) =>
    one.region === regionOf(replica) ? { ...one, kmsKeyId } : one,
  );
  unit.save({ ...primary, replicas }, primary);
  const moved = { ...replica, kmsKeyId: kmsKeyId ?? defaultKmsKeyId, changedAt: unit.now };
  unit.save(moved, replica);
  return moved;
}

/**
 * Makes a replica an independent secret.
 * @throws ServiceError ResourceNotFoundException if its primary is gone
 */
export function promote(unit: UnitOfWork, replica: Secret, primaryRegion: string): void {
  const primary = unit.store.secretByArn(arnInRegion(replica.arn, primaryRegion));
  if (!primary) throw resourceNotFound();
  forgetReplicas(unit, primary, [regionOf(replica)]);
  unit.save({ ...replica, primaryRegion: undefined, changedAt: unit.now }, replica);
}

function forgetReplicas(unit: UnitOfWork, secret: Secret, regions: readonly string[]): Secret {
  const left = (secret.replicas ?? []).filter(({ region }) => !regions.includes(region));
  const after = { ...secret, replicas: left.length > 0 ? left : undefined, changedAt: unit.now };
  unit.save(after, secret);
  return after;
}

/**
 * Copies a secret to its replicas, except for keys and dates.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
 */
export function replicate(store: Store, nowMs: number, primary: Secret): void {
  for (const replica of primary.replicas ?? []) {
    if (replica.failure === undefined) copySecret(store, nowMs, primary, replica);
  }
}

function copySecret(store: Store, nowMs: number, primary: Secret, { region, kmsKeyId }: Replica): void {
  const arn = arnInRegion(primary.arn, region);
  const before = store.secretByArn(arn);
  const copy: Secret = {
    arn,
    name: primary.name,
    type: primary.type,
    description: primary.description,
    kmsKeyId: kmsKeyId ?? defaultKmsKeyId,
    tags: primary.tags?.length ? primary.tags : undefined,
    policy: primary.policy,
    labels: primary.labels,
    primaryRegion: regionOf(primary),
    createdAt: before?.createdAt ?? nowMs,
    changedAt: primary.changedAt,
    accessedAt: before?.accessedAt,
  };
  store.saveSecret(copy);
  copyVersions(store, primary.arn, copy);
}

function copyVersions(store: Store, from: string, to: Secret): void {
  const copied = new Map(store.versions(to.arn).map((version) => [version.id, version]));
  for (const { id, createdAt, kmsKeyId } of store.versions(from)) {
    const copy = copied.get(id);
    copied.delete(id);
    if (!copy) store.saveVersion(to.arn, { id, createdAt });
    const value =
      kmsKeyId === undefined || copy?.kmsKeyId !== undefined ? undefined : store.readValue(from, id);
    if (value) store.writeValue(to.arn, id, value, to.kmsKeyId ?? defaultKmsKeyId);
  }
  for (const id of copied.keys()) store.removeVersion(to.arn, id);
}

/** DescribeSecret's status of a secret's replicas. */
export function replicationStatus(store: Store, { arn, replicas }: Secret): object[] | undefined {
  return replicas?.map(({ region, kmsKeyId, failure }) => {
    const accessedAt = store.secretByArn(arnInRegion(arn, region))?.accessedAt;
    return {
      Region: region,
      KmsKeyId: kmsKeyId ?? defaultKmsKeyId,
      Status: failure === undefined ? 'InSync' : 'Failed',
      StatusMessage: failure ?? 'Replication succeeded',
      LastAccessedDate: failure === undefined && accessedAt !== undefined ? accessedAt / 1000 : undefined,
    };
  });
}

/** The status in the answer to a request for replicas. AWS makes the replicas after that answer, so they are InProgress. */
export function beingReplicated({ replicas = [] }: Secret): object[] {
  return replicas.map(({ region, kmsKeyId, failure }) => ({
    Region: region,
    KmsKeyId: kmsKeyId ?? defaultKmsKeyId,
    Status: failure === undefined ? 'InProgress' : 'Failed',
    StatusMessage: failure,
  }));
}

/** The primary's region, for a replica and for a secret that has replicas. Undefined for all others. */
export function primaryRegionOf(secret: Secret): string | undefined {
  return secret.primaryRegion ?? (secret.replicas && regionOf(secret));
}

function regionOf(secret: Secret): string {
  return homeOf(secret.arn).region;
}
