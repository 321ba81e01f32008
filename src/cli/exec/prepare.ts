import { readFile } from 'node:fs/promises';
import { type ErrorCode, isKeyturnError, KeyturnError } from '../../errors.ts';
import { isValidName, nameOfKey, nameProblem, requireHeld } from '../../exec/environment.ts';
import type { Prepared } from '../../exec/run.ts';
import { formatOf, SyntaxProblem } from '../../render/format.ts';
import { loadFormat } from '../../render/load-format.ts';
import { textsToMask } from '../../render/masks.ts';
import { parseTemplate } from '../../render/parse.ts';
import { RenderProblems } from '../../render/problems.ts';
import { MalformedReference, parseReference, type Reference } from '../../render/reference.ts';
import { filtered, renderTemplate } from '../../render/render.ts';
import { isCredentialKey, jsonKeys, jsonMember, type Resolver } from '../../render/secrets.ts';
import { decodeFile } from '../../render/template.ts';
import { UsageError } from '../command.ts';
import { printable } from '../printable.ts';
import type { ExecWork, Mapping } from './work.ts';

/** One thing that is wrong, and where: a variable, a secret, or a place in a template. */
export interface ExecProblem {
  readonly where: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly reference?: string;
}

/** The command was not started, because of its secrets. Holds everything that is wrong. */
export class ExecProblems extends KeyturnError {
  readonly problems: readonly ExecProblem[];

  constructor(problems: readonly ExecProblem[]) {
    const count = problems.length === 1 ? 'One thing is wrong.' : `${problems.length} things are wrong.`;
    super('CommandNotStarted', `${count} The command was not started.`, 'Correct what is listed.');
    this.problems = problems;
  }
}

/** A variable of the command, and whether its value must stay hidden. */
interface Variable {
  readonly name: string;
  readonly value: string;
  readonly isCredential: boolean;
}

/**
 * Reads the secrets and templates of a command, and makes its variables and files.
 *
 * @throws ExecProblems with all that is wrong
 */
export async function prepare(
  work: ExecWork,
  resolver: Resolver,
): Promise<{ readonly prepared: Prepared; readonly credentials: readonly string[] }> {
  const problems: ExecProblem[] = [];
  const chosen = new Set(
    work.mappings.flatMap((mapping) => (mapping.kind === 'variable' ? [mapping.name] : [])),
  );
  const [found, files] = await Promise.all([
    Promise.all(work.mappings.map((mapping) => variablesOf(mapping, { work, resolver, chosen, problems }))),
    Promise.all(work.files.map((file) => fileOf(file, { work, resolver, problems }))),
  ]);
  const variables = new Map<string, string>();
  for (const { name, value } of found.flat()) {
    if (variables.has(name)) {
      const message = 'Two secrets or keys give this variable: name each one by itself, or use --prefix.';
      problems.push({ where: name, code: 'EnvironmentRefused', message });
    }
    variables.set(name, value);
  }
  if (problems.length > 0) throw new ExecProblems(problems);
  for (const note of resolver.notes) process.stderr.write(`keyturn exec: note: ${printable(note)}\n`);
  const shown = [...found.flat(), ...files.flatMap((file) => file?.values ?? [])];
  const own = shown.flatMap(({ value, isCredential }) => (isCredential ? [value] : []));
  const credentials = [...own, ...(await resolver.credentials())];
  const prepared = {
    variables: Object.fromEntries(variables),
    files: files.flatMap((file) => (file === undefined ? [] : [{ path: file.path, content: file.content }])),
    hidden: textsToMask(credentials),
    versions: await resolver.versions(),
  };
  return { prepared, credentials };
}

interface Preparing {
  readonly work: ExecWork;
  readonly resolver: Resolver;
  readonly problems: ExecProblem[];
}

