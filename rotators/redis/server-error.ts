import { AdapterError, type ErrorCode, KeyturnError } from '../../src/rotator/index.ts';
import { classifier } from '../database/classify.ts';
import { codesOf, isNetworkCode } from '../network.ts';

/**
 * An error that the server answered (a line that begins with a minus). Its code is the first word.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
export class ServerError extends Error {
  override name = 'ServerError';
  readonly code: string;

  constructor(message: string) {
    super(message);
    this.code = /^[A-Z]+/.exec(message)?.[0] ?? '';
  }
}

/** An error of the connection, in the adapter's own words. */
export function connectionError(code: string, message: string): Error {
  return Object.assign(new AdapterError(message), { code });
}

/** Whether a server can't be reached. */
export function isUnreachable(error: unknown): boolean {
  return codesOf(error).some(isNetworkCode);
}

const codes: Readonly<Record<string, ErrorCode>> = {
  NOPERM: 'PermissionDenied',
  READONLY: 'TargetReadOnly',
  LOADING: 'TargetBusy',
  BUSY: 'TargetBusy',
  TRYAGAIN: 'TargetBusy',
  CLUSTERDOWN: 'TargetBusy',
  MASTERDOWN: 'TargetBusy',
};

function meaning(error: unknown): ErrorCode | undefined {
  if (!(error instanceof ServerError)) return undefined;
  if (/^ERR max number of clients/.test(error.message)) return 'TargetBusy';
  return codes[error.code];
}

/** What an error of the server, of the connection or of Node.js means. */
export const classify = classifier({ meaning });

/** The error for a server before Redis 6, which has no users. */
export function tooOld(place: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The server at ${place} is too old: before Redis 6 there are no users, and no second password.`,
    'Nothing was changed. Run Redis 6 or newer, or Valkey.',
  );
}

/**
 * The error for a server that takes connections only from its own machine.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/security/#protected-mode
 */
export function inProtectedMode(place: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The server at ${place} takes connections only from its own machine (protected mode).`,
    'Nothing was changed. Give its default user a password (requirepass) or switch protected mode off, and rotate again.',
  );
}

/** The error for a user that accepts any password (`nopass`): a login would prove nothing. */
export function acceptsAnyPassword(username: string, place: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The server at ${place} lets the user "${username}" in without a password (nopass), so that none can be proven.`,
    'Nothing was changed. Give the user a password: ACL SETUSER with resetpass and the one that the secret holds.',
  );
}
