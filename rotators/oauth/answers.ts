import { AdapterError } from '../../src/rotator/index.ts';

/** The JSON object of an answer. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads an answer, and checks only that it is a JSON object. The answer may hold the only copy of a credential. So an error in a part
 * that nobody needs must not lose it.
 *
 * @throws AdapterError if the answer is no JSON object
 */
export async function readAnswer(response: Response): Promise<JsonObject> {
  const answer = parse(await response.text());
  if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return { ...answer };
  throw new AdapterError('the server answers no JSON object');
}

/** Drops the error of JSON.parse, which quotes the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The member's text; undefined if it is empty or no text. */
export function textIn(answer: JsonObject, member: string): string | undefined {
  const value = answer[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The member's number, which may be written as a text; undefined if it is none. */
export function numberIn(answer: JsonObject, member: string): number | undefined {
  const value = answer[member];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** @throws AdapterError, naming the member, if it is no text or empty */
export function requireIn(answer: JsonObject, member: string): string {
  const value = textIn(answer, member);
  if (value === undefined) throw new AdapterError(`the server's answer has no ${member}`);
  return value;
}
