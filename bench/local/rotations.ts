import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RotationFigures } from './rotations-process.ts';

export type { RotationFigures } from './rotations-process.ts';

/** Rotates this number of secrets, all due in one window, in a new process and a new folder. */
export async function measureRotations(scratch: string, secrets: number): Promise<RotationFigures> {
  const folder = await mkdtemp(join(scratch, 'rotations-'));
  const program = fileURLToPath(new URL('./rotations-process.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', program, String(secrets), folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}
