import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { createSecrets } from '../../src/client/index.ts';
import { measureImports } from '../bundle/start-up.ts';
import { lambdaBuild } from '../support/bundle.ts';

/** The cost of the client by itself. Bytes are bundled and minified, without the AWS SDK. */
export interface LibraryFigures {
  /** An awaited read from the cache, in ns. */
  readonly cachedGetNs: number;
  readonly importMs: number;
  /** The size of what the import loads. */
  readonly importedBytes: number;
  readonly importedGzipBytes: number;
  /** The size of the code that reads documents. It is loaded with the first value. */
  readonly readerBytes: number;
  /** The size of everything, including all pools and the code for refusals. */
  readonly allBytes: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function measureLibrary(): Promise<LibraryFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-client-'));
  try {
    const { metafile } = await build({
      ...lambdaBuild,
      banner: {},
      entryPoints: ['src/client/index.ts'],
      outdir: folder,
      splitting: true,
      external: ['@aws-sdk/*'],
      metafile: true,
      logLevel: 'error',
    });
    // The SDK is not in the bundle, and must be found beside it. The import doesn't load it.
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const outputs = new Map(
      Object.entries(metafile.outputs).map(([path, output]) => [resolve(root, path), output]),
    );
    const [entry] = [...outputs].find(([, output]) => output.entryPoint === 'src/client/index.ts') ?? [];
    if (entry === undefined) throw new Error('The bundle has no entry.');
    const imported = new Set([entry]);
    for (const file of imported) {
      for (const { path, kind, external } of outputs.get(file)?.imports ?? []) {
        if (kind === 'import-statement' && external !== true) imported.add(resolve(root, path));
      }
    }
    const texts = await Promise.all([...imported].map((file) => readFile(file)));
    const bytesOf = async (files: Iterable<string>): Promise<number> => {
      const sizes = await Promise.all([...files].map((file) => stat(file)));
      return sizes.reduce((sum, { size }) => sum + size, 0);
    };
    const reader = [...outputs]
      .filter(([, { inputs }]) => 'src/documents/document.ts' in inputs)
      .map(([file]) => file);
    return {
      cachedGetNs: await measureCachedGet(),
      importMs: (await measureImports([entry], 11)).imports[0] ?? Number.NaN,
      importedBytes: await bytesOf(imported),
      importedGzipBytes: gzipSync(Buffer.concat(texts)).length,
      readerBytes: await bytesOf(reader),
      allBytes: await bytesOf(outputs.keys()),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The best of several runs, since other load on the machine can only make it slower. */
async function measureCachedGet(): Promise<number> {
  const source = { read: async () => ({ arn: 'arn', versionId: '1', text: '{"password":"x"}' }) };
  const secret = createSecrets({ source }).secret('db');
  const [batches, count] = [20, 100_000];
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < batches; batch += 1) {
    const startedAt = process.hrtime.bigint();
    for (let time = 0; time < count; time += 1) await secret.get();
    best = Math.min(best, Number(process.hrtime.bigint() - startedAt) / count);
  }
  return Math.round(best);
}
