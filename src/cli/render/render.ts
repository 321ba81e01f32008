import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { counted } from '../../counted.ts';
import { KeyturnError } from '../../errors.ts';
import { createRedactor } from '../../redact.ts';
import { checkReferences } from '../../render/check.ts';
import { formatOf, SyntaxProblem } from '../../render/format.ts';
import { loadFormat } from '../../render/load-format.ts';
import { replaceFile } from '../../render/output-file.ts';
import { type ParsedTemplate, parseTemplate, referencesOf } from '../../render/parse.ts';
import { type RenderProblem, RenderProblems } from '../../render/problems.ts';
import { renderTemplate } from '../../render/render.ts';
import { createResolver } from '../../render/secrets.ts';
import { type DecodedFile, decodeFile } from '../../render/template.ts';
import { maskingSystem, registerMasks } from '../masking.ts';
import { printBytes } from '../print.ts';
import { printable } from '../printable.ts';
import { type CommandResult, runWithScreen, type Screen } from '../rotation/screen.ts';
import { createSecretSource } from '../secret-source.ts';
import type { RenderWork } from './work.ts';

/** Renders, or checks, a template as the command line asks for. @returns the exit code */
export function render(work: RenderWork): Promise<number> {
  return runWithScreen({ json: work.json, redactor: createRedactor() }, async (screen) => {
    try {
      return await answer(work, screen);
    } catch (error) {
      if (!(error instanceof RenderProblems)) throw error;
      return failed(work, error);
    }
  });
}

function failed({ template, json }: RenderWork, { code, message, problems }: RenderProblems): CommandResult {
  const file = template === '-' ? 'standard input' : template;
  if (!json) {
    for (const problem of problems) process.stderr.write(`${describeProblem(file, problem)}\n`);
    process.stderr.write(`keyturn render: ${code}: ${message}\n`);
  }
  const document = {
    outcome: 'failed',
    error: { code, message },
    problems: problems.map((problem) => ({ file, ...problem })),
  };
  return { ok: false, document };
}

/** `file:line:column: Code: reference: what is wrong`. Editors make a link of it. */
function describeProblem(file: string, { line, column, code, reference, message }: RenderProblem): string {
  const about = reference === undefined ? '' : `${reference}: `;
  return printable(`${file}:${line}:${column}: ${code}: ${about}${message}`);
}

async function answer(work: RenderWork, screen: Screen): Promise<CommandResult> {
  const { template: path, purpose } = work;
  const { template, file } = await load(work);
  const source = createSecretSource(work, process.env);
  if (purpose.kind === 'check') return check(work, screen, template, source);
  if (purpose.kind === 'file') await requireOtherFile(path, purpose.output);
  const references = referencesOf(template);
  const names = new Set(references.map(({ reference }) => reference.secret));
  if (purpose.kind === 'file') screen.progress(`reading ${counted(names.size, 'secret')}`);
  const resolver = createResolver(source);
  const { text, credentials } = await renderTemplate(template, resolver);
  registerMasks(maskingSystem(process.env), work.masks, [...credentials, ...(await resolver.credentials())]);
  for (const note of resolver.notes) process.stderr.write(`keyturn render: note: ${printable(note)}\n`);
  const bytes = file.encode(text);
  if (purpose.kind === 'stdout') {
    await printBytes(bytes);
    return { ok: true, document: {} };
  }
  await replaceFile(purpose.output, bytes);
  const count = references.length;
  screen.good(
    `Written: ${purpose.output}, with ${counted(count, 'value')} of ${counted(names.size, 'secret')}.`,
  );
  return {
    ok: true,
    document: {
      outcome: 'rendered',
      template: path,
      output: purpose.output,
      format: template.format.name,
      references: references.map(({ reference, ...position }) => ({
        ...position,
        reference: reference.shown,
      })),
      notes: [...resolver.notes],
    },
  };
}

async function check(
  { template: path }: RenderWork,
  screen: Screen,
  template: ParsedTemplate,
  source: ReturnType<typeof createSecretSource>,
): Promise<CommandResult> {
  const references = referencesOf(template);
  screen.progress(`checking ${counted(references.length, 'reference')}`);
  const checked = await checkReferences(references, source);
  const found = checked.flatMap(({ problem, reference, line, column }): RenderProblem[] =>
    problem === undefined || problem === 'byDefault'
      ? []
      : [{ line, column, code: problem.code, message: problem.message, reference: reference.shown }],
  );
  for (const { reference, problem, notes } of checked) {
    const outcome = problem === undefined ? 'ok' : problem === 'byDefault' ? 'default' : 'failed';
    const note = notes.length === 0 ? '' : `  (${notes.join('; ')})`;
    screen.fact(outcome, printable(`${reference.shown}${note}`));
  }
  const problems = [...template.problems, ...found];
  if (problems.length > 0) throw new RenderProblems(problems, 'Nothing was read.');
  screen.good('Every secret exists and may be read. Keys are checked only when values are read.');
  return {
    ok: true,
    document: {
      outcome: 'checked',
      template: path,
      format: template.format.name,
      references: checked.map(({ reference, line, column, problem, notes }) => ({
        line,
        column,
        reference: reference.shown,
        outcome: problem === undefined ? 'readable' : 'default',
        notes,
      })),
    },
  };
}

async function load({ template, format, purpose, variables }: RenderWork): Promise<{
  readonly template: ParsedTemplate;
  readonly file: DecodedFile;
}> {
  const bytes = await read(template);
  const byName = formatOf(template);
  const byOutput = purpose.kind === 'file' ? formatOf(purpose.output) : 'text';
  const loaded = await loadFormat(format ?? (byName === 'text' ? byOutput : byName));
  try {
    const file = decodeFile(bytes, loaded);
    return { file, template: parseTemplate(file.text, loaded, variables) };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const message = `The template is not valid: ${error.message}.`;
    throw new RenderProblems([{ line: 1, column: 1, code: 'InvalidTemplate', message }]);
  }
}

async function read(path: string): Promise<Uint8Array> {
  if (path === '-') return buffer(process.stdin);
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new KeyturnError(
      'InvalidTemplate',
      `The template ${printable(path)} can't be read (${code}).`,
      'Check its path, and that you may read it.',
      { cause: error },
    );
  }
}

/** @throws OutputFailed if the output is the template itself: rendering would destroy its references */
async function requireOtherFile(template: string, output: string): Promise<void> {
  const [one, other] = await Promise.all([template, output].map((path) => stat(path).catch(() => undefined)));
  if (one === undefined || one.ino !== other?.ino || one.dev !== other.dev) return;
  throw new KeyturnError(
    'OutputFailed',
    `${printable(output)} is the template itself.`,
    'Give the result another name.',
  );
}
