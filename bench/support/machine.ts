import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** The machine that figures were measured on, and the programs that took part, by name with their versions. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly programs: Readonly<Record<string, string>>;
}

/** @param programs versions of what took part besides this Node.js */
export async function describeMachine(programs: Readonly<Record<string, string>> = {}): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: await operatingSystem(),
    programs: { 'Node.js': process.versions.node, ...programs },
  };
}

/** Says in one line what figures were measured on. */
export function formatMachine({ cpu, cores, memoryGiB, os, programs }: Machine): string {
  const versions = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  return [cpu, `${cores} cores`, `${memoryGiB} GiB`, os, ...versions].join(', ');
}

/** The version that a program answers with, such as `3.11.7` of `Python 3.11.7`; undefined where it answers none. */
export async function programVersion(program: string, args: readonly string[]): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(program, [...args]);
  return /\d+(?:\.\d+)+/.exec(stdout)?.[0];
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
async function operatingSystem(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1];
  return name ?? `${type()} ${release()}`;
}
