/** What the name of a setting can mean. Settings of one account have the same prefix. */
export interface Reading {
  readonly field: SettingField;
  /** The words before the field's, in lower case, with underscores. Empty if there are none. */
  readonly prefix: string;
}

/** The fields that settings can mean. */
export type SettingField = 'username' | 'password' | 'host' | 'port' | 'dbname' | 'engine' | 'ssl';

const namesOfField: Readonly<Record<SettingField, string>> = {
  password: 'password passwd pass pwd psw',
  username: 'username user userid uid login usr',
  host: 'host hostname server servername address addr endpoint',
  port: 'port',
  dbname: 'dbname database databasename db initialcatalog',
  engine: 'engine dialect client adapter driver type connection provider vendor',
  ssl: 'sslmode ssl encrypt tls',
};

const fieldOfName = new Map<string, SettingField>();
for (const field of ['username', 'password', 'host', 'port', 'dbname', 'engine', 'ssl'] as const)
  for (const name of namesOfField[field].split(' ')) fieldOfName.set(name, field);

/** Prefixes that come right before a field's name: PGPASSWORD, DBUSER. */
const joined = /^(pg|db|database|postgres|mysql|mssql|sql|rds|mongo|redis)(?=.)/;

/** Words of a name, split at underscores, dots, dashes and capitals. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/**
 * What the name of a setting can mean, such as `DB_PASSWORD`, `spring.datasource.username`, `dbUser`, `PGHOST`, `password`.
 * A name can have two meanings: DB_NAME is the database without a prefix, or the NAME of settings with the prefix `db`.
 */
export function readName(name: string): Reading[] {
  const words = wordsOf(name).flatMap((word, index, all) => {
    const [prefix] = all.length - 1 === index && !fieldOfName.has(word) ? (joined.exec(word) ?? []) : [];
    return prefix !== undefined && fieldOfName.has(word.slice(prefix.length))
      ? [prefix, word.slice(prefix.length)]
      : [word];
  });
  const readings: Reading[] = [];
  const add = (field: SettingField | undefined, before: readonly string[]): void => {
    if (field !== undefined) readings.push({ field, prefix: prefixOf(before) });
  };
  const [last = '', before = ''] = words.toReversed();
  // Django's DATABASES has NAME beside HOST. Elsewhere a NAME can be the name of anything.
  if (last === 'name' && isDatabaseWord(before)) add('dbname', words.slice(0, -1));
  add(fieldOfName.get(last), words.slice(0, -1));
  if (words.length > 1) add(fieldOfName.get(before + last), words.slice(0, -2));
  return readings;
}

/** `database` and `db` make the same prefix. */
function prefixOf(words: readonly string[]): string {
  return words.map((word) => (word === 'database' ? 'db' : word)).join('_');
}

/** Whether a word of a name means a database. */
export function isDatabaseWord(word: string): boolean {
  return /^(db\d*|database|databases|datasource|pg|postgres|postgresql|mysql|mariadb|mssql|sql|sqlserver|rds|jdbc)$/.test(
    word,
  );
}

/** Whether a name means another account than the application's, or one that is no longer used. */
export function isOtherAccount(name: string): boolean {
  return wordsOf(name).some((word) =>
    /^(root|admin|administrator|sa|master|superuser|replication|replicator|repl|old|previous|prev|former|legacy|backup|history|smtp|mail|ldap)$/.test(
      word,
    ),
  );
}

/** Whether a name means an account that is no longer used. */
export function isFormerAccount(name: string): boolean {
  return wordsOf(name).some((word) => /^(old|previous|prev|former|legacy|backup|history)$/.test(word));
}

/** Whether a setting's path, or a host's name, means a server that takes no changes. @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Endpoints.Reader.html */
export function isReplica(path: string, host: string | undefined): boolean {
  const isReading = (word: string): boolean =>
    /^(read|reads|reader|readers|readonly|ro|replicas?|slaves?|secondary|secondaries|standby|followers?)$/.test(
      word,
    );
  return wordsOf(path).some(isReading) || /\.cluster-ro-/.test(host ?? '');
}

/** Whether a name says that its value is a credential. */
export function isCredentialName(name: string): boolean {
  return /(?:pass|passw(?:or)?d|passphrase|pwd|psw|secret|token|key|credentials?|pin)\d*$/.test(
    name.toLowerCase().replace(/[\s_.-]/g, ''),
  );
}
