import { stepFor } from '../doctor/causes.ts';
import { readDocument, type SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import { adminTag, readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { completeManagedMaster } from '../rds/managed-master.ts';
import type { Rotator, Session } from '../rotator/contract.ts';
import type { Run } from './run.ts';
import { haveSameEndpoints, isSameHost, isSameServer } from './targets.ts';
import { credentialOf, targetOf } from './valid-rotators.ts';
import type { Rotation } from './versions.ts';

/** An admin secret, read for the secret that is rotated. */
export interface AdminSecret {
  readonly arn: string;
  readonly credential: unknown;
  /** All its fields, including the accounts that it serves. */
  readonly fields: SecretFields;
  /**
   * Whether its port and endpoints are AWSCURRENT's too. For an RDS read replica, only the endpoints are compared. If false,
   * a login with AWSCURRENT proves nothing about the admin's server: somebody else may run a server at that port or endpoint.
   */
  readonly isForSameServer: boolean;
}

/** The admin, logged in at the target. */
export interface Admin extends AdminSecret {
  readonly session: Session;
}

/** A login of the admin that is made at most once. */
export interface AdminLogin {
  /** Starts the login if it has not started. @throws AdminSecretMissing, AdminServerDiffers, AdminRefused */
  admin(): Promise<Admin>;
  /** Closes the session, if there is one. */
  release(): void;
}

/**
 * ARN of the secret's admin secret: its own `masterarn`, else its tag keyturn:admin, else the function's. The writer of
 * the value chooses only the first.
 */
export function adminSecretArn({ run, current }: Rotation): string | undefined {
  const { masterarn } = current.document.fields;
  return typeof masterarn === 'string' && masterarn !== '' ? masterarn : run.configuration.adminSecretArn;
}

/** Whether only the secret's value names this admin secret: neither its tag nor the function's configuration does. */
export function isAdminNamedByValue({ run }: Rotation, arn: string): boolean {
  return run.secret.tags.get(adminTag) !== arn && run.configuration.adminSecretArn !== arn;
}

/** An admin secret's fields, for a login in the other secret's database, as in AWS's templates. */
export function adminFields(admin: SecretFields, { dbname }: SecretFields): SecretFields {
  return { ...admin, masterarn: undefined, alternatingusers: undefined, dbname };
}

/** Prepares the admin's login, with the secret's own admin secret or the function's. */
export function createAdminLogin(rotation: Rotation): AdminLogin {
  let login: Promise<Admin> | undefined;
  const admin = (): Promise<Admin> => {
    login ??= logIn(rotation);
    return login;
  };
  const close = async (): Promise<void> => {
    // The caller of admin() has already received the login's error.
    const opened = await login?.catch(() => undefined);
    if (opened !== undefined) await rotation.guarded.close(opened.session);
  };
  return {
    admin,
    release: () => {
      rotation.run.closing.push(close());
    },
  };
}

async function logIn(rotation: Rotation): Promise<Admin> {
  const { guarded } = rotation;
  const arn = adminSecretArn(rotation);
  if (arn === undefined) throw adminSecretMissing(guarded.rotator);
  const secret = await loadAdmin(rotation, arn);
  const session = await guarded.openAdmin(secret.credential);
  if (session !== undefined) return { ...secret, session };
  throw new KeyturnError(
    'AdminRefused',
    `The target refuses the credential of the admin secret ${arn}.`,
    stepFor('AdminRefused'),
  );
}

/**
 * Reads the admin secret and makes sure that it is for the same host. For an RDS read replica: for the replica's source.
 *
 * @throws AdminServerDiffers, and every error of reading a secret
 */
export async function loadAdmin(
  { run, guarded: { rotator }, current }: Rotation,
  arn: string,
): Promise<AdminSecret> {
  const { text } = await run.secretsManager.read(arn, { stage: 'AWSCURRENT' });
  run.redactor.learnText(text);
  const tags = once(async () => (await run.secretsManager.describe(arn)).tags);
  const document = await readAdminDocument(text, tags);
  run.redactor.learnDocument(document);
  if (document.refusal !== undefined) throw document.refusal;
  const fields = await completeManagedMaster(document.fields, { rds: run.rds, tags });
  const credential = credentialOf(rotator, adminFields(fields, current.document.fields), run.redactor);
  const target = targetOf(rotator, credential, run.redactor);
  const isReplica = !isSameHost(current.target.host, target.host);
  if (isReplica) await requireReadReplica(run, current.target.host, target.host);
  // RDS confirms only the replica's host. With several hosts, another one may have accepted the login.
  const isForSameServer = isReplica
    ? haveSameEndpoints(current.target, target)
    : isSameServer(current.target, target);
  return { arn, credential, fields, isForSameServer };
}

/** An admin secret may have any form, too. Its tags are fetched only if it can't be read without them. */
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

async function requireReadReplica(run: Run, host: string, adminHost: string): Promise<void> {
  if (await run.rds.isReadReplica(host, adminHost)) return;
  throw new KeyturnError(
    'AdminServerDiffers',
    'The admin secret is for another host than the secret.',
    stepFor('AdminServerDiffers'),
    { field: 'masterarn' },
  );
}

/** The error if an admin secret is needed and none is named. */
function adminSecretMissing(rotator: Rotator): KeyturnError {
  return new KeyturnError(
    'AdminSecretMissing',
    `${rotator.name} needs an admin secret, and neither the secret nor the function names one.`,
    stepFor('AdminSecretMissing'),
    { field: 'masterarn' },
  );
}
