import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Activity,
  type ChangingRotator,
  type ErrorCode,
  type Finding,
  KeyturnError,
  type Revocation,
  type RotatorContext,
  type Session,
} from '../../src/rotator/index.ts';
import { type ConnectionOptions, firstReachable } from '../database/connection.ts';
import { type Connector, createConnector } from '../redis/connection.ts';
import { addressOf, type Node, type RedisCredential } from '../redis/credential.ts';
import { classify as classifyRedis, isUnreachable } from '../redis/server-error.ts';
import { loginOf } from '../redis/servers.ts';
import type { ApiUser, UsersApi } from './api.ts';
import { loginAt, type ManagedUser, parseUser, type Service, targetOf } from './credential.ts';

/** How a function rotates managed users, for all secrets. */
export interface ManagedUserOptions extends ConnectionOptions {
  /** When the old password ends. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
  /**
   * The only user name that the function serves, as in the variable USER_NAME of AWS's template. It names the account,
   * so no login is needed if the function can't reach the cache.
   */
  readonly userName?: string | undefined;
  /** How long a user may take to become active, in ms. Default: 600,000, as with AWS's template. */
  readonly maxWaitingMs?: number | undefined;
  /** Time between two calls that ask for the user's state, in ms. Default: 10,000. */
  readonly waitingIntervalMs?: number | undefined;
}

/** A user whose password was accepted. If USER_NAME is set and no login is possible, the service's word is enough. */
export interface ManagedSession extends Session {
  /** The user that the secret names. */
  readonly user: ManagedUser;
  /** The user, as the service's API describes it. */
  readonly found: ApiUser;
  /** The `host:port` of the login; undefined if there was none. */
  readonly provenAt: string | undefined;
}

/** As in AWS's template. The service accepts 16 to 128 characters. */
const passwordDefaults = { length: 20 };

interface Parts extends ManagedUserOptions {
  readonly service: Service;
  readonly connector: Connector;
  api(region: string): Promise<UsersApi>;
}

/** The rotator of one service. @param open makes its API's client for a region */
export function managedUsers(
  service: Service,
  open: (region: string) => Promise<UsersApi>,
  options: ManagedUserOptions,
): ChangingRotator<ManagedUser, ManagedSession> {
  const apis = new Map<string, Promise<UsersApi>>();
  const parts: Parts = {
    ...options,
    service,
    connector: createConnector(options),
    api: (region) => {
      const known = apis.get(region) ?? open(region);
      apis.set(region, known);
      return known;
    },
  };
  return {
    kind: 'changes',
    name: service,
    engines: [service],
    overlap: 'until-next-rotation',
    revocation: options.revocation ?? 'on-next-rotation',
    changedBy: 'account',
    parse: (fields) => parseUser(service, fields),
    target: (user) => targetOf(service, user),
    generate: async (_current, { password }) => ({ password: password(passwordDefaults) }),
    open: (user, context) => openSession(parts, user, context),
    change: (_session, pending, { using, current, ...context }) =>
      setPasswords(parts, pending, [pending.password, using.password ?? current.password], context),
    endReplaced: (_session, current, context) => setPasswords(parts, current, [current.password], context),
    preflight: async (session) => findings(session),
    classify,
  };
}

async function openSession(
  parts: Parts,
  user: ManagedUser,
  context: RotatorContext,
): Promise<ManagedSession | undefined> {
  const { service, userName } = parts;
  if (userName !== undefined && userName !== user.username) {
    throw new KeyturnError(
      'AccountNotServed',
      `The function serves the user of its variable USER_NAME, and the secret is for "${user.username}".`,
      'Nothing was changed. Use a function of its own, or one without USER_NAME.',
      { field: 'username' },
    );
  }
  const api = await parts.api(user.region);
  const found = await untilActive(parts, api, user, context);
  requirePasswordUser(service, user, found);
  const session = (provenAt: string | undefined): ManagedSession => ({
    user,
    found,
    provenAt,
    close: async () => undefined,
  });
  const logins = await loginsOf(api, user, found, context);
  if (logins.length === 0) {
    if (userName === undefined) throw accountUnproven(service, user, found);
    context.note(
      `There is nowhere to log in as "${user.username}": ${service} alone says that it is active.`,
    );
    return session(undefined);
  }
  try {
    return await firstReachable(logins, isUnreachable, async (login) => {
      const [node] = login.nodes;
      const connection = await parts.connector.open(node, loginOf(login), context);
      await connection?.close();
      return connection === undefined ? undefined : session(addressOf(node));
    });
  } catch (error) {
    if (!isUnreachable(error) || userName === undefined || context.signal.aborted) throw error;
  }
  context.note(
    `The function can not reach ${logins.map(({ nodes: [node] }) => addressOf(node)).join(', ')}: ${service} alone says that "${user.username}" is active.`,
  );
  return session(undefined);
}

/** The most endpoints that are tried until one answers. */
const mostPlaces = 3;

/**
 * The logins to try. A host in the secret must be one of the user's own caches. Otherwise the secret's writer could name
 * a server of their own, which accepts any password, and so set the password of somebody else's user.
 *
 * @throws InvalidSecretField
 */
