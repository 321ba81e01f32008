import type { KeyturnError } from '../errors.ts';
import { engineOf } from './engines.ts';
import type { SecretFields } from './fields.ts';
import { refused } from './form.ts';
import { readEncrypt, readSslMode, readSwitch } from './switches.ts';

/** Fields for which empty means absent. */
const optional = ['engine', 'port', 'dbname', 'ssl', 'masterarn'];

/**
 * Normalises fields: an engine in any spelling, a host with its port, `ssl: "require"`, `sslmode` beside it, an empty
 * `dbname`. An ambiguous value stays as it is, and the rotator refuses it.
 *
 * @returns the fields, and the refusal of two that contradict each other
 */
export function normaliseFields(fields: SecretFields): {
  fields: SecretFields;
  refusal: KeyturnError | undefined;
} {
  const stated = Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== '' || !optional.includes(field)),
  );
  const { engine } = stated;
  const ssl = tlsOf(stated);
  const normalised = {
    // A boolean "encrypt" means the same as "ssl".
    ...(isSwitch(stated.encrypt) ? without(stated, 'encrypt') : stated),
    ...(typeof engine === 'string' ? { engine: engineOf(engine.trim()) } : {}),
    ...splitHost(stated),
  };
  if (ssl === 'contradictory') return { fields: normalised, refusal: contradictory() };
  const fieldsWithTls = { ...normalised, ssl };
  return { fields: ssl === undefined ? without(normalised, 'ssl') : fieldsWithTls, refusal: undefined };
}

function without(fields: SecretFields, name: string): SecretFields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}

function contradictory(): KeyturnError {
  return refused('ssl', 'The secret\'s "ssl" and "sslmode" contradict each other.', 'Take one of them out.');
}

/** TLS as `ssl`, `sslmode` and `encrypt` set it. The rotator refuses other values. */
function tlsOf(fields: SecretFields): unknown {
  const modeField = Object.keys(fields).find((field) => /^ssl[-_]?mode$/i.test(field));
  const mode = modeField === undefined ? undefined : fields[modeField];
  const byMode = typeof mode === 'string' ? readSslMode(mode) : undefined;
  const { encrypt } = fields;
  const byEncrypt =
    typeof encrypt === 'string' ? readEncrypt(encrypt) : isSwitch(encrypt) ? encrypt : undefined;
  const own = sslOf(fields.ssl);
  const other = byMode ?? byEncrypt;
  if (typeof own === 'boolean' && other !== undefined && own !== other) return 'contradictory';
  return own ?? other;
}

function isSwitch(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function sslOf(ssl: unknown): unknown {
  if (ssl === 1 || ssl === 0) return ssl === 1;
  // An object has a driver's options for TLS, such as certificates.
  if (typeof ssl === 'object' && ssl !== null && !Array.isArray(ssl)) return true;
  if (typeof ssl !== 'string') return ssl ?? undefined;
  // With these the server decides, and so it does without "ssl".
  if (/^(prefer|preferred|allow)$/i.test(ssl.trim())) return undefined;
  return readSslMode(ssl) ?? readSwitch(ssl) ?? ssl;
}

/** Splits a host such as `db:5432`. If "port" has another number, both fields stay as they are. */
function splitHost({ host, port }: SecretFields): SecretFields {
  const [, name, number] =
    typeof host === 'string' ? (/^([^\s:,/\\@[\]]+|\[[^\]]+\]):(\d{1,5})$/.exec(host.trim()) ?? []) : [];
  if (name === undefined || number === undefined) return {};
  if (port !== undefined && port !== null && String(port) !== number) return {};
  return { host: name.replace(/^\[|\]$/g, ''), port: port ?? number };
}
