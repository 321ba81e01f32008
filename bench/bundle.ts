import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version as esbuildVersion } from 'esbuild';
import { type DependencyFigures, measureDependencies } from './bundle/dependencies.ts';
import { type EntryFigures, measureEntries } from './bundle/entries.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { bundleLambda, sizeWithoutRotators } from './support/bundle.ts';
import { describeMachine, formatMachine } from './support/machine.ts';
import { figure, formatTable } from './support/table.ts';

const usage = {
  name: 'bundle',
  about: 'Measures what the deployed function is made of, and what each part costs at a cold start.',
  options: {
    runs: {
      type: 'string',
      placeholder: 'N',
      about: 'Fresh processes for each figure in ms, which is their median (default: 11)',
    },
  },
} as const satisfies BenchUsage;

const kilobytes = (bytes: number): string => (bytes === 0 ? '-' : figure(bytes / 1000));
const milliseconds = (ms: number | undefined): string => (ms === undefined ? '-' : figure(ms));

function entryTable(entries: readonly EntryFigures[]): string {
  return formatTable(
    ['entry', 'loaded', 'kB', 'kB with what it needs', 'ms'],
    entries.map(({ name, onDemand, bytes, bytesLoaded, ms }) => [
      name,
      onDemand ? 'on demand' : 'at start',
      kilobytes(bytes),
      kilobytes(bytesLoaded),
      milliseconds(ms),
    ]),
  );
}

function dependencyTable(dependencies: readonly DependencyFigures[]): string {
  return formatTable(
    ['package', 'kB at start', 'kB on demand', 'ms alone'],
    dependencies.map(({ name, bytesAtStart, bytesOnDemand, ms }) => [
      name,
      kilobytes(bytesAtStart),
      kilobytes(bytesOnDemand),
      milliseconds(ms),
    ]),
  );
}

await runBench(usage, async (values) => {
  const runs = readCount('runs', values.runs ?? '11');
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-'));
  try {
    progress('Bundling...');
    const bundle = await bundleLambda(join(folder, 'bundle'));
    const bytesWithoutRotators = await sizeWithoutRotators();
    progress('Starting it...');
    const { nodeMs, builtinsMs, postgresBytes, entries } = await measureEntries(bundle, runs);
    progress('Starting its dependencies one by one...');
    const dependencies = await measureDependencies(bundle, join(folder, 'dependencies'), runs);
    const machine = await describeMachine({ esbuild: esbuildVersion });
    return {
      data: { machine, runs, nodeMs, builtinsMs, postgresBytes, bytesWithoutRotators, entries, dependencies },
      text: [
        formatMachine(machine),
        '',
        `Node.js itself takes ${figure(nodeMs)} ms to start. Node.js's own modules take ${figure(builtinsMs)} ms of the function's start.`,
        `A rotation at Postgres loads ${kilobytes(postgresBytes)} kB in all.`,
        `Your own function without a rotator, in one file: ${kilobytes(bytesWithoutRotators)} kB.`,
        '',
        entryTable(entries),
        '',
        dependencyTable(dependencies),
      ].join('\n'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
});
