import { readFile, writeFile } from 'node:fs/promises';
import { withCauses } from './causes-table.ts';

/** Writes the table of causes into docs/causes.md. */
const page = new URL('../docs/causes.md', import.meta.url);
await writeFile(page, withCauses(await readFile(page, 'utf8')));
