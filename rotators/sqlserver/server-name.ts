import { isIP } from 'node:net';
import { contradictoryField } from '../../src/rotator/index.ts';

/** Where a server is, as "Server" in a connection string says. */
export interface ServerName {
  readonly host: string;
  /** A named instance. The SQL Server Browser tells its port. */
  readonly instance: string | undefined;
  readonly port: number | undefined;
}

/**
 * Reads `[tcp:]host[\instance][,port]`. Refuses everything else that ADO.NET takes here, such as a pipe: Keyturn speaks
 * only TCP, and a text that it misread would send the password to another server.
 *
 * @param field the secret's field, for errors
 * @throws InvalidSecretField
 * @see https://learn.microsoft.com/dotnet/api/microsoft.data.sqlclient.sqlconnection.connectionstring
 */
export function parseServerName(text: string, field: string): ServerName {
  const [, protocol, rest = ''] = /^\s*(?:(np|lpc|admin|tcp)\s*:)?\s*(.*?)\s*$/is.exec(text) ?? [];
  if (protocol !== undefined && protocol.toLowerCase() !== 'tcp')
    throw contradictoryField(field, `names the protocol ${protocol.toLowerCase()}, which is not TCP`);
  const [, address = '', portText] = /^(.*?)(?:\s*,\s*(.*))?$/s.exec(rest) ?? [];
  const [hostText = '', instance, ...more] = address.split('\\').map((part) => part.trim());
  const host = hostNameOf(hostText);
  if (!isHostName(host) || more.length > 0 || (instance !== undefined && !isInstanceName(instance)))
    throw contradictoryField(field, 'is no [tcp:]host[\\instance][,port]');
  return { host, instance: withoutDefaultInstance(instance), port: portOf(portText, field) };
}

const longestHost = 128;

/** Whether a text is the name or the address of a host, and nothing else. LOGIN7 has room for 128 characters. */
export function isHostName(text: string): boolean {
  if (text.length > longestHost) return false;
  return isIP(text) !== 0 || /^[\p{L}\p{N}_]([\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_])?\.?$/u.test(text);
}

/** @see https://learn.microsoft.com/sql/sql-server/install/instance-configuration */
function isInstanceName(text: string): boolean {
  return /^[\p{L}_&#][\p{L}\p{N}_$#&]{0,15}$/u.test(text);
}

/** Translates ADO.NET's short names for this machine, and takes the brackets off an IPv6 address. */
function hostNameOf(host: string): string {
  if (/^(\.|\(\.\)|\(local\))$/i.test(host)) return 'localhost';
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host;
}

/** MSSQLSERVER is the default instance's name in the list of services. The SQL Server Browser does not know that name. */
function withoutDefaultInstance(instance: string | undefined): string | undefined {
  return instance?.toUpperCase() === 'MSSQLSERVER' ? undefined : instance;
}

function portOf(text: string | undefined, field: string): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535)
    throw contradictoryField(field, 'has a port that is no number from 1 to 65535');
  return port;
}
