import type { Identity, Model } from './model.ts';
import { SqlError } from './tokens.ts';

/** A statement that changes the model, with the parts that its pattern found. */
export type Run = (model: Model, session: Identity, parts: readonly (string | undefined)[]) => void;

export function isAdmin(model: Model, { name: login, containedIn }: Identity): boolean {
  if (containedIn !== undefined) return false;
  const found = model.logins.get(login);
  return (
    found?.roles.has('sysadmin') === true ||
    found?.grants.some(({ permission }) => permission === 'ALTER ANY LOGIN') === true
  );
}

export function requireAdmin(model: Model, session: Identity): void {
  if (!isAdmin(model, session))
    throw new SqlError(15247, 'User does not have permission to perform this action.');
}
