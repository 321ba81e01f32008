import { contradictoryField } from '../../src/index.ts';

/** Where a server is, as a connection string's "Server" says it. */
export interface ServerName {
  readonly host: string;
  /** A named instance, whose port the SQL Server Browser tells. */
  readonly instance: string | undefined;
  readonly port: number | undefined;
}

/**
 * Reads `[tcp:]host[\instance][,port]`.
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
  if (hostText === '' || instance === '' || more.length > 0 || /[\s;,]|localdb/i.test(hostText))
    throw contradictoryField(field, 'is no [tcp:]host[\\instance][,port]');
  return { host: localName(hostText), instance: ordinary(instance), port: portOf(portText, field) };
}

/** ADO.NET's short names for this machine, and IPv6 addresses without the brackets that set off a port. */
function localName(host: string): string {
  if (/^(\.|\(\.\)|\(local\))$/i.test(host)) return 'localhost';
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host;
}

/** The default instance has this name in the services list, and is not announced under it. */
function ordinary(instance: string | undefined): string | undefined {
  return instance?.toUpperCase() === 'MSSQLSERVER' ? undefined : instance;
}

function portOf(text: string | undefined, field: string): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535)
    throw contradictoryField(field, 'has a port that is no number from 1 to 65535');
  return port;
}
