import { AdapterError } from '../../src/rotator/index.ts';

/** A JSON object of an answer. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads an answer leniently: what is in it may be the only copy of a credential, so nothing but what is needed is
 * asked of it.
 */
export async function readAnswer(response: Response): Promise<JsonObject> {
  const answer = parse(await response.text());
  if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return { ...answer };
  throw new AdapterError('the server answers no JSON object');
}

/** The words of JSON.parse quote what they could not read. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A member that is a non-empty string, or undefined. */
export function textIn(answer: JsonObject, member: string): string | undefined {
  const value = answer[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A member that is a number, also as a string, or undefined. */
export function numberIn(answer: JsonObject, member: string): number | undefined {
  const value = answer[member];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** @throws Error, naming the member */
export function requireIn(answer: JsonObject, member: string): string {
  const value = textIn(answer, member);
  if (value === undefined) throw new AdapterError(`the server's answer has no ${member}`);
  return value;
}
