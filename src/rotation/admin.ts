import { readDocument, type SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import { readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { completeManagedMaster } from '../rds/managed-master.ts';
import type { AdminContext, Rotator } from '../rotator.ts';
import type { Run } from './run.ts';
import type { GuardedRotator } from './target.ts';

/** ARN of the secret's admin secret: its own `masterarn`, else the function's. */
export function adminSecretArn(run: Run, fields: SecretFields): string | undefined {
  const { masterarn } = fields;
  return typeof masterarn === 'string' && masterarn !== '' ? masterarn : run.configuration.adminSecretArn;
}

/** An admin secret's fields as they serve another secret: in its database, as with AWS's templates. */
export function adminFields(admin: SecretFields, { dbname }: SecretFields): SecretFields {
  return { ...admin, masterarn: undefined, alternatingusers: undefined, dbname };
}

/**
 * Reads the admin secret and makes sure that it is for the same server: same host, or, for a read replica on RDS,
 * its source.
 *
 * @throws AdminServerDiffers, and whatever reading a secret throws
 */
export async function loadAdmin(
  run: Run,
  rotator: Rotator,
  current: SecretFields,
  arn: string,
): Promise<unknown> {
  const text = await run.secretsManager.read(arn, { stage: 'AWSCURRENT' });
  run.redactor.learnValue(text);
  const tags = once(async () => (await run.secretsManager.describe(arn)).tags);
  const document = await readAdminDocument(text, tags);
  run.redactor.learnDocument(document);
  const fields = await completeManagedMaster(document.fields, { rds: run.rds, tags });
  const admin = rotator.parse(adminFields(fields, current));
  await requireSameServer(run, rotator.target(rotator.parse(current)).host, rotator.target(admin).host);
  return admin;
}

/** The admin's secret may have any form too. Its tags are asked for only where it can't be read without them. */
async function readAdminDocument(
  text: string,
  tags: () => Promise<ReadonlyMap<string, string>>,
): Promise<SecretDocument> {
  try {
    const document = readDocument(text, { rotatorIsNamed: true });
    const { username, password } = document.fields;
    if (username !== undefined && password !== undefined) return document;
  } catch (error) {
    if (!isKeyturnError(error, 'MalformedSecret')) throw error;
  }
  return readDocument(text, { ...readHints(await tags(), {}), rotatorIsNamed: true });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function requireSameServer(run: Run, host: string, adminHost: string): Promise<void> {
  if (host.toLowerCase() === adminHost.toLowerCase()) return;
  if (await run.rds.isReadReplica(host, adminHost)) return;
  throw new KeyturnError(
    'AdminServerDiffers',
    'The admin secret is for another host than the secret.',
    'Name the admin secret of the same server in masterarn; no password was sent.',
    { field: 'masterarn' },
  );
}

/** The context of a rotator's call that the admin may have to make. */
export function adminContext(
  run: Run,
  { rotator, context }: GuardedRotator,
  current: SecretFields,
): AdminContext<unknown> {
  const admin = async (): Promise<unknown> => {
    const arn = adminSecretArn(run, current);
    return arn === undefined ? undefined : loadAdmin(run, rotator, current, arn);
  };
  return { ...context, admin };
}

/** The error for an admin secret that is needed and not named. */
export function adminSecretMissing(rotator: Rotator): KeyturnError {
  return new KeyturnError(
    'AdminSecretMissing',
    `${rotator.name} needs an admin secret, and neither the secret nor the function names one.`,
    'Put its ARN in "masterarn" of the secret, or in KEYTURN_ADMIN_SECRET_ARN.',
    { field: 'masterarn' },
  );
}
