import { writeFile } from 'node:fs/promises';
import { formsDocument } from '../test/documents/forms-document.ts';

/** Generates docs/forms.md from the documents that the tests read and write. */
await writeFile(new URL('../docs/forms.md', import.meta.url), formsDocument());
