import { readDocument } from '../documents/document.ts';
import { KeyturnError } from '../errors.ts';
import type { FormOfFields } from '../render/form-names.ts';
import { toForm } from '../render/forms.ts';
import type { KindName } from './kind-names.ts';

/** A field of a kind of secret. */
export interface KindField {
  readonly name: string;
  /** Its name in a prompt. */
  readonly title: string;
  readonly isSecret?: boolean;
  readonly isOptional?: boolean;
  /** The value if none is entered. */
  readonly byDefault?: string;
}

/** A kind of secret, as in the first screen of AWS's console. */
export interface Kind {
  readonly name: KindName;
  readonly title: string;
  /** Undefined for other secrets, whose fields have any names. */
  readonly engine: string | undefined;
  readonly fields: readonly KindField[];
}

function database(
  name: KindName,
  title: string,
  port: number,
  more: { dbname?: 'required'; engine?: string } = {},
): Kind {
  return {
    name,
    title,
    engine: more.engine ?? name,
    fields: [
      { name: 'username', title: 'User' },
      { name: 'password', title: 'Password', isSecret: true },
      { name: 'host', title: 'Host' },
      { name: 'port', title: 'Port', byDefault: String(port) },
      { name: 'dbname', title: 'Database', isOptional: more.dbname !== 'required' },
      {
        name: 'ssl',
        title: 'TLS with a valid certificate (true), or plaintext (false)',
        isOptional: true,
      },
    ],
  };
}

/**
 * The kinds, with the ports and the fields of AWS's own structure.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export const kinds: readonly Kind[] = [
  { name: 'other', title: 'Anything else: keys and values, or a text', engine: undefined, fields: [] },
  database('postgres', 'PostgreSQL', 5432),
  database('sqlserver', 'SQL Server', 1433),
  database('mysql', 'MySQL', 3306),
  database('mariadb', 'MariaDB', 3306),
  database('oracle', 'Oracle', 1521, { dbname: 'required' }),
  database('mongo', 'MongoDB', 27017),
  database('redshift', 'Redshift', 5439),
  database('redis', 'Redis or Valkey', 6379),
  database('db2', 'Db2', 50000),
];

/** A kind by its name. */
export function kindNamed(name: string): Kind | undefined {
  return kinds.find((kind) => kind.name === name);
}

/**
 * Makes the text of a secret from its fields: AWS's JSON, or a connection string.
 *
 * @param form undefined: AWS's JSON
 *
 * @throws InvalidSecretField if a field is missing or wrong, or the form can't hold it
 */
export function composeFields(
  kind: Kind,
  given: ReadonlyMap<string, string>,
  form: FormOfFields | undefined,
): string {
  const fields = new Map<string, string | number | boolean>();
  if (kind.engine !== undefined) fields.set('engine', kind.engine);
  for (const { name, isOptional, byDefault } of kind.fields) {
    const value = given.get(name) || byDefault;
    if (value !== undefined) fields.set(name, typed(name, value));
    else if (isOptional !== true) throw wrongField(name, 'is missing');
  }
  for (const [name, value] of given)
    if (!fields.has(name) && value !== '') fields.set(name, typed(name, value));
  if (fields.size === 0) throw wrongField('value', 'is missing: the secret would be empty');
  const json = JSON.stringify(Object.fromEntries(fields));
  return form === undefined ? json : toForm(json, readDocument(json), form);
}

/** Port and `ssl` get the types that AWS's templates read. */
function typed(name: string, value: string): string | number | boolean {
  if (name === 'port') {
    if (/^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535) return Number(value);
    throw wrongField(name, 'must be a whole number from 1 to 65535');
  }
  if (name === 'ssl') {
    if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    throw wrongField(name, 'must be true or false');
  }
  return value;
}

function wrongField(field: string, problem: string): KeyturnError {
  return new KeyturnError('InvalidSecretField', `The field "${field}" ${problem}.`, 'Nothing was stored.', {
    field,
  });
}
