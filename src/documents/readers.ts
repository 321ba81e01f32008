import type { FormName, ParsedText } from './form.ts';

/** A known reader of a form that gets some values wrong. */
interface Reader {
  readonly name: string;
  /** Matches the written form of the values that it misreads. */
  readonly misreads: RegExp;
}

/**
 * Readers that misread a value in quotes, braces or codes, by form. The tests compare this with the readers themselves.
 *
 * @see https://github.com/microsoft/go-mssqldb
 * @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url#escaping-values-in-the-connection-url
 * @see https://docs.docker.com/reference/cli/docker/container/run/#env
 */
const readers: Readonly<Partial<Record<FormName, readonly Reader[]>>> = {
  'ado-net': [
    { name: 'go-mssqldb up to 1.9.2, which takes quotes for a part of the password', misreads: /^["'{]/ },
    { name: 'drivers for Node.js, which take braces for quotes', misreads: /^["']?\{.*\}["']?$/ },
  ],
  odbc: [
    { name: 'FreeTDS, which misreads braces', misreads: /^\{/ },
    { name: 'pyodbc and other readers that split at semicolons', misreads: /;/ },
  ],
  jdbc: [
    { name: 'jTDS, which takes braces for a part of the password', misreads: /^\{/ },
    { name: 'mssql-jdbc before 8.4, which knows no doubled brace', misreads: /\}\}/ },
    { name: 'programs that take the parameters of a JDBC URL as they stand', misreads: /%[0-9A-F]{2}/ },
  ],
  url: [
    {
      name: 'programs that do not decode a URL, such as older drivers for MongoDB and Redis',
      misreads: /%[0-9A-F]{2}/,
    },
    { name: 'pg-connection-string, where the URL has a space elsewhere', misreads: /%[0-9A-F]{2}/ },
  ],
  libpq: [{ name: 'programs that split at spaces without a look at quotes', misreads: /^'/ }],
  env: [{ name: 'docker run --env-file, which takes quotes for a part of the value', misreads: /^["'`]/ }],
};

/** Names of the readers that would misread a new password, although they can read the present one. */
export function failingReaders(
  { form, slots }: Pick<ParsedText, 'form' | 'slots'>,
  password: string,
): string[] {
  const names = slots
    .filter(({ field }) => field === 'password')
    .flatMap((slot) => {
      const encode = slot.encodeInForm ?? slot.encode;
      const [before, after] = [slot.value === undefined ? '' : encode(slot.value), encode(password)];
      // If the present password is written like this too, the application's reader understands it.
      return (readers[slot.form ?? form] ?? []).filter(
        ({ misreads }) => misreads.test(after) && !misreads.test(before),
      );
    })
    .map(({ name }) => name);
  return [...new Set(names)];
}
