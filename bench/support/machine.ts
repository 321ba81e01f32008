import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** The machine of a measurement, and the programs with their versions. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly programs: Readonly<Record<string, string>>;
}

/** Describes this machine. @param programs versions of programs other than this Node.js */
export async function describeMachine(programs: Readonly<Record<string, string>> = {}): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: await operatingSystem(),
    programs: { 'Node.js': process.versions.node, ...programs },
  };
}

/** Describes a machine in one line. */
export function formatMachine({ cpu, cores, memoryGiB, os, programs }: Machine): string {
  const versions = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  return [cpu, `${cores} cores`, `${memoryGiB} GiB`, os, ...versions].join(', ');
}

/** A program's version, such as `3.11.7` from `Python 3.11.7`; undefined if it prints none. */
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
