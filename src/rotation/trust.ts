import { createHash } from 'node:crypto';
import { stepFor } from '../doctor/causes.ts';
import { optionalTextLists, type SecretFields } from '../documents/fields.ts';
import { KeyturnError } from '../errors.ts';
import type { AdminContext, ChangingRotator, IssuingRotator } from '../rotator/contract.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { type Admin, type AdminSecret, adminSecretArn, isAdminNamedByValue, loadAdmin } from './admin.ts';
import { candidatesOf } from './candidates.ts';
import type { Run } from './run.ts';
import { requireRights } from './valid-rotators.ts';
import type { Rotation, Version } from './versions.ts';

/*
 * The writer of a secret's value chooses the account in it, and often the admin secret too. So the value alone never
 * decides which account an admin may change or issue a credential for. One of these must confirm the account:
 *
 * - the target, by accepting a stored credential of it,
 * - the secret's tag, or
 * - the admin secret.
 *
 * And the account must not have more rights at the target than the proven one. See docs/security.md.
 */

/** The tag that names the accounts which an admin may change for the secret: `app app_clone`, with `*` for any text. */
export const accountsTag = 'keyturn:accounts';

/**
 * The field of an admin secret that maps names of secrets to accounts. Both may have `*` for any text:
 * `{"prod/shop/*": ["shop", "shop_clone"]}`.
 */
const servesField = 'serves';

/** AWS's templates append this to the name of the second of two alternating users. */
const cloneSuffix = '_clone';

/**
 * Makes sure that an admin may change an account for this secret.
 *
 * @param subject the version whose account the admin would change
 * @param proven a stored version that the target has accepted; undefined if it refuses all
 * @returns the accepted versions that allow it
 * @throws AccountNotServed if only the value names the account; RightsExceeded if the account has more rights
 */
export async function requireMayChange(
  rotation: Rotation<ChangingRotator>,
  admin: Admin,
  subject: Version,
  proven: Version | undefined,
): Promise<readonly Version[]> {
  // Another port may be somebody else's server.
  const proof = admin.isForSameServer ? proven : undefined;
  const proofs = proof === undefined ? [] : [proof];
  if (proof !== undefined && proof.account === subject.account) return proofs;
  const isNamed =
    areAlternatingUsers(proof?.account, subject.account) || isNamedByOthers(rotation, admin, subject);
  const excess = isNamed ? await excessRights(rotation, admin, subject, proof) : [];
  if (isNamed && excess.length === 0) return proofs;
  const own = proof === undefined ? undefined : await proofOf(rotation, subject);
  if (own !== undefined) return [...proofs, own];
  throw isNamed ? rightsExceeded(subject, proof, excess) : accountNotServed(subject, proven, admin);
}

/** Whether two accounts are a pair of alternating users, as AWS's templates name them. */
function areAlternatingUsers(proven: string | undefined, account: string | undefined): boolean {
  if (proven === undefined || account === undefined) return false;
  return account === proven + cloneSuffix || account + cloneSuffix === proven;
}

function isNamedByOthers({ run }: Rotation, admin: AdminSecret, { account }: Version): boolean {
  if (account === undefined) return false;
  const tagged = (run.secret.tags.get(accountsTag) ?? '').split(/\s+/);
  const served = Object.entries(servedAccounts(admin.fields))
    .filter(([secret]) => matches(secret, run.secret.name))
    .flatMap(([, accounts]) => accounts);
  return [...tagged, ...served].some((pattern) => pattern !== '' && matches(pattern, account));
}

/** @throws InvalidSecretField if the field has another form */
function servedAccounts(admin: SecretFields): Readonly<Record<string, readonly string[]>> {
  return optionalTextLists(admin, servesField);
}

