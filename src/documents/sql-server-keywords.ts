/**
 * A keyword in lower case, without space, underscores and dashes. Drivers differ: `TrustServerCertificate` and `Trust Server
 * Certificate` are the same.
 */
export function plainKeyword(keyword: string): string {
  return keyword.toLowerCase().replace(/[\s_-]/g, '');
}

/** Where a server is. `host` ends with a backslash and the instance if there is one, as in SQL Server's own tools. */
export interface ServerAddress {
  readonly host?: string;
  readonly port?: string;
}

/** A host with its named instance. Either may be missing. */
export function withInstance(host: string | undefined, instance: string | undefined): string | undefined {
  return host && instance ? `${host}\\${instance}` : host || undefined;
}

/**
 * Reads `tcp:host\instance,port`. The prefix, the instance and the port may be missing. `.` and `(local)` become `localhost`.
 * A protocol other than TCP stays in the host, and the rotator refuses it.
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
