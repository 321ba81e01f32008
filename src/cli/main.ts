import { existsSync, readFileSync } from 'node:fs';
import { isKeyturnError, messageOf } from '../errors.ts';
import { attachCommand } from './attach.ts';
import { type Command, exitCodes, isUsageError } from './command.ts';
import { completionCommand } from './completion.ts';
import { consoleCommand } from './console.ts';
import { createCommand } from './create.ts';
import { doctorCommand } from './doctor.ts';
import { execCommand } from './exec.ts';
import { fleetCommand } from './fleet.ts';
import { getCommand } from './get.ts';
import { listCommand } from './list.ts';
import { localCommand } from './local.ts';
import { printable } from './printable.ts';
import { renderCommand } from './render.ts';
import { rotateCommand } from './rotate.ts';
import { statusCommand } from './status.ts';

const commands: readonly Command[] = [
  renderCommand,
  execCommand,
  createCommand,
  listCommand,
  getCommand,
  attachCommand,
  rotateCommand,
  statusCommand,
  doctorCommand,
  fleetCommand,
  localCommand,
  consoleCommand,
  completionCommand(() => commands),
];

const commandsByName: ReadonlyMap<string, Command> = new Map(
  commands.map((command) => [command.name, command]),
);

const helpText = `keyturn: rotate any credential with AWS Secrets Manager

Usage: keyturn COMMAND [OPTIONS]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join('\n')}
  help        Show the help of a command

Options:
  --help      Show this text; keyturn COMMAND --help shows a command's
  --version   Show the version
`;

/** Runs the program. @param args without the program's own name @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === '--version') return print(`${readVersion()}\n`);
  if (first === '--help' || first === '-h') return print(helpText);
  if (first === 'help') return help(rest);
  if (first === undefined) return fail(helpText);
  // Options after two dashes belong to the command that keyturn exec runs.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  const command = commandsByName.get(first);
  if (command === undefined) return unknownCommand(first, args);
  if (own.includes('--help') || own.includes('-h')) return print(command.help);
  return runCommand(command, rest, own);
}

function help([name, ...more]: readonly string[]): number {
  if (name === undefined || name.startsWith('-')) return print(helpText);
  const command = commandsByName.get(name);
  const names = more.filter((argument) => argument !== '--json');
  if (command === undefined || names.length > 0) return unknownCommand([name, ...names].join(' '), more);
  return print(command.help);
}

function unknownCommand(name: string, args: readonly string[]): number {
  return wrongArguments(`keyturn: unknown command '${printable(name)}'. See keyturn --help.`, args);
}

async function runCommand(
  command: Command,
  args: readonly string[],
  own: readonly string[],
): Promise<number> {
  try {
    return await command.run(args);
  } catch (error) {
    if (isUsageError(error)) return wrongArguments(`keyturn ${command.name}: ${error.message}`, own);
    const code = isKeyturnError(error) ? error.code : undefined;
    const message = `keyturn ${command.name}: ${code === undefined ? '' : `${code}: `}${messageOf(error)}`;
    if (own.includes('--json')) printFailure(code ?? 'Failed', message);
    else process.stderr.write(`${message}\n`);
    return exitCodes.failed;
  }
}

/** Tells what is wrong with the arguments; as a document if --json is among them. */
function wrongArguments(message: string, args: readonly string[]): number {
  if (args.includes('--json')) {
    printFailure('WrongArguments', message);
    return exitCodes.usage;
  }
  return fail(`${message}\n`);
}

function printFailure(code: string, message: string): void {
  process.stdout.write(`${JSON.stringify({ outcome: 'failed', error: { code, message } })}\n`);
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCodes.done;
}

function fail(text: string): number {
  process.stderr.write(text);
  return exitCodes.usage;
}

/** The package's folder is two folders above src/cli, and three above dist/src/cli. */
function readVersion(): string {
  const files = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url));
  const file = files.find((candidate) => existsSync(candidate));
  const content: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8'));
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
  throw new Error('The package has lost its package.json');
}
