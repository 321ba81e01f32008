import { readDocument, type SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import type { FormName } from '../documents/form.ts';
import { KeyturnError } from '../errors.ts';
import { type Engine, type Place, skeletons } from './connection-strings.ts';
import type { FormOfFields } from './form-names.ts';

/**
 * Makes a connection string or JSON out of a secret's fields. A secret that already has this form stays as it is. A
 * connection string is read again, and must have the same fields.
 *
 * @param text the secret
 * @param document the same secret, parsed
 * @throws InvalidSecretField if a field is missing, or the form can't hold it
 */
export function toForm(text: string, document: SecretDocument, form: FormOfFields): string {
  if (document.form === form) return text;
  if (form === 'json') return JSON.stringify(document.fields);
  const { fields } = document;
  const place = readPlace(fields);
  const credential = { username: required(fields, 'username'), password: required(fields, 'password') };
  const skeleton = skeletons[form](place);
  if (skeleton === undefined)
    throw notMade('engine', `is ${place.engine}, for which there is no ${form} form`);
  const { base, dbname } = skeleton;
  const isSeparate = place.dbname !== undefined && dbname === 'separate';
  const made = readDocument(base, { form }).write(
    isSeparate ? { dbname: place.dbname, ...credential } : credential,
  );
  const wanted = { ...credential, host: hostOf(place), port: place.port, dbname: place.dbname };
  requireSame(made, form, wanted, Object.keys(readDocument(base, { form }).fields));
  return made;
}

function hostOf({ host, instance }: Place): string {
  return instance === undefined ? host : `${host}\\${instance}`;
}

/** Checks that all fields are read back as they are, and that no value has become another keyword. */
function requireSame(made: string, form: FormName, wanted: SecretFields, others: readonly string[]): void {
  const { fields } = readDocument(made, { form });
  const known = new Set([...Object.keys(wanted), ...others]);
  if (Object.keys(fields).some((field) => !known.has(field))) {
    throw notMade('password', `has characters that would begin another value in the form ${form}`);
  }
  for (const [field, value] of Object.entries(wanted)) {
    const found = fields[field];
    if ((found === undefined ? undefined : String(found)) === value) continue;
    throw notMade(field, `would be read back as another value from the form ${form}`);
  }
}

const engines: readonly (readonly [RegExp, Engine])[] = [
  [/redshift/, 'redshift'],
  [/postgres/, 'postgres'],
  [/sqlserver|mssql/, 'sqlserver'],
  [/mariadb/, 'mariadb'],
  [/mysql/, 'mysql'],
  [/mongo|docdb/, 'mongo'],
  [/redis|valkey/, 'redis'],
  [/rabbitmq|amqp/, 'amqp'],
];

function readPlace(fields: SecretFields): Place {
  const engineName = required(fields, 'engine').toLowerCase();
  const engine = engines.find(([pattern]) => pattern.test(engineName))?.[1];
  if (engine === undefined) throw notMade('engine', 'is no engine whose connection strings Keyturn knows');
  const [host = '', instance] = required(fields, 'host').split('\\');
  const port = optional(fields, 'port');
  // Any other character would end the host and begin another part of the string.
  if (!/^([\w.-]+|[\da-f:.]+(%[\w.-]+)?)$/i.test(host))
    throw notMade('host', 'is neither a host name nor an address');
  if (instance !== undefined && !/^[\w$#-]+$/.test(instance))
    throw notMade('host', 'has a backslash, and no name of an instance after it');
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw notMade('port', 'is no port');
  const ssl = fields.ssl === undefined || fields.ssl === null ? undefined : String(fields.ssl).toLowerCase();
  if (ssl !== undefined && ssl !== 'true' && ssl !== 'false') throw notMade('ssl', 'must be true or false');
  return {
    engine,
    host,
    instance,
    port,
    dbname: optional(fields, 'dbname'),
    ssl: ssl === undefined ? undefined : ssl === 'true',
  };
}

function required(fields: SecretFields, field: string): string {
  const value = optional(fields, field);
  if (value !== undefined && value !== '') return value;
  throw notMade(field, 'is missing, and a connection string needs it');
}

function optional(fields: SecretFields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw notMade(field, 'is neither text nor number');
}

function notMade(field: string, problem: string): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The secret's "${field}" ${problem}.`,
    'Ask for single fields instead, such as #host and #password, or correct the secret.',
    { field },
  );
}
