import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { type Bundle, lambdaBuild, loadedWith, packageOf } from '../support/bundle.ts';
import { type Dependency, dependenciesOf } from './imports.ts';
import { measureImports } from './start-up.ts';

/** The cost of one package. */
export interface DependencyFigures {
  readonly name: string;
  /** Minified size, in the files that are loaded at the function's start. */
  readonly bytesAtStart: number;
  /** Minified size, in the files that are loaded on demand. */
  readonly bytesOnDemand: number;
  /**
   * Time in ms to import what the function uses of this package, with its dependencies, in a process that imports nothing
   * else. Absent for packages that the function does not import itself.
   */
  readonly ms?: number;
}

/** Smaller packages are left out. */
const leastBytes = 5_000;

/** Measures each package of the bundle, the largest first. */
export async function measureDependencies(
  bundle: Bundle,
  folder: string,
  runs: number,
): Promise<DependencyFigures[]> {
  const times = await measureTimes(bundle, folder, runs);
  const atStart = loadedWith(bundle, bundle.entry);
  const figures = new Map<string, DependencyFigures>();
  for (const chunk of bundle.chunks.values()) {
    for (const [name, bytes] of chunk.packages) {
      const { bytesAtStart = 0, bytesOnDemand = 0 } = figures.get(name) ?? {};
      const ms = times.get(name);
      figures.set(name, {
        name,
        bytesAtStart: bytesAtStart + (atStart.has(chunk) ? bytes : 0),
        bytesOnDemand: bytesOnDemand + (atStart.has(chunk) ? 0 : bytes),
        ...(ms !== undefined && { ms }),
      });
    }
  }
  const size = ({ bytesAtStart, bytesOnDemand }: DependencyFigures) => bytesAtStart + bytesOnDemand;
  return [...figures.values()]
    .filter((found) => found.ms !== undefined || size(found) >= leastBytes)
    .sort((a, b) => b.bytesAtStart - a.bytesAtStart || size(b) - size(a));
}

async function measureTimes(bundle: Bundle, folder: string, runs: number): Promise<Map<string, number>> {
  const root = lambdaBuild.absWorkingDir;
  const sources = [...bundle.chunks.values()].flatMap(({ sources }) => sources);
  const own = new Set(sources.filter((source) => packageOf(source) === 'keyturn'));
  const dependencies = await dependenciesOf([...own].map((source) => resolve(root, source)));
  const times = new Map<string, number>();
  for (const dependency of dependencies) {
    const file = await bundleAlone(dependency, folder);
    const { imports } = await measureImports([file], runs);
    times.set(dependency.name, imports[0] ?? Number.NaN);
  }
  return times;
}

async function bundleAlone({ name, module }: Dependency, folder: string): Promise<string> {
  const outdir = join(folder, name.replaceAll('/', '-'));
  await build({
    ...lambdaBuild,
    stdin: { contents: module, resolveDir: lambdaBuild.absWorkingDir, sourcefile: 'entry.js' },
    outdir,
    splitting: true,
    logLevel: 'error',
  });
  return join(outdir, 'stdin.mjs');
}
