import { readDocument } from '../../src/index.ts';
import { realDocuments } from './real-documents.ts';

/** What the page shows as the password before and after. */
const shown = { before: 'Old-passw0rd', after: 'N3w-passw0rd' };

const refused: readonly (readonly [what: string, text: string])[] = [
  ['a Windows login', 'Server=db;User Id=app;Password=x;Trusted_Connection=yes'],
  [
    'an Entra ID login',
    'Driver={ODBC Driver 18 for SQL Server};Server=db;UID=app;PWD=x;Authentication=ActiveDirectoryPassword',
  ],
  ['braces in ADO.NET', 'Server=db;User Id=app;Password={x}'],
  ['a keyword of another form', 'Driver=FreeTDS;Server=db;User Id=app;Password=x'],
  ['a keyword of another form in JDBC', 'jdbc:sqlserver://db;user=app;pwd=x'],
  ['a user where pgjdbc reads none', 'jdbc:postgresql://app:x@db/shop'],
  ['a number sign without quotes', 'DB_USER=app\nDB_PASSWORD=ab#cd'],
  ['contradictory fields', '{"engine":"postgres","ssl":false,"sslmode":"require"}'],
];

const introduction = `# How does Keyturn change the secret of my framework or driver?

Find your secret in the table. It shows the secret before and after a rotation. Only the credential changes, in every place with the
same user and password. A new password needs no quotes and no codes: see [secret-value.md](secret-value.md).

\`npm run generate:forms\` writes this page from the documents that the tests read and write. A test checks that the page is up to date.

`;

/** The page docs/forms.md. */
export function formsDocument(): string {
  const rows = realDocuments.map(({ name, text, form, hints = {} }) => {
    const before = text.replaceAll('OLD', shown.before);
    const after = readDocument(before, hints).write({ password: shown.after });
    return `| ${name} | \`${form}\` | ${code(before)} | ${code(after)} |`;
  });
  const refusals = refused.map(([what, text]) => {
    const message = readDocument(text).refusal?.message ?? '';
    return `| ${what} | ${code(text)} | ${message.replaceAll('|', '\\|')} |`;
  });
  return [
    introduction,
    '## Before and after\n\n| secret | form | before | after |\n|---|---|---|---|\n',
    `${rows.join('\n')}\n\n`,
    '## What is refused\n\nKeyturn reads these secrets, but does not rotate them (`InvalidSecretField`).\n\n',
    '| what | secret | error |\n|---|---|---|\n',
    `${refusals.join('\n')}\n`,
  ].join('');
}

/** A text as code in a table's cell: each line is a piece of code of its own. */
function code(text: string): string {
  const lines = text
    .replace(/^\ufeff/, '(byte order mark)')
    .split(/\r?\n/)
    .map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .map((line) => `\`${line.replaceAll('|', '\\|').replaceAll('`', "'")}\``)
    .join('<br>');
}
