import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
// These types name packages that a user has not installed. No exported type needs them.
rmSync(at('dist/src/console/library.d.ts'));

mkdirSync(at('dist/src/console/browser'), { recursive: true });
await build({
  entryPoints: [at('src/console/browser/console.ts')],
  outfile: at('dist/src/console/browser/console.js'),
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
copyFileSync(at('src/console/browser/console.css'), at('dist/src/console/browser/console.css'));
