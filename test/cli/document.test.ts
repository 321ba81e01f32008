import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

async function makersIn(file: string, call: RegExp): Promise<(string | undefined)[]> {
  const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  return [...text.matchAll(call)].map(([, maker]) => maker);
}

it('attaches to the rotators that the deployed function serves, and knows no others', async () => {
  const deployed = await makersIn('src/lambda.ts', /^ {4}(?:\.{3})?(\w+)\(\w*\),$/gm);
  expect(deployed.length).toBeGreaterThan(3);
  expect(await makersIn('src/cli/rotation/document.ts', /^ {2}(?:\.{3})?(\w+)\(\),$/gm)).toEqual(deployed);
});
