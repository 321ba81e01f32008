import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Generated code as `npm run check` wants it.
 * @param path of the file that the code is for: its name says which language it is in
 */
export function formatted(path: string, code: string): string {
  return execFileSync(`${root}node_modules/.bin/biome`, ['format', `--stdin-file-path=${path}`], {
    cwd: root,
    encoding: 'utf8',
    input: code,
  });
}
