import { randomBytes, randomUUID } from 'node:crypto';

/** A token that works. */
export interface IssuedToken {
  readonly id: string;
  readonly token: string;
  readonly account: string;
  readonly label: string;
}

/** The tokens that a service has issued and not revoked. */
export interface TokenStore {
  /** Issues a token; undefined if the account already uses the label. */
  issue(account: string, label: string): IssuedToken | undefined;
  find(token: string | undefined): IssuedToken | undefined;
  list(account: string): IssuedToken[];
  /** Revokes a token. @returns whether there was one */
  revoke(account: string, id: string): boolean;
}

export function createTokenStore(): TokenStore {
  const alive = new Map<string, IssuedToken>();
  const list = (account: string): IssuedToken[] =>
    [...alive.values()].filter((issued) => issued.account === account);
  return {
    list,
    issue: (account, label) => {
      if (list(account).some((issued) => issued.label === label)) return undefined;
      const token = `tok_${randomBytes(24).toString('base64url')}`;
      const issued = { id: randomUUID(), token, account, label };
      alive.set(token, issued);
      return issued;
    },
    find: (token = '') => alive.get(token),
    revoke: (account, id) => {
      const found = list(account).find((issued) => issued.id === id);
      return found !== undefined && alive.delete(found.token);
    },
  };
}
