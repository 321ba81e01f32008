import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { isKeyturnError, messageOf } from '../errors.ts';
import { attachCommand } from './attach.ts';
import { type Command, EXIT, isUsageError } from './command.ts';
import { execCommand } from './exec.ts';
import { localCommand } from './local.ts';
import { renderCommand } from './render.ts';
import { rotateCommand } from './rotate.ts';
import { statusCommand } from './status.ts';

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [renderCommand, execCommand, attachCommand, rotateCommand, statusCommand, localCommand].map((command) => [
    command.name,
    command,
  ]),
);

const HELP = `keyturn: rotate any credential with AWS Secrets Manager

Usage: keyturn COMMAND [OPTIONS]

Commands:
${[...COMMANDS.values()].map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

Options:
  --help      Show this text; keyturn COMMAND --help shows that of a command
  --version   Show the version
`;

/** Runs the program with its arguments, without the program's own name; gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === '--version') return print(`${readVersion()}\n`);
  if (first === '--help' || first === '-h') return print(HELP);
  const command = COMMANDS.get(first ?? '');
  if (!command)
    return fail(first === undefined ? HELP : `keyturn: unknown command '${first}'. See keyturn --help.\n`);
  // What follows two dashes is not for keyturn.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (own.includes('--help') || own.includes('-h')) return print(command.help);
  return runCommand(command, rest);
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(args);
  } catch (error) {
    if (isUsageError(error)) return fail(`keyturn ${command.name}: ${error.message}\n`);
    const code = isKeyturnError(error) ? `${error.code}: ` : '';
    process.stderr.write(`keyturn ${command.name}: ${code}${messageOf(error)}\n`);
    return EXIT.failed;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}

function fail(text: string): number {
  process.stderr.write(text);
  return EXIT.usage;
}

function readVersion(): string {
  const path = findPackageJSON('..', import.meta.url);
  const content: unknown = path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
  throw new Error('The package has lost its package.json');
}
