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
  /** Where it is documented. */
  readonly source: string;
  /**
   * `documentation`, `source code` of the server, `observed` at a real server here or by others, or `assumed`: the page has
   * the status, and an answer of this form was made up.
   */
  readonly basis: 'documentation' | 'source code' | 'observed' | 'assumed';
  readonly note?: string;
}

/** The answers of one preset's API. */
export interface Documented {
  readonly preset: string;
  /** When the sources were read, as YYYY-MM-DD. */
  readonly read: string;
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
