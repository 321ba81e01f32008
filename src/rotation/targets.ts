import { isDeepStrictEqual } from 'node:util';
import { stepFor } from '../doctor/causes.ts';
import { KeyturnError } from '../errors.ts';
import type { Target } from '../rotator/contract.ts';

/** A target's address, for messages. */
export function addressOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  return port === undefined ? host : `${host}:${port}`;
}

/** Whether two credentials open the same thing. */
export function isSameTarget(one: Target, other: Target): boolean {
  return differingPart(one, other) === undefined;
}

/** Whether two credentials are for the same server, whatever their accounts. */
export function isSameServer(one: Target, other: Target): boolean {
  return isSameHost(one.host, other.host) && one.port === other.port && haveSameEndpoints(one, other);
}

/** Compares host names in any case. A URL's path is compared exactly: behind a gateway, it may lead to another server. */
export function isSameHost(one: string, other: string): boolean {
  return comparable(one) === comparable(other);
}

function comparable(host: string): string {
  return host.includes('://') ? (URL.parse(host)?.href ?? host) : host.toLowerCase();
}

/** Whether two credentials name the same further hosts or URLs. */
export function haveSameEndpoints(one: Target, other: Target): boolean {
  return isDeepStrictEqual(one.endpoints ?? [], other.endpoints ?? []);
}

function differingPart(one: Target, other: Target): string | undefined {
  if (!isSameHost(one.host, other.host)) return 'host';
  if (one.account !== other.account) return 'account';
  if (one.port !== other.port) return 'port';
  if (one.database !== other.database) return 'database';
  return haveSameEndpoints(one, other) ? undefined : 'endpoint';
}

/** @throws TargetChanged, naming the part that differs */
export function requireSameTarget(current: Target, other: Target): void {
  const part = differingPart(current, other);
  if (part === undefined) return;
  throw new KeyturnError(
    'TargetChanged',
    `The ${part} differs between the AWSCURRENT version and the one that was to be used.`,
    stepFor('TargetChanged'),
    { field: part },
  );
}
