/** A keyword without its case and its inner space: drivers differ in `TrustServerCertificate` and `Trust Server Certificate`. */
export function plainKeyword(keyword: string): string {
  return keyword.toLowerCase().replace(/[\s_-]/g, '');
}

/** Where a server is. A named instance follows the host, after a backslash, as SQL Server's own tools write it. */
export interface ServerAddress {
  readonly host?: string;
  readonly port?: string;
}

/** A host with a named instance, which may be missing. */
export function withInstance(host: string | undefined, instance: string | undefined): string | undefined {
  return host && instance ? `${host}\\${instance}` : host || undefined;
}

/**
 * `tcp:host\instance,port`: the prefix, instance and port may be missing. The names that only mean this machine
 * become `localhost`. Other protocols than TCP stay in the host, for the rotator to refuse.
 *
 * @see https://learn.microsoft.com/en-us/sql/connect/ado-net/connection-string-syntax
 */
export function readAddress(address: string): ServerAddress {
  const place = address.replace(/^tcp:/i, '');
  const comma = place.lastIndexOf(',');
  const [port] = /^\d+$/.exec(comma < 0 ? '' : place.slice(comma + 1).trim()) ?? [];
  const path = (port === undefined ? place : place.slice(0, comma)).trimEnd();
  const [, first = '', instance = ''] = /^([^\\]*)(?:\\(.*))?$/s.exec(path) ?? [];
  const name = /^(\.|\(local\))$/i.test(first.trim()) ? 'localhost' : first.trim();
  const host = withInstance(name, instance.trim());
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}
