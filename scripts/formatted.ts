import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Formats generated code by Biome, so that `npm run check` accepts it.
 * @param path the file that gets the code. Its name tells Biome the language
 */
export function formatted(path: string, code: string): string {
  return execFileSync(`${root}node_modules/.bin/biome`, ['format', `--stdin-file-path=${path}`], {
    cwd: root,
    encoding: 'utf8',
    input: code,
  });
}