async function variablesOf(
  mapping: Mapping,
  { work, resolver, chosen, problems }: Preparing & { readonly chosen: ReadonlySet<string> },
): Promise<Variable[]> {
  const where = mapping.kind === 'variable' ? mapping.name : mapping.reference;
  let reference: Reference | undefined;
  try {
    reference = readReference(mapping.reference, work);
    if (mapping.kind === 'keys') return await keysOf(reference, { work, resolver, chosen, problems });
    const resolved = await resolver.resolve(reference);
    const value = filtered(resolved, reference);
    requireHeld(mapping.name, value);
    return [{ name: mapping.name, value, isCredential: resolved.isCredential }];
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    const shown = reference === undefined || mapping.kind === 'keys' ? {} : { reference: reference.shown };
    problems.push({ where, code: error.code, message: error.message, ...shown });
    return [];
  }
}

/** @throws UsageError */
function readReference(text: string, { variables }: ExecWork): Reference {
  try {
    return parseReference(text, 0, variables, undefined).reference;
  } catch (error) {
    if (error instanceof MalformedReference)
      throw new UsageError(`the reference '${printable(text)}' ${error.message}`);
    throw error;
  }
}

async function keysOf(
  { secret, version, selector, filters, byDefault }: Reference,
  { work, resolver, chosen, problems }: Preparing & { readonly chosen: ReadonlySet<string> },
): Promise<Variable[]> {
  if (selector.kind !== 'value' || filters.length > 0 || byDefault !== undefined) {
    throw new UsageError(`say which variable '${secret}' with a key is for: NAME=${secret}#KEY`);
  }
  const { text } = (await resolver.document(secret, version)).value;
  const keys = jsonKeys(text);
  if (keys === undefined) throw notAnObject(secret);
  const found: Variable[] = [];
  for (const key of keys) {
    const name = nameOfKey(key, work.prefix);
    const value = jsonMember(text, key);
    // A variable that the command line names wins over a key of the same name.
    if (value === undefined || chosen.has(name)) continue;
    try {
      requireFitName(secret, key, name);
      requireHeld(name, value);
      found.push({ name, value, isCredential: isCredentialKey(key) });
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      problems.push({ where: name, code: error.code, message: error.message, reference: `${secret}#${key}` });
    }
  }
  return found;
}

function requireFitName(secret: string, key: string, name: string): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  const reason =
    problem === 'invalid'
      ? 'The key gives no valid name for a variable.'
      : 'Programs find code or servers by this variable, so the key of a secret must not set it.';
  const variable = isValidName(name) ? name : 'NAME';
  throw new KeyturnError(
    'EnvironmentRefused',
    reason,
    `If you mean it, map it by itself: ${variable}=${secret}#${key}; or use --prefix.`,
  );
}

function notAnObject(secret: string): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The secret ${secret} has no keys: it is not a JSON object.`,
    `Name the variable that it is for: NAME=${secret}`,
  );
}

/** A rendered file, with the values in it. */
interface RenderedFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly values: readonly { readonly value: string; readonly isCredential: boolean }[];
}

async function fileOf(
  { output, template }: ExecWork['files'][number],
  { work, resolver, problems }: Preparing,
): Promise<RenderedFile | undefined> {
  const byName = formatOf(template);
  const format = await loadFormat(byName === 'text' ? formatOf(output) : byName);
  try {
    const file = decodeFile(await readFile(template), format);
    const rendered = await renderTemplate(parseTemplate(file.text, format, work.variables), resolver);
    const values = rendered.credentials.map((value) => ({ value, isCredential: true }));
    return { path: output, content: file.encode(rendered.text), values };
  } catch (error) {
    problems.push(...problemsOf(template, error));
    return undefined;
  }
}

function problemsOf(template: string, error: unknown): ExecProblem[] {
  if (error instanceof RenderProblems) {
    return error.problems.map(({ line, column, code, message, reference }) => ({
      where: `${template}:${line}:${column}`,
      code,
      message,
      ...(reference === undefined ? {} : { reference }),
    }));
  }
  if (error instanceof SyntaxProblem) {
    const message = `The template is not valid: ${error.message}.`;
    return [{ where: `${template}:1:1`, code: 'InvalidTemplate', message }];
  }
  if (!(error instanceof Error && 'code' in error) || isKeyturnError(error)) throw error;
  return [
    { where: template, code: 'InvalidTemplate', message: `The template can't be read (${error.code}).` },
  ];
}
