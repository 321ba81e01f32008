import { contradictoryField, optionalPort, requireText, type SecretFields } from '../../src/rotator/index.ts';
import { parseAddress } from '../database/login.ts';

/** One place at which a server listens. */
export interface Endpoint {
  /** A name or an address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
}

const defaultPort = 5432;

/** The most servers that a secret may name. */
const mostEndpoints = 16;

/**
 * Reads where a secret's servers are, in the secret's order. The first one names the target. A host may carry its port
 * (`db:5433`). There may be several hosts with commas between them, as in libpq, JDBC and Npgsql. `port` then has one
 * port for each host, or one for all of them.
 *
 * @throws InvalidSecretField
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
export function parseEndpoints(fields: SecretFields): readonly [Endpoint, ...Endpoint[]] {
  const host = requireText(fields, 'host');
  const list = listBeside(fields, host);
  const field = list === undefined ? 'host' : 'hosts';
  const places = (list ?? host).split(',');
  // A URL's list contains the ports. The field `port` beside it is the first host's only.
  const ports = list === undefined ? portsOf(fields, places.length) : [];
  const [first, ...others] = places.map((place, index) => parseEndpoint(field, place, ports[index]));
  if (first === undefined || others.length >= mostEndpoints) {
    throw contradictoryField(field, `names no host or more than ${mostEndpoints}`);
  }
  return [first, ...others];
}

/**
 * The list of hosts that a URL has. Its first host is the same as `host`; otherwise `hosts` is a field of a JSON secret
 * that means something else.
 */
function listBeside({ hosts }: SecretFields, host: string): string | undefined {
  if (typeof hosts !== 'string') return undefined;
  const [first = ''] = hosts.split(',');
  return first.replace(/^\[|\](:\d+)?$/g, '').replace(/:\d+$/, '') === host || first === host
    ? hosts
    : undefined;
}

/** The port of each host; undefined where none is given. */
function portsOf(fields: SecretFields, count: number): readonly (number | undefined)[] {
  const { port } = fields;
  const list = typeof port === 'string' ? port.split(',') : [port];
  if (list.length !== 1 && list.length !== count) {
    throw contradictoryField('port', `has ${list.length} ports for ${count} hosts`);
  }
  const ports = list.map((one) =>
    one === undefined || one === null || one === '' ? undefined : numberOf(one),
  );
  return Array.from({ length: count }, (_, index) => (ports.length === 1 ? ports[0] : ports[index]));
}

function numberOf(port: unknown): number {
  return optionalPort({ port }, 'port', defaultPort);
}

/** @throws InvalidSecretField for a host with a port that differs from the one beside it */
function parseEndpoint(field: string, place: string, portBeside: number | undefined): Endpoint {
  const { host, port } = parseAddress(field, place);
  if (port !== undefined && portBeside !== undefined && port !== portBeside) {
    throw contradictoryField(field, 'has another port than "port"');
  }
  return { host, port: port ?? portBeside ?? defaultPort };
}
