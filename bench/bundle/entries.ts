import { type Bundle, type Chunk, chunkFor, loadedWith, packageOf } from '../support/bundle.ts';
import { measureImports } from './start-up.ts';

/** The cost of one entry of the bundle. */
export interface EntryFigures {
  /** The function, or the package that is loaded on demand. */
  readonly name: string;
  readonly onDemand: boolean;
  /** The size of its own file. */
  readonly bytes: number;
  /** The size of all files that are loaded for it. On demand: without those of the start. */
  readonly bytesLoaded: number;
  /** How long its import takes, in ms. On demand: in a process that has imported the function. */
  readonly ms: number;
}

export interface BundleFigures {
  /** Time from a process's start to its first line, in ms. */
  readonly nodeMs: number;
  /** How long the function's start takes for Node.js's own modules alone, in ms. */
  readonly builtinsMs: number;
  /** The size of everything that a rotation at Postgres loads. */
  readonly postgresBytes: number;
  readonly entries: readonly EntryFigures[];
}

/** Measures the bundle's entry, and each module that is loaded on demand. */
export async function measureEntries(bundle: Bundle, runs: number): Promise<BundleFigures> {
  const { entry } = bundle;
  const atStart = loadedWith(bundle, entry);
  const start = await measureImports([entry.file], runs);
  const builtins = new Set([...atStart].flatMap((chunk) => chunk.builtins));
  const { imports: builtinTimes } = await measureImports([...builtins], runs);
  const entries: EntryFigures[] = [
    {
      name: 'keyturn',
      onDemand: false,
      bytes: entry.bytes,
      bytesLoaded: sizeOf(atStart),
      ms: start.imports[0] ?? Number.NaN,
    },
  ];
  for (const chunk of chunksOnDemand(bundle, atStart)) {
    const { imports } = await measureImports([entry.file, chunk.file], runs);
    entries.push({
      name: nameOf(chunk),
      onDemand: true,
      bytes: chunk.bytes,
      bytesLoaded: sizeOf([...loadedWith(bundle, chunk)].filter((needed) => !atStart.has(needed))),
      ms: imports[1] ?? Number.NaN,
    });
  }
  const postgres = new Set([...atStart, ...loadedWith(bundle, chunkFor(bundle, 'pg'))]);
  const builtinsMs = builtinTimes.reduce((sum, ms) => sum + ms, 0);
  return { nodeMs: start.node, builtinsMs, postgresBytes: sizeOf(postgres), entries };
}

/** The chunks that the start's code may load later, the largest first. */
function chunksOnDemand(bundle: Bundle, atStart: ReadonlySet<Chunk>): Chunk[] {
  const files = new Set([...atStart].flatMap(({ onDemand }) => onDemand));
  return [...bundle.chunks.values()]
    .filter((chunk) => files.has(chunk.file) && !atStart.has(chunk))
    .sort((a, b) => b.bytes - a.bytes);
}

function nameOf({ module = '' }: Chunk): string {
  const name = packageOf(module);
  const submodule = /\/(?:submodules|esm)\/(\w[\w-]*)\//.exec(module)?.[1];
  return submodule === undefined ? name : `${name}/${submodule}`;
}

function sizeOf(chunks: Iterable<Chunk>): number {
  return [...chunks].reduce((sum, { bytes }) => sum + bytes, 0);
}
