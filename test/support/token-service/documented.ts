import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceAnswer } from './server.ts';

/** What an answer means for a rotator: `failed` and `gone` end a rotation with an error, `throttled` comes again later. */
export type Meaning = 'accepted' | 'refused' | 'gone' | 'throttled' | 'failed';

/** An answer of a vendor's API. */
export interface DocumentedAnswer {
  readonly call: 'mint' | 'verify' | 'revoke' | 'list' | 'checkAdmin' | 'token request';
  readonly means: Meaning;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The page or the report that says so; for what is from memory, the page that should. */
  readonly source: string;
  /**
   * What the answer was taken from.
   * - `documentation`: the vendor's page has the status, and the form of the body.
   * - `source code`: that of the server.
   * - `observed`: at a real server, here or by those who wrote the report that `source` names.
   * - `assumed`: the page has the status or the rule alone, and the body is an example.
   * - `memory`: no page was opened that says so. Nothing but the belief of whoever wrote it stands behind it.
   */
  readonly basis: 'documentation' | 'source code' | 'observed' | 'assumed' | 'memory';
  /** When it was read or observed, as YYYY-MM-DD; not there for what is from memory. */
  readonly read?: string;
  /** The text that was read, where it is not the page itself, such as the page's Markdown in the vendor's repository. */
  readonly readFrom?: string;
  readonly note?: string;
}

/** The answers of one preset's API. */
export interface Documented {
  readonly preset: string;
  /** What no documentation was found of. */
  readonly notFound?: readonly string[];
  readonly answers: readonly DocumentedAnswer[];
}

/** A file of the folder. */
interface DocumentedFile extends Omit<Documented, 'answers'> {
  readonly answers?: readonly DocumentedAnswer[];
  /** The preset whose answers are those of this one too. */
  readonly sameAs?: string;
}

const folder = join(import.meta.dirname, 'documented');

function readFile(preset: string): Documented {
  const file: DocumentedFile = JSON.parse(readFileSync(join(folder, `${preset}.json`), 'utf8'));
  const { answers = [], sameAs } = file;
  return { ...file, answers: sameAs === undefined ? answers : readFile(sameAs).answers };
}

/** Those of all presets, by name. */
export const documentedAnswers: ReadonlyMap<string, Documented> = new Map(
  readdirSync(folder).map((file) => {
    const preset = file.replace(/\.json$/, '');
    return [preset, readFile(preset)];
  }),
);

/** Answers as the documentation has them. */
export type Answering = (
  call: DocumentedAnswer['call'],
  means: Meaning,
  /** What is different in the body: members of it, or of its `result`, or the whole list. */
  change?: Readonly<Record<string, unknown>> | readonly unknown[],
  status?: number,
) => ServiceAnswer;

/** Answers for a stand-in: the first documented one of a call and a meaning, with values of its own in the body. */
export function answersOf(preset: string): Answering {
  const { answers = [] } = documentedAnswers.get(preset) ?? {};
  return (call, means, change, status) => {
    const found = answers.find(
      (one) => one.call === call && one.means === means && (status === undefined || one.status === status),
    );
    if (found === undefined)
      throw new Error(`No answer of ${preset} to ${call} is documented that is ${means}.`);
    const { headers = {} } = found;
    const json = change === undefined ? found.body : changed(found.body, change);
    return { status: found.status, headers, ...(json === undefined ? {} : { json }) };
  };
}

function changed(body: unknown, change: Readonly<Record<string, unknown>> | readonly unknown[]): unknown {
  if (Array.isArray(change) || typeof body !== 'object' || body === null) return change;
  const result: unknown = Reflect.get(body, 'result');
  if (result === undefined) return { ...body, ...change };
  const inner = 'result' in change ? change.result : { ...Object(result), ...change };
  return { ...body, result: inner };
}
