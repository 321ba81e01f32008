import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** esbuild's options for the deployed function and its measured parts, as in SAM's esbuild method. */
export const lambdaBuild = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  target: 'node24',
  minify: true,
  mainFields: ['module', 'main'],
  // CommonJS packages call `require` for Node.js's modules, and an ES module has none.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

/** A file of the bundle. */
export interface Chunk {
  readonly file: string;
  readonly bytes: number;
  /** The file's entry module, relative to the repository; absent if several entries share the file. */
  readonly module?: string;
  /** Bytes by package; the repository's own sources are `keyturn`. */
  readonly packages: ReadonlyMap<string, number>;
  /** Sources in it, relative to the repository. */
  readonly sources: readonly string[];
  /** Files that are loaded with it. */
  readonly needs: readonly string[];
  /** Files that it loads on demand. */
  readonly onDemand: readonly string[];
  /** Modules of Node.js that are loaded with it. */
  readonly builtins: readonly string[];
}

/** The deployed function's bundle on disk. */
export interface Bundle {
  readonly entry: Chunk;
  readonly chunks: ReadonlyMap<string, Chunk>;
}

/**
 * Bundles the deployed function into `folder`, as `sam build` does: ES modules, minified, with the AWS SDK, and split for
 * imports on demand.
 * @throws Error if it can't be bundled
 */
export async function bundleLambda(folder: string): Promise<Bundle> {
  const { metafile } = await build({
    ...lambdaBuild,
    entryPoints: ['src/lambda.ts'],
    outdir: folder,
    splitting: true,
    metafile: true,
    logLevel: 'error',
  });
  const outputs = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.mjs'));
  const chunks = new Map(outputs.map(([path, output]) => [resolve(root, path), chunkOf(path, output)]));
  const entry = [...chunks.values()].find(({ module }) => module === 'src/lambda.ts');
  if (!entry) throw new Error('The bundle has no file for src/lambda.ts.');
  return { entry, chunks };
}

/** The source of a function without rotators. */
const withoutRotators = `
  import { createRotationHandler } from './src/index.ts';
  import { createLambdaHandler } from './src/powertools.ts';
  export const handler = createLambdaHandler(process.env, (telemetry) =>
    createRotationHandler({ rotators: [], telemetry }));`;

/** The size of a bundle without rotators, in bytes. It is one file, as for your own function in docs/own-function.md. */
export async function sizeWithoutRotators(): Promise<number> {
  const { peerDependencies }: { peerDependencies: object } = JSON.parse(
    await readFile(resolve(root, 'package.json'), 'utf8'),
  );
  const docs = await readFile(resolve(root, 'docs/own-function.md'), 'utf8');
  const external = [...docs.matchAll(/--external:(\S+)/g)].map(([, name = '']) => name);
  const { outputFiles } = await build({
    ...lambdaBuild,
    stdin: { contents: withoutRotators, resolveDir: root, loader: 'ts' },
    external: [...external, ...Object.keys(peerDependencies)],
    write: false,
    logLevel: 'error',
  });
  return outputFiles.reduce((sum, { contents }) => sum + contents.byteLength, 0);
}

/** The chunks that are loaded with `from`, including itself. */
export function loadedWith({ chunks }: Bundle, from: Chunk): ReadonlySet<Chunk> {
  const loaded = new Set([from]);
  for (const chunk of loaded) {
    for (const file of chunk.needs) {
      const needed = chunks.get(file);
      if (needed) loaded.add(needed);
    }
  }
  return loaded;
}

/** The chunk that is loaded on demand for a package, such as a database's driver. */
export function chunkFor(bundle: Bundle, packageName: string): Chunk {
  for (const chunk of bundle.chunks.values()) {
    if (chunk !== bundle.entry && chunk.module && packageOf(chunk.module) === packageName) return chunk;
  }
  throw new Error(`The bundle has no chunk for ${packageName}.`);
}

/** The package that a source belongs to; `keyturn` for the repository's own. */
export function packageOf(source: string): string {
  const [, inside] = /^.*node_modules\/(.*)$/.exec(source) ?? [];
  return /^(@[^/]+\/)?[^/]+/.exec(inside ?? '')?.[0] ?? 'keyturn';
}

function chunkOf(path: string, output: Metafile['outputs'][string]): Chunk {
  const packages = new Map<string, number>();
  for (const [source, { bytesInOutput }] of Object.entries(output.inputs)) {
    const name = packageOf(source);
    packages.set(name, (packages.get(name) ?? 0) + bytesInOutput);
  }
  const imports = (kind: string, external = false) =>
    output.imports.flatMap((found) =>
      found.kind === kind && (found.external ?? false) === external ? [found.path] : [],
    );
  const files = (kind: string) => imports(kind).map((found) => resolve(root, found));
  return {
    file: resolve(root, path),
    bytes: output.bytes,
    ...(output.entryPoint !== undefined && { module: output.entryPoint }),
    packages,
    sources: Object.keys(output.inputs),
    needs: files('import-statement'),
    onDemand: files('dynamic-import'),
    builtins: imports('import-statement', true),
  };
}
