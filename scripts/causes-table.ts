import { type Cause, causes } from '../src/doctor/causes.ts';

const begin = '<!-- causes: written by npm run generate:causes -->';
const end = '<!-- /causes -->';

/** Puts the table of the present causes into the text of docs/causes.md. */
export function withCauses(page: string): string {
  const [head = '', , tail = ''] = page.split(new RegExp(`${begin}|${end}`));
  const rows = Object.entries<Cause>(causes).map(
    ([name, { problem, step, fix }]) =>
      `| \`${name}\` | ${problem} | ${step}${fix ? ` (\`--fix\`: ${fix})` : ''} |`,
  );
  return `${head}${begin}\n\n| cause | what is wrong | the safe step |\n|---|---|---|\n${rows.join('\n')}\n\n${end}${tail}`;
}
