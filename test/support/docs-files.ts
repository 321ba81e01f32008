import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files in a page of the docs, by name: code blocks that begin with `LANGUAGE file=NAME`. */
export async function filesIn(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, page), 'utf8');
  const blocks = text.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = '', content = '']) => [name, content]));
}

/** A folder of a project that has Keyturn installed, with some files of a page. It is removed after the test. */
export async function projectWith(page: string, ...names: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-docs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = await filesIn(page);
  for (const name of names) {
    const content = files.get(name);
    if (content === undefined) throw new Error(`${page} has no ${name}.`);
    await writeFile(join(folder, name), content);
  }
  const modules = join(folder, 'node_modules');
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await symlink(join(root, 'bin/keyturn.js'), join(modules, '.bin/keyturn'));
  for (const name of ['vitest', 'testcontainers', '@aws-sdk/client-secrets-manager']) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  return folder;
}
