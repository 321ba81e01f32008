import { mkdir, writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { type BuildResult, build } from 'esbuild';
import { lambdaBuild } from '../bench/support/bundle.ts';

/** The source maps of the deployed function's files, by the files' names. */
export type SourceMaps = ReadonlyMap<string, string>;

const outdir = join(lambdaBuild.absWorkingDir, '.aws-sam/source-maps');

/**
 * Makes the source maps of the deployed function. Its package has none.
 *
 * esbuild puts a hash into a file's name, and the hash depends on the file's map too. So this bundles the function twice,
 * as it is deployed and with maps. Each map gets the name of the deployed file that has the same sources.
 *
 * @throws Error if the two bundles differ in more than the names of files
 */
export async function makeSourceMaps(): Promise<SourceMaps> {
  const [deployed, mapped] = await Promise.all([bundle({}), bundle({ sourcemap: 'external' })]);
  const mappedFiles = filesByContent(mapped);
  const maps = new Map<string, string>();
  for (const [key, { name, text }] of filesByContent(deployed)) {
    const twin = mappedFiles.get(key);
    if (twin?.map === undefined || withoutNames(twin.text) !== withoutNames(text))
      throw new Error(
        `The file ${name} gets no map: with maps, esbuild bundles it differently. Please report it.`,
      );
    maps.set(name, twin.map);
  }
  return maps;
}

/** Writes each map as FILE.map. @param folder made if it is missing */
export async function writeSourceMaps(maps: SourceMaps, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all([...maps].map(([name, map]) => writeFile(join(folder, `${name}.map`), map)));
}

/**
 * Finds the place in the sources for a position in the deployed function.
 * @param position as a stack trace has it: `lambda.mjs:3:4711`, with or without folders before it
 * @returns such as `src/handler.ts:120:5`; undefined if the function has no such file or position
 */
export function sourcePosition(maps: SourceMaps, position: string): string | undefined {
  const [, file = '', line, column] = /^(?:file:\/\/)?(.+):(\d+):(\d+)$/.exec(position) ?? [];
  const map = maps.get(basename(file));
  if (map === undefined) return undefined;
  const payload: SourceMapPayload = JSON.parse(map);
  const origin = new SourceMap(payload).findOrigin(Number(line), Number(column));
  if (!('fileName' in origin) || origin.fileName === undefined) return undefined;
  const source = resolve(outdir, origin.fileName).slice(lambdaBuild.absWorkingDir.length);
  return `${source}:${origin.lineNumber}:${origin.columnNumber}`;
}

type Bundled = BuildResult<{ write: false; metafile: true }>;

function bundle(options: { readonly sourcemap?: 'external' }): Promise<Bundled> {
  return build({
    ...lambdaBuild,
    ...options,
    entryPoints: ['src/lambda.ts'],
    outdir,
    splitting: true,
    metafile: true,
    write: false,
    logLevel: 'error',
  });
}

interface BundledFile {
  readonly name: string;
  readonly text: string;
  readonly map: string | undefined;
}

/** The files, each under a key made of its sources. No two files have the same sources. */
function filesByContent({ metafile, outputFiles }: Bundled): Map<string, BundledFile> {
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  const outputs = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.mjs'));
  return new Map(
    outputs.map(([path, { entryPoint, inputs }]) => {
      const name = basename(path);
      const key = JSON.stringify([entryPoint, ...Object.keys(inputs).sort()]);
      return [key, { name, text: texts.get(name) ?? '', map: texts.get(`${name}.map`) }];
    }),
  );
}

function withoutNames(text: string): string {
  return text.replaceAll(/-[A-Z0-9]{8}\.mjs/g, '.mjs');
}
