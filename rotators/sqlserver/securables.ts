import { quoteIdentifier } from './quoting.ts';

/** A class of securables. */
interface SecurableClass {
  /** What GRANT calls it. */
  readonly words: string;
  /** The view that has its names. */
  readonly view: string;
  /** The view's column with the numbers that permissions refer to. */
  readonly id: string;
  /** Whether its names are in schemas. */
  readonly inSchema?: true;
}

/**
 * The classes of sys.database_permissions, except 0, which is the database itself.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/system-catalog-views/sys-database-permissions-transact-sql
 * @see https://learn.microsoft.com/sql/t-sql/statements/grant-transact-sql
 */
const classes: Readonly<Record<number, SecurableClass>> = {
  1: { words: 'OBJECT', view: 'sys.all_objects', id: 'object_id', inSchema: true },
  3: { words: 'SCHEMA', view: 'sys.schemas', id: 'schema_id' },
  4: { words: 'USER', view: 'sys.database_principals', id: 'principal_id' },
  5: { words: 'ASSEMBLY', view: 'sys.assemblies', id: 'assembly_id' },
  6: { words: 'TYPE', view: 'sys.types', id: 'user_type_id', inSchema: true },
  10: {
    words: 'XML SCHEMA COLLECTION',
    view: 'sys.xml_schema_collections',
    id: 'xml_collection_id',
    inSchema: true,
  },
  15: { words: 'MESSAGE TYPE', view: 'sys.service_message_types', id: 'message_type_id' },
  16: { words: 'CONTRACT', view: 'sys.service_contracts', id: 'service_contract_id' },
  17: { words: 'SERVICE', view: 'sys.services', id: 'service_id' },
  18: {
    words: 'REMOTE SERVICE BINDING',
    view: 'sys.remote_service_bindings',
    id: 'remote_service_binding_id',
  },
  19: { words: 'ROUTE', view: 'sys.routes', id: 'route_id' },
  23: { words: 'FULLTEXT CATALOG', view: 'sys.fulltext_catalogs', id: 'fulltext_catalog_id' },
  24: { words: 'SYMMETRIC KEY', view: 'sys.symmetric_keys', id: 'symmetric_key_id' },
  25: { words: 'CERTIFICATE', view: 'sys.certificates', id: 'certificate_id' },
  26: { words: 'ASYMMETRIC KEY', view: 'sys.asymmetric_keys', id: 'asymmetric_key_id' },
  29: { words: 'FULLTEXT STOPLIST', view: 'sys.fulltext_stoplists', id: 'stoplist_id' },
  31: { words: 'SEARCH PROPERTY LIST', view: 'sys.registered_search_property_lists', id: 'property_list_id' },
  32: { words: 'DATABASE SCOPED CREDENTIAL', view: 'sys.database_scoped_credentials', id: 'credential_id' },
  34: { words: 'EXTERNAL LANGUAGE', view: 'sys.external_languages', id: 'external_language_id' },
};

/**
 * The views of the classes. Azure SQL Database and older servers lack some of them. They refuse a whole statement that
 * names a missing one.
 */
export const securableViews: readonly string[] = [...new Set(Object.values(classes).map(({ view }) => view))];

/** Service Broker's names have a binary collation, and one column can't hold two collations (error 451). */
const oneCollation = ' COLLATE DATABASE_DEFAULT';

/**
 * A scalar expression for the name of the securable of a row `p` of sys.database_permissions; null if that is unknown.
 *
 * @param available the views that the server has
 */
export function nameExpression(available: ReadonlySet<string>): string {
  const cases = present(available).map(
    ([number, { view, id }]) =>
      `WHEN ${number} THEN (SELECT s.name${oneCollation} FROM ${view} s WHERE s.${id} = p.major_id)`,
  );
  return `CASE p.class WHEN 0 THEN DB_NAME()${oneCollation} ${cases.join(' ')} END`;
}

/** As {@link nameExpression}, for the name of the securable's schema; null if its class has no schemas. */
export function schemaExpression(available: ReadonlySet<string>): string {
  const cases = present(available)
    .filter(([, { inSchema }]) => inSchema)
    .map(
      ([number, { view, id }]) =>
        `WHEN ${number} THEN (SELECT SCHEMA_NAME(s.schema_id)${oneCollation} FROM ${view} s WHERE s.${id} = p.major_id)`,
    );
  return `CASE p.class ${cases.join(' ')} END`;
}

function present(available: ReadonlySet<string>): [string, SecurableClass][] {
  return Object.entries(classes).filter(([, { view }]) => available.has(view));
}

/** What a row of a permission catalogue says of its securable. */
export interface SecurableRow {
  readonly class: number;
  readonly classDescription: string;
  readonly majorId: number;
  readonly minorId: number;
  readonly schemaName: string | null;
  readonly name: string | null;
  readonly columnName: string | null;
  /** The type of the principal, if the securable is a principal. */
  readonly principalType: string | null;
}

/** A securable as GRANT names it. */
export interface Securable {
  /** What follows ON, quoted. Undefined for the server, and for a securable that is not known here. */
  readonly on: string | undefined;
  readonly column: string | undefined;
  /** Whether GRANT can name it. */
  readonly known: boolean;
  /** Its name for people. Different securables have different labels. */
  readonly label: string;
}

const server = 100;

/** Names a securable. If its class is not known here, its label has the catalogue's numbers. */
export function describeSecurable(row: SecurableRow): Securable {
  if (row.class === server) return { on: undefined, column: undefined, known: true, label: 'the server' };
  const words = wordsOf(row);
  if (words === undefined || row.name === null) {
    const label = `${row.classDescription} ${row.majorId}.${row.minorId}`;
    return { on: undefined, column: undefined, known: false, label };
  }
  const schema = row.schemaName === null ? '' : `${quoteIdentifier(row.schemaName)}.`;
  const on = `${words}::${schema}${quoteIdentifier(row.name)}`;
  const column = row.columnName ?? undefined;
  return { on, column, known: true, label: column === undefined ? on : `${on}(${quoteIdentifier(column)})` };
}

/** Classes 101 and 105 are the server's: logins or server roles, and endpoints. */
function wordsOf({ class: number, principalType }: SecurableRow): string | undefined {
  const isRole = principalType?.trim() === 'R';
  if (number === 0) return 'DATABASE';
  if (number === 4) return isRole ? 'ROLE' : principalType?.trim() === 'A' ? 'APPLICATION ROLE' : 'USER';
  if (number === 101) return isRole ? 'SERVER ROLE' : 'LOGIN';
  if (number === 105) return 'ENDPOINT';
  return classes[number]?.words;
}
