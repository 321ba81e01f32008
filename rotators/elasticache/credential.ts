import {
  contradictoryField,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
import { requireEngine } from '../database/login.ts';
import { addressOf, parseCredential as parseRedis, type RedisCredential } from '../redis/credential.ts';

/** The services that manage such users. */
export type Service = 'elasticache' | 'memorydb';

/** A user of ElastiCache or MemoryDB. */
export interface ManagedUser {
  /** The user's ARN. */
  readonly arn: string;
  /** The region in its ARN. */
  readonly region: string;
  /** The user in calls of the API: its id in ElastiCache, its name in MemoryDB. */
  readonly id: string;
  /** The name with which it logs in. */
  readonly username: string;
  /** Absent if the secret was never rotated: AWS's template allows that. */
  readonly password: string | undefined;
  /** The login, if the secret names a host and a password. If it names no host, the API is asked for one. */
  readonly login: RedisCredential | undefined;
  /** The secret's fields for a login, without the host. */
  readonly fields: SecretFields;
}

const arns: Readonly<Record<Service, RegExp>> = {
  elasticache: /^arn:[\w-]+:elasticache:([a-z0-9-]+):\d{12}:user:([A-Za-z][A-Za-z0-9-]*)$/,
  memorydb: /^arn:[\w-]+:memorydb:([a-z0-9-]+):\d{12}:user\/([A-Za-z][A-Za-z0-9-]*)$/,
};

/**
 * Reads the secret of AWS's template: `user_arn`, `username`, `password`; and the optional `host`, `port` and `ssl`.
 *
 * @throws InvalidSecretField
 * @see
 *   https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/tree/master/SecretsManagerElasticacheUserRotation
 */
export function parseUser(service: Service, fields: SecretFields): ManagedUser {
  requireEngine(fields, [service]);
  const arn = requireText(fields, 'user_arn');
  const [, region, id] = arns[service].exec(arn) ?? [];
  if (region === undefined || id === undefined)
    throw contradictoryField('user_arn', `is no ARN of a user of ${service}`);
  const username = requireText(fields, 'username');
  const password = optionalText(fields, 'password');
  const { host, port, ssl, tls, sslservername } = fields;
  const said = { username, password: password ?? 'none yet', port, ssl, tls, sslservername };
  const parsed = parseRedis({ ...said, host: host ?? 'unknown' });
  const isNamed = host !== undefined && host !== null && password !== undefined;
  return { arn, region, id, username, password, login: isNamed ? parsed : undefined, fields: said };
}

/** The credential for a login at a place that the API has named. */
export function loginAt(user: ManagedUser, host: string, port: number): RedisCredential | undefined {
  return user.password === undefined ? undefined : parseRedis({ ...user.fields, host, port });
}

/** The target of a credential: the user, at all of its caches. */
export function targetOf(service: Service, { arn, region, username, login }: ManagedUser): Target {
  const [first, ...others] = login?.nodes ?? [];
  return {
    host: first?.host ?? `${service}.${region}.amazonaws.com`,
    ...(first !== undefined && { port: first.port }),
    account: username,
    endpoints: [...others.map(addressOf), arn],
  };
}