/** Whether a text matches a pattern, in which `*` stands for any text. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

async function excessRights(
  { guarded }: Rotation<ChangingRotator>,
  admin: Admin,
  subject: Version,
  proof: Version | undefined,
): Promise<readonly string[]> {
  const { rotator, context } = guarded;
  if (rotator.excessRights === undefined) return [];
  const rights = await guarded.attempt('compare rights', subject.credential, async () =>
    rotator.excessRights?.(admin.session, subject.credential, proof?.credential, context),
  );
  return requireRights(rotator, rights);
}

/** Finds a stored version of the same account that opens the target. With alternating users it is AWSPREVIOUS. */
async function proofOf(rotation: Rotation, subject: Version): Promise<Version | undefined> {
  const previous = versionWith(rotation.run.secret.stages, 'AWSPREVIOUS');
  for await (const { version } of candidatesOf(rotation, undefined)) {
    if (version.account !== subject.account) continue;
    if ((await rotation.guarded.withSession(version.credential, async () => true)) !== undefined)
      return version;
    rotation.refused.add(version.id);
    if (version.id === previous) return undefined;
  }
  return undefined;
}

function accountNotServed(subject: Version, proven: Version | undefined, admin: AdminSecret): KeyturnError {
  const named = `"${subject.account ?? ''}"`;
  const problem =
    proven !== undefined && !admin.isForSameServer
      ? `The admin secret is for another port or for other hosts than the secret. So no login proves which account it may change, and only the secret's value names the account ${named}.`
      : `Only the secret's value says that the admin may change the account ${named}.`;
  return new KeyturnError('AccountNotServed', problem, stepFor('AccountNotServed'), { field: 'username' });
}

/** How many rights an error names at most. */
const mostNamed = 10;

function rightsExceeded(
  subject: Version,
  proof: Version | undefined,
  excess: readonly string[],
): KeyturnError {
  const rest = excess.length > mostNamed ? ` and ${excess.length - mostNamed} more` : '';
  const named = excess.slice(0, mostNamed).join('; ') + rest;
  const whom =
    proof === undefined ? 'an account that has not proved itself may' : `"${proof.account ?? ''}" can`;
  return new KeyturnError(
    'RightsExceeded',
    `The account "${subject.account ?? ''}" can do more at the target than ${whom}: ${named}.`,
    stepFor('RightsExceeded'),
    { field: 'username' },
  );
}

/** The admin secrets that were read for a version. Each revocation of an invocation may need the same one. */
const adminSecrets = new WeakMap<Version, Promise<AdminSecret>>();

function loadAdminOnce(rotation: Rotation, arn: string): Promise<AdminSecret> {
  const { current } = rotation;
  const loading = adminSecrets.get(current) ?? loadAdmin(rotation, arn);
  adminSecrets.set(current, loading);
  loading.catch(() => adminSecrets.delete(current));
  return loading;
}

/**
 * The context of a rotator's call that may need the admin. If the admin secret names the account whose credential is
 * issued, the writer of the value must not choose the admin secret: its `admin()` then throws AccountNotServed.
 */
export function adminContext(rotation: Rotation<IssuingRotator>): AdminContext<unknown> {
  const { run, guarded } = rotation;
  const admin = async (): Promise<unknown> => {
    const arn = adminSecretArn(rotation);
    if (arn === undefined) return undefined;
    const secret = await loadAdminOnce(rotation, arn);
    if (guarded.rotator.accountNamedBy === 'admin' && isAdminNamedByValue(rotation, arn)) {
      const names = Object.keys(servedAccounts(secret.fields));
      if (!names.some((pattern) => matches(pattern, run.secret.name))) throw secretNotServed(arn);
    }
    return secret.credential;
  };
  return { ...guarded.context, admin, owner: ownerOf(run) };
}

const ownerLength = 12;

/** Stands for the secret in labels at the target. */
function ownerOf({ secret }: Run): string {
  return createHash('sha256').update(secret.arn).digest('hex').slice(0, ownerLength);
}

function secretNotServed(arn: string): KeyturnError {
  return new KeyturnError(
    'AccountNotServed',
    `The admin secret ${arn} names the account, and only the secret's value says that it serves this secret.`,
    `No credential was sent. Name it in the tag keyturn:admin of the secret instead of "masterarn", or this secret's name in "${servesField}" of the admin secret.`,
    { field: 'masterarn' },
  );
}