async function loginsOf(
  api: UsersApi,
  user: ManagedUser,
  found: ApiUser,
  { signal }: RotatorContext,
): Promise<RedisCredential[]> {
  const endpoints = await api.endpoints(found, signal);
  const known = new Set(endpoints.map(addressOf));
  const { login } = user;
  if (login === undefined) {
    return endpoints.slice(0, mostPlaces).flatMap(({ host, port }) => loginAt(user, host, port) ?? []);
  }
  const foreign = login.nodes.find((node) => !known.has(addressOf(node)));
  if (foreign !== undefined) throw foreignHost(foreign, user, known);
  return login.nodes.map((node) => ({ ...login, nodes: [node] as const }));
}

function foreignHost(node: Node, { arn }: ManagedUser, known: ReadonlySet<string>): KeyturnError {
  const places = known.size === 0 ? 'it may log in nowhere' : `it may log in at ${[...known].join(', ')}`;
  return new KeyturnError(
    'InvalidSecretField',
    `The secret's host ${addressOf(node)} is no cache of the user ${arn}: ${places}.`,
    'Nothing was changed. Correct "host" and "port", or leave them out.',
    { field: 'host' },
  );
}

/** @throws InvalidSecretField, TargetFailed */
function requirePasswordUser(service: Service, { arn, username }: ManagedUser, found: ApiUser): void {
  if (found.username !== username) {
    throw new KeyturnError(
      'InvalidSecretField',
      `The secret's "username" is not the name of the user ${arn}.`,
      'Nothing was changed. Correct the secret and rotate again.',
      { field: 'username' },
    );
  }
  if (found.authentication === 'password') return;
  throw new KeyturnError(
    'TargetFailed',
    `The user ${arn} logs in by ${found.authentication || 'nothing that is known'}, and not by a password.`,
    `Nothing was changed. Give it a password in ${service}, or don't rotate it.`,
  );
}

function accountUnproven(
  service: Service,
  { arn, password }: ManagedUser,
  { groups }: ApiUser,
): KeyturnError {
  const why =
    password === undefined
      ? 'AWSCURRENT holds no password of it'
      : `it may log in at no cache (it is in ${groups.length} groups)`;
  return new KeyturnError(
    'AccountNotServed',
    `Nothing but the secret's value names the user ${arn}: ${why}, so that none can be proven.`,
    `Nothing was changed. Store its password, and put the user in a group that a cache of ${service} uses; or set the function's variable USER_NAME, as with AWS's template.`,
    { field: 'user_arn' },
  );
}

const [tenMinutesMs, tenSecondsMs] = [600_000, 10_000];

/**
 * Waits until a user is active. A change takes a while, and no other change is possible meanwhile.
 *
 * @throws TargetFailed if the user does not become active in time, or is being deleted
 */
async function untilActive(
  { service, maxWaitingMs = tenMinutesMs, waitingIntervalMs = tenSecondsMs }: Parts,
  api: UsersApi,
  { id, arn }: ManagedUser,
  { signal }: RotatorContext,
): Promise<ApiUser> {
  const giveUpAt = performance.now() + maxWaitingMs;
  for (;;) {
    const user = await api.find(id, signal);
    if (user.status === 'active') return user;
    if (user.status !== 'modifying' || performance.now() >= giveUpAt) {
      throw new KeyturnError(
        'TargetFailed',
        `The user ${arn} is "${user.status}" and has not become active.`,
        `Look at it in ${service}; Secrets Manager will retry the rotation.`,
      );
    }
    await sleep(waitingIntervalMs, undefined, { signal });
  }
}

async function setPasswords(
  parts: Parts,
  user: ManagedUser,
  passwords: readonly (string | undefined)[],
  context: RotatorContext,
): Promise<void> {
  const api = await parts.api(user.region);
  await untilActive(parts, api, user, context);
  const given = passwords.flatMap((password) => password ?? []);
  await api.setPasswords(user.id, [...new Set(given)], context.signal);
  // All servers of its caches know the change once the user is active again.
  await untilActive(parts, api, user, context);
}

function findings({ user, found, provenAt }: ManagedSession): Finding[] {
  const login =
    provenAt === undefined ? 'no login: the service alone says that it is active' : `a login at ${provenAt}`;
  const others = found.passwordCount > 1 ? '; the older one ends with the next rotation' : '';
  return [
    { check: 'user', ok: true, detail: `${user.arn} is active, in ${found.groups.length} groups` },
    { check: 'passwords', ok: true, detail: `it has ${found.passwordCount} of 2${others}` },
    { check: 'proof', ok: true, detail: login },
  ];
}

const codes: Readonly<Record<string, ErrorCode>> = {
  UserNotFoundFault: 'AccountMissing',
  UserNotFound: 'AccountMissing',
  InvalidUserStateFault: 'TargetBusy',
  InvalidUserState: 'TargetBusy',
  AccessDenied: 'PermissionDenied',
  AccessDeniedException: 'PermissionDenied',
  Throttling: 'TargetBusy',
  ThrottlingException: 'TargetBusy',
  ServiceUnavailable: 'TargetBusy',
  // The SDK's own: no connection or no answer in time.
  TimeoutError: 'TargetUnreachable',
};

/** What an error of the API, or of a server, means. */
function classify(error: unknown, during: Activity): ErrorCode | undefined {
  const name = error instanceof Error ? error.name : '';
  if (during === 'change' && /^InvalidParameter(Value|Combination)(Exception)?$/.test(name))
    return 'PasswordRejected';
  return codes[name] ?? classifyRedis(error, during);
}
