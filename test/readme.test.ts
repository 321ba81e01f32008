import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRotators } from '../rotators/index.ts';
import { readDocument } from '../src/documents/document.ts';
import { formNames } from '../src/documents/form.ts';
import { errorCodes } from '../src/index.ts';
import { operations } from '../src/local/operations/table.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

describe('the README', () => {
  let readme: string;
  beforeAll(async () => {
    readme = await read('README.md');
  });

  it('explains every error code, and no other', () => {
    const explained = [...readme.matchAll(/^\| `([A-Z][a-z]\w+)` \| /gm)].map(([, code]) => code);
    expect(explained).toEqual([...errorCodes]);
  });

  it('lists every rotator that comes with Keyturn', () => {
    for (const { name } of createRotators())
      expect(readme).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'));
  });

  it('shows of every form what really becomes of a secret', () => {
    const rows = [...readme.matchAll(/^\| [^|]+ \| `([a-z-]+)` \| `(.+?)` \| `(.+?)` \|$/gm)];
    for (const [, form, before = '', after] of rows) {
      const document = readDocument(before);
      expect([document.form, document.write({ password: 'n3w; "p@ss"' })]).toEqual([form, after]);
    }
    expect(new Set(rows.map(([, form]) => form))).toEqual(new Set(formNames));
  });

  it('names every variable that the function reads', async () => {
    const sources = await Promise.all(
      ['src/configuration.ts', 'src/lambda.ts', 'src/powertools.ts'].map(read),
    );
    const variables = new Set(
      sources.join().match(/\b(?:KEYTURN|EXCLUDE|PASSWORD|REQUIRE|SECRETS_MANAGER)_[A-Z_]+\b/g),
    );
    expect(variables.size).toBeGreaterThan(10);
    for (const variable of variables) expect(readme).toContain(variable);
  });

  it('lists every operation of the local Secrets Manager in docs/local.md, and no other', async () => {
    const table = (await read('docs/local.md'))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .join();
    const listed = [...table.matchAll(/`([A-Z][a-z]\w+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...operations.keys()].sort());
  });

  it.each([
    'README.md',
    'docs/design.md',
    'docs/deploy.md',
    'docs/local.md',
    'docs/performance.md',
    'docs/api-token.md',
    'docs/oauth.md',
    'docs/random.md',
    'docs/render.md',
    'docs/exec.md',
  ])('has no link in %s that leads nowhere', async (file) => {
    for (const [, target = ''] of (await read(file)).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(existsSync(join(root, dirname(file), target)), target).toBe(true);
    }
  });
});
