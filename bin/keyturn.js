#!/usr/bin/env node
// Finds a Node.js that is new enough, and the program: its TypeScript in a checkout, its JavaScript in a package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/src/cli/main.js', import.meta.url);
const newerNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
const isCheckout = existsSync(source);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const oldestMinor = isCheckout ? 18 : 13;
const isNewEnough = major > 22 || (major === 22 && minor >= oldestMinor);

if (isNewEnough) {
  const { main } = await import((isCheckout ? source : built).href);
  process.exitCode = await main(process.argv.slice(2));
} else if (existsSync(newerNode) && process.execPath !== newerNode) {
  runWith(newerNode);
} else {
  console.error(`keyturn needs Node.js 24 (or 22.${oldestMinor} at least); this is ${process.version}.`);
  process.exitCode = 1;
}

/** The terminal sends Ctrl-C to both processes; other signals are passed on, and the child decides how it ends. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
