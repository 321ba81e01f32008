/** The kinds of secrets that `keyturn create` knows. */
export const kindNames = [
  'other',
  'postgres',
  'sqlserver',
  'mysql',
  'mariadb',
  'oracle',
  'mongo',
  'redshift',
  'redis',
  'db2',
] as const;

/** One of {@link kindNames}. */
export type KindName = (typeof kindNames)[number];
