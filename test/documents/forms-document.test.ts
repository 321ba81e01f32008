import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { formsDocument } from './forms-document.ts';

it('docs/forms.md shows what really becomes of each form (npm run generate:forms)', async () => {
  const page = await readFile(new URL('../../docs/forms.md', import.meta.url), 'utf8');
  expect(page).toBe(formsDocument());
});
