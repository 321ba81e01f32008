import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

// Makes `dist`: JavaScript and types of all sources, one file with the packages that the console uses, and the files that
// the console's pages load.

const root = join(import.meta.dirname, '..');
const at = (...path: string[]): string => join(root, ...path);

rmSync(at('dist'), { recursive: true, force: true });
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')], {
  stdio: 'inherit',
});

const licences = ['hono', '@hono/node-server'].map((name) => {
  const text = readFileSync(at('node_modules', name, 'LICENSE'), 'utf8').trim();
  return `/*! ${name}\n${text.replaceAll('*/', '* /')}\n*/`;
});
await build({
  entryPoints: [at('dist/src/console/library.js')],
  outfile: at('dist/src/console/library.js'),
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  banner: { js: licences.join('\n') },
  logLevel: 'warning',
});
removeUnreachedTypes();

mkdirSync(at('dist/src/console/browser'), { recursive: true });
await build({
  entryPoints: [at('src/console/browser/console.ts')],
  outfile: at('dist/src/console/browser/console.js'),
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
copyFileSync(at('src/console/browser/console.css'), at('dist/src/console/browser/console.css'));

/**
 * Removes the types that no export of package.json leads to. Nobody can import them, they are two thirds of all files with
 * types, and those of the console name packages that a user has not installed.
 */
function removeUnreachedTypes(): void {
  const { exports }: { exports: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(at('package.json'), 'utf8'),
  );
  const typesOf = (module: string): string => module.replace(/\.[jt]s$/, '.d.ts');
  const reached = new Set(
    Object.values(exports)
      .filter((path) => path.endsWith('.js'))
      .map((path) => at(typesOf(path))),
  );
  // What is added to a set while it is walked is walked too.
  for (const file of reached) {
    const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g);
    for (const [, path = ''] of imports) reached.add(join(dirname(file), typesOf(path)));
  }
  for (const name of readdirSync(at('dist'), { recursive: true, encoding: 'utf8' })) {
    const file = at('dist', name);
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}
