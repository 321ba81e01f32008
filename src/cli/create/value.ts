import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { composeFields, type Kind, kindNamed, kinds } from '../../create/kinds.ts';
import { previewValue } from '../../create/value-preview.ts';
import { KeyturnError } from '../../errors.ts';
import { isCredentialKey } from '../../render/secrets.ts';
import { UsageError } from '../command.ts';
import { printable } from '../printable.ts';
import type { Prompter } from './prompts.ts';
import type { CreateWork } from './work.ts';

/** A value. `words` say what it is, without a credential. */
export interface ComposedValue {
  readonly kind: Kind;
  readonly text: string;
  readonly words: string;
}

/** Makes the value from options, files and answers. @throws UsageError, MalformedSecret, InvalidSecretField */
export async function composeValue(work: CreateWork, prompter: Prompter | undefined): Promise<ComposedValue> {
  requireNoSecretArgument(work);
  const kind = await chooseKind(work, prompter);
  if (work.form !== undefined && kind.engine === undefined) {
    throw new UsageError('--form is for the fields of a database: give --kind as well');
  }
  const text = await composeText(work, kind, prompter);
  const { ok, words } = previewValue(text, kind.engine);
  if (ok || work.asIs) return { kind, text, words };
  throw new KeyturnError(
    'MalformedSecret',
    `The value is not stored: ${words}.`,
    'Correct it, or give --as-is.',
  );
}

async function chooseKind({ kind, ...work }: CreateWork, prompter: Prompter | undefined): Promise<Kind> {
  const other = kindNamed('other');
  if (other === undefined) throw new Error('There is no other kind.');
  if (kind !== undefined) return kindNamed(kind) ?? other;
  const isGiven = work.valueFile !== undefined || work.fields.size > 0 || work.fieldFiles.size > 0;
  if (isGiven || prompter === undefined) return other;
  return prompter.choose(
    'What kind of secret is it?',
    kinds.map((known) => [known, known.title] as const),
  );
}

async function composeText(work: CreateWork, kind: Kind, prompter: Prompter | undefined): Promise<string> {
  if (work.valueFile !== undefined) return readText(work.valueFile);
  const given = new Map(work.fields);
  for (const [name, path] of work.fieldFiles) given.set(name, await readText(path));
  if (prompter === undefined) return composeGiven(work, kind, given);
  if (given.size === 0 && work.form === undefined) {
    const asFields = await prompter.choose('How is it kept?', [
      [true, kind.engine === undefined ? 'as keys and values' : 'as fields'],
      [false, kind.engine === undefined ? 'as a text' : 'as a connection string'],
    ]);
    if (!asFields) return askText(kind, prompter);
  }
  await (kind.engine === undefined ? askPairs(given, prompter) : askFields(kind, given, prompter));
  return composeFields(kind, given, work.form);
}

function composeGiven(work: CreateWork, kind: Kind, given: ReadonlyMap<string, string>): string {
  const missing = kind.fields.filter(
    ({ name, isOptional, byDefault }) => !given.has(name) && isOptional !== true && byDefault === undefined,
  );
  if (given.size === 0 && kind.engine === undefined) {
    throw new UsageError('give the value: --value-file FILE, or --field-file NAME=FILE');
  }
  if (missing.length > 0) {
    const options = missing.map(({ name, isSecret }) =>
      isSecret === true ? `--field-file ${name}=FILE` : `--field ${name}=TEXT`,
    );
    throw new UsageError(`a secret of the kind ${kind.name} needs ${options.join(' ')}, or --value-file`);
  }
  return composeFields(kind, given, work.form);
}

async function askText(kind: Kind, prompter: Prompter): Promise<string> {
  for (;;) {
    const text = await prompter.hidden('Value', (typed) => previewValue(typed, kind.engine).words);
    const { ok, words } = previewValue(text, kind.engine);
    prompter.say(`  ${words}`);
    if (ok) return text;
  }
}

async function askFields(kind: Kind, given: Map<string, string>, prompter: Prompter): Promise<void> {
  for (const { name, title, isSecret, isOptional, byDefault } of kind.fields) {
    if (given.has(name)) continue;
    const hint = byDefault ?? (isOptional === true ? 'Enter: none' : undefined);
    const question = hint === undefined ? title : `${title} (${hint})`;
    const isNeeded = isOptional !== true && byDefault === undefined;
    for (;;) {
      const text = isSecret === true ? await prompter.hidden(question) : await prompter.line(question);
      if (text !== '') given.set(name, text);
      if (text !== '' || !isNeeded) break;
      prompter.say('  it is needed');
    }
  }
}

async function askPairs(given: Map<string, string>, prompter: Prompter): Promise<void> {
  for (;;) {
    const question = given.size === 0 ? 'Key' : 'Next key (Enter: no more)';
    const key = await prompter.line(question, (text) =>
      given.has(text) ? 'there is one already' : text === '' && given.size === 0 ? 'one at least' : undefined,
    );
    if (key === '') return;
    given.set(key, await prompter.hidden(`Value of ${key}`));
  }
}

/** Everybody who lists processes sees a command line, and the shell's history keeps it. */
function requireNoSecretArgument({ fields }: CreateWork): void {
  for (const name of fields.keys()) {
    if (!isCredentialKey(name)) continue;
    throw new UsageError(
      `the field '${printable(name)}' may be a secret, which must not be an argument: --field-file ${printable(name)}=FILE, or let the terminal ask`,
    );
  }
}

/** Reads a text file without one line break at its end; `-` is standard input. @throws UsageError if it can't be read */
export async function readText(path: string): Promise<string> {
  const bytes =
    path === '-'
      ? await buffer(process.stdin)
      : await readFile(path).catch((error: unknown) => cantRead(path, error));
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(`${printable(path)} is not text in UTF-8; store it as base64`);
  }
}

function cantRead(path: string, error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
  throw new UsageError(`${printable(path)} can't be read (${code})`);
}
