import { type AdminContext, KeyturnError } from '../../src/rotator/index.ts';
import type { Perform } from './calls.ts';
import type { ApiCredential } from './credential.ts';
import type { ApiDescription, Call } from './description.ts';
import { placeholdersIn } from './template.ts';

/** An API: its description, and how to call it. */
export interface Api {
  readonly description: ApiDescription;
  readonly perform: Perform;
}

/** Whether parts of a description, such as calls, use a field of the admin secret. */
export function needsAdmin(...parts: readonly unknown[]): boolean {
  return placeholdersIn(parts).some((placeholder) => placeholder.startsWith('admin.'));
}

/** Whether the token itself makes a call. */
export function isByToken(call: Call): boolean {
  return placeholdersIn(call.auth).includes('token');
}

/** The admin's credential; undefined if `parts` don't need it. @throws AdminSecretMissing */
export async function adminFor(
  { description: { name } }: Api,
  parts: readonly unknown[],
  { admin }: AdminContext<ApiCredential>,
): Promise<ApiCredential | undefined> {
  if (!needsAdmin(...parts)) return undefined;
  const credential = await admin();
  if (credential !== undefined) return credential;
  throw new KeyturnError(
    'AdminSecretMissing',
    `api-token/${name} needs an admin secret, and neither the secret nor the function names one.`,
    'Put its ARN in "masterarn" of the secret, in its tag keyturn:admin, or in KEYTURN_ADMIN_SECRET_ARN.',
    { field: 'masterarn' },
  );
}

/** The beginning of every label of a secret's tokens. @param owner the secret's mark */
export function labelStart(owner: string): string {
  return `keyturn-${owner}-`;
}
