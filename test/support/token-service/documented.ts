import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceAnswer } from './server.ts';

/** What an answer means for a rotator. `failed` and `gone` end a rotation with an error. `throttled`: try again later. */
export type Meaning = 'accepted' | 'refused' | 'gone' | 'throttled' | 'failed';

/** An answer of a vendor's API. */
export interface DocumentedAnswer {
  readonly call: 'mint' | 'verify' | 'revoke' | 'list' | 'checkAdmin' | 'token request';
  readonly means: Meaning;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The page or report that says so. For `memory`: the page that should say so. */
  readonly source: string;
  /**
   * What the answer was taken from.
   * - `documentation`: the vendor's page has the status, and the form of the body.
   * - `source code`: that of the server.
   * - `observed`: at a real server, here or by those who wrote the report that `source` names.
   * - `assumed`: the page has only the status or the rule. The body is an example.
   * - `memory`: no page was found that says so. The author believes it.
   */
  readonly basis: 'documentation' | 'source code' | 'observed' | 'assumed' | 'memory';
  /** When it was read or observed, as YYYY-MM-DD. Absent for `memory`. */
  readonly read?: string;
  /** The text that was read, if not the page itself, such as the page's Markdown in the vendor's repository. */
  readonly readFrom?: string;
  readonly note?: string;
}

/** The answers of one preset's API. */
export interface Documented {
  readonly preset: string;
  /** The questions for which no documentation was found. */
  readonly notFound?: readonly string[];
  readonly answers: readonly DocumentedAnswer[];
}

/** A file of the folder `documented`. */
interface DocumentedFile extends Omit<Documented, 'answers'> {
  readonly answers?: readonly DocumentedAnswer[];
  /** Another preset, whose answers this preset has too. */
  readonly sameAs?: string;
}

const folder = join(import.meta.dirname, 'documented');

function readFile(preset: string): Documented {
  const file: DocumentedFile = JSON.parse(readFileSync(join(folder, `${preset}.json`), 'utf8'));
  const { answers = [], sameAs } = file;
  return { ...file, answers: sameAs === undefined ? answers : readFile(sameAs).answers };
}

/** The answers of all presets, by the preset's name. */
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
  /** The differences in the body: members of the body or of its `result`, or the whole list. */
  change?: Readonly<Record<string, unknown>> | readonly unknown[],
  status?: number,
) => ServiceAnswer;

/** Answers for a stand-in: the first documented answer for a call and a meaning, with the stand-in's values in the body. */
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
