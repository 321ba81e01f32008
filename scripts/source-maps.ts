import { mkdir, writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { type BuildResult, build } from 'esbuild';
import { lambdaBuild } from '../bench/support/bundle.ts';

/** The source maps of the deployed function's files, by the files' names. */
export type SourceMaps = ReadonlyMap<string, string>;

const outdir = join(lambdaBuild.absWorkingDir, '.aws-sam/source-maps');

/**
 * Makes the source maps of the deployed function, which its package doesn't have.
 *
 * esbuild names a file by what is in it and in its map. So the function is bundled once as it is deployed and once with
 * maps, and each map gets the name of the deployed file with the same sources.
 *
 * @throws Error where the two bundles differ in more than names
 */
export async function makeSourceMaps(): Promise<SourceMaps> {
  const [deployed, mapped] = await Promise.all([bundle({}), bundle({ sourcemap: 'external' })]);
  const mappedFiles = filesByContent(mapped);
  const maps = new Map<string, string>();
  for (const [key, { name, text }] of filesByContent(deployed)) {
    const twin = mappedFiles.get(key);
    if (twin?.map === undefined || withoutNames(twin.text) !== withoutNames(text))
      throw new Error(`The file ${name} has no map: esbuild made it otherwise with maps.`);
    maps.set(name, twin.map);
  }
  return maps;
}

/** Writes the maps as FILE.map beside each other. @param folder made where it is missing */
export async function writeSourceMaps(maps: SourceMaps, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all([...maps].map(([name, map]) => writeFile(join(folder, `${name}.map`), map)));
}

/**
 * Finds what a position of the deployed function is in the sources.
 * @param position as a stack trace has it: `lambda.mjs:3:4711`, with or without folders before it
 * @returns such as `src/handler.ts:120:5`; undefined where the function has no such file or position
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

/** Each file by the sources that are in it, in which no two files agree. */
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
