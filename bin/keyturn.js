#!/usr/bin/env node
// Finds a Node.js that is new enough, and the program: its TypeScript in a checkout, its JavaScript in a package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
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

/**
 * Stands for the newer Node.js: signals are passed on to it, and its end, be it a code or a signal, is this process's.
 * The terminal sends Ctrl-C and Ctrl-\ to both processes by itself.
 */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal));
  for (const signal of ['SIGINT', 'SIGQUIT']) {
    process.on(signal, () => {
      if (![0, 1, 2].some((descriptor) => isatty(descriptor))) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
      return;
    }
    process.removeAllListeners(signal);
    process.exitCode = 128 + (constants.signals[signal] ?? 0);
    process.kill(process.pid, signal);
  });
}
