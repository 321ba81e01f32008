import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRotators } from '../rotators/index.ts';
import { drawRotation, readRotation } from '../scripts/rotation-picture.ts';
import { readDocument } from '../src/documents/document.ts';
import { formNames } from '../src/documents/form.ts';
import { errorCodes } from '../src/index.ts';
import { operations } from '../src/local/operations/table.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

/** README.md and all pages, by path. */
async function readPages(): Promise<Map<string, string>> {
  const files = await readdir(join(root, 'docs'));
  const pages = ['README.md', ...files.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)];
  return new Map(await Promise.all(pages.map(async (page) => [page, await read(page)] as const)));
}

/** What `npm pack` puts into the package, but for what a build makes. */
async function readPackedFiles(): Promise<ReadonlySet<string>> {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  const [packed]: { files: { path: string }[] }[] = JSON.parse(stdout);
  return new Set(packed?.files.map(({ path }) => path));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = page.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('the documentation', () => {
  let pages: Map<string, string>;
  const page = (name: string): string => {
    const text = pages.get(name);
    if (text === undefined) throw new Error(`There is no ${name}.`);
    return text;
  };
  beforeAll(async () => {
    pages = await readPages();
  });

  it('explains every error code in docs/errors.md, and no other', () => {
    const [codesOnly = ''] = page('docs/errors.md').split('\n## ');
    const explained = [...codesOnly.matchAll(/^\| `([A-Z][a-z]\w+)` \| [^|]{10,} \|$/gm)];
    const codes = explained.map(([, code]) => code);
    expect(codes).toEqual([...errorCodes]);
  });

  it('names every optional package in docs/own-function.md, with what needs it', async () => {
    const { peerDependenciesMeta }: { peerDependenciesMeta: object } = JSON.parse(await read('package.json'));
    const table =
      page('docs/own-function.md')
        .match(/^\| .* \|$/gm)
        ?.join('\n') ?? '';
    const missing = Object.keys(peerDependenciesMeta).filter((name) => !table.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it('lists every rotator that comes with Keyturn in docs/secrets.md', () => {
    for (const { name } of createRotators())
      expect(page('docs/secrets.md')).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'));
  });

  it('shows of every form in docs/secrets.md what really becomes of a secret', () => {
    const rows = [
      ...page('docs/secrets.md').matchAll(/^\| [^|]+ \| `([a-z-]+)` \| `(.+?)` \| `(.+?)` \|$/gm),
    ];
    for (const [, form, before = '', after] of rows) {
      const document = readDocument(before);
      expect([document.form, document.write({ password: 'n3w; "p@ss"' })]).toEqual([form, after]);
    }
    expect(new Set(rows.map(([, form]) => form))).toEqual(new Set(formNames));
  });

  it('names every variable that the function reads in docs/configuration.md, and no other', async () => {
    const variable = /\b(?:KEYTURN|EXCLUDE|PASSWORD|REQUIRE|SECRETS_MANAGER)_[A-Z_]+\b/g;
    const sources = await Promise.all(
      ['src/configuration.ts', 'src/lambda.ts', 'src/powertools.ts'].map(read),
    );
    const known = new Set(sources.join().match(variable));
    expect(known.size).toBeGreaterThan(10);
    expect(new Set(page('docs/configuration.md').match(variable))).toEqual(known);
  });

  it('lists every operation of the local Secrets Manager in docs/local.md, and no other', () => {
    const table = page('docs/local.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .join();
    const listed = [...table.matchAll(/`([A-Z][a-z]\w+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...operations.keys()].sort());
  });

  it('has the tree of src and rotators in docs/design.md, with a line for each folder', async () => {
    const foldersIn = async (under: string): Promise<string[]> => {
      const entries = await readdir(join(root, under), { withFileTypes: true });
      const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${under}/${name}`);
      return [under, ...(await Promise.all(names.sort().map(foldersIn))).flat()];
    };
    const there = [...(await foldersIn('src')), ...(await foldersIn('rotators'))];
    const [, tree = ''] = /^```text\n(src\/ .*?)^```$/ms.exec(page('docs/design.md')) ?? [];
    const path: string[] = [];
    const listed = tree
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, indent = '', name = ''] = /^((?: {2})*)([\w-]+)\/ +\S/.exec(line) ?? [];
        path.splice(indent.length / 2, Infinity, name);
        return path.join('/');
      });
    expect(listed.sort()).toEqual(there.sort());
  });

  it('has every page once in the contents list, with the question that is its title', () => {
    const listed = [...page('docs/README.md').matchAll(/^\| (.+) \| \[(.+)\]\(\2\) \|$/gm)].map(
      ([, question, file]) => `docs/${file}: ${question}`,
    );
    const titled = [...pages]
      .filter(([name]) => !name.endsWith('README.md'))
      .map(([name, text]) => `${name}: ${/^# (.+)/.exec(text)?.[1]}`);
    expect(listed.sort()).toEqual(titled.sort());
  });

  /** The links of a text that lead to no file, or to no heading of a page. */
  const brokenLinks = (from: string, text: string, isThere: (file: string) => boolean): string[] =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, file = '', anchor]) => {
        const to = file === '' ? from : posix.join(posix.dirname(from), file);
        return !isThere(to) || (anchor !== undefined && !anchorsOf(page(to)).has(anchor));
      })
      .map(([link]) => `${from}: ${link}`);

  it('has no link that leads nowhere, also in the packed package', async () => {
    const packed = await readPackedFiles();
    const isPacked = (file: string) => (file === 'docs/' ? pages.has('docs/README.md') : packed.has(file));
    const others = ['CHANGELOG.md', 'SECURITY.md'];
    const texts = [
      ...pages,
      ...(await Promise.all(others.map(async (name) => [name, await read(name)] as const))),
    ];
    expect(texts.flatMap(([from, text]) => brokenLinks(from, text, isPacked))).toEqual([]);
    expect(others.filter((name) => !packed.has(name))).toEqual([]);
  });

  it.each(['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])(
    'has no link in %s that leads nowhere',
    async (name) => {
      const isThere = (file: string) => existsSync(join(root, file));
      expect(brokenLinks(name, await read(name), isThere)).toEqual([]);
    },
  );

  it('names no file of the repository that is not there', () => {
    const path =
      /`((?:test|src|rotators|examples|scripts|bench|\.ci)\/[\w./-]*|[\w-]+\.(?:yaml|toml|json))`/g;
    const missing = [...pages].flatMap(([from, text]) =>
      [...text.matchAll(path)]
        .filter(([, file = '']) => !existsSync(join(root, file)))
        .map(([name]) => `${from}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has a picture of a rotation that is drawn from what the demo measured', async () => {
    const picture = await read('docs/rotation.svg');
    const measured: unknown = JSON.parse(/<metadata>(.*)<\/metadata>/.exec(picture)?.[1] ?? '{}');
    const rotation = readRotation({ rotations: [measured] });
    expect(picture).toBe(drawRotation(rotation));
    const { secretsManagerCalls, logins, refusedLogins } = rotation;
    expect({ secretsManagerCalls, logins, refusedLogins }).toEqual({
      secretsManagerCalls: 7,
      logins: 2,
      refusedLogins: 0,
    });
  });
});
