import type { SecretFields } from '../documents/fields.ts';
import type { RdsPort } from './port.ts';

const instanceTag = 'aws:rds:primarydbinstancearn';
const clusterTag = 'aws:rds:primarydbclusterarn';

/** Where the missing fields come from. */
export interface ManagedMasterSource {
  readonly rds: RdsPort;
  /** Tags of the admin secret; asked for only when needed. */
  tags(): Promise<ReadonlyMap<string, string>>;
}

/**
 * Adds host, port and engine to the secret of a master user that RDS manages. Such a secret holds only username and
 * password. A tag that RDS puts on it names the instance or cluster. Any other secret is returned as it is.
 *
 * @throws RdsFailed, DriverMissing
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
 */
export async function completeManagedMaster(
  fields: SecretFields,
  source: ManagedMasterSource,
): Promise<SecretFields> {
  const names = Object.keys(fields).sort();
  if (names.length !== 2 || names[0] !== 'password' || names[1] !== 'username') return fields;
  for (const [tag, arn] of await source.tags()) {
    const kind = tag.toLowerCase();
    if (kind === instanceTag) return { ...fields, ...(await source.rds.instance(arn)) };
    if (kind === clusterTag) return { ...fields, ...(await source.rds.cluster(arn)) };
  }
  return fields;
}
