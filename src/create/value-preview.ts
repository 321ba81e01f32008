import { readDocument } from '../documents/document.ts';
import { type FormName, formTitles } from '../documents/form.ts';
import { connectionStringForm } from '../documents/recognise.ts';
import { isKeyturnError } from '../errors.ts';

/** How a text would be read as a secret, in words without a credential. */
export interface ValuePreview {
  /** False if the text looks like a form but breaks its rules. */
  readonly ok: boolean;
  readonly words: string;
}

/** A new value that is plain text is most likely a token. */
const titles: Readonly<Record<FormName, string>> = { ...formTitles, text: 'a token' };

/** The largest value of a secret, in bytes. @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const largestBytes = 65_536;

/**
 * Reads a text as a rotation would, while it is typed.
 *
 * @param engine of the chosen kind of secret; undefined for other secrets
 */
export function previewValue(text: string, engine: string | undefined): ValuePreview {
  if (text === '') return { ok: false, words: 'there is nothing yet' };
  if (Buffer.byteLength(text) > largestBytes) return { ok: false, words: 'it has more than 65,536 bytes' };
  if (!text.isWellFormed()) return { ok: false, words: 'it has half of a character' };
  try {
    const { form, fields, refusal } = readDocument(text);
    // ADO.NET and ODBC have the same keywords for several engines, so the engine that was found may be another.
    const found = form === 'ado-net' || form === 'odbc' ? '' : String(fields.engine ?? '');
    if (engine !== undefined && found !== '' && !found.includes(engine)) {
      return { ok: false, words: `it reads as ${titles[form]} for ${found}, and not for ${engine}` };
    }
    if (engine !== undefined && form === 'text') {
      return { ok: false, words: `it reads as a token, and not as a connection string for ${engine}` };
    }
    if (refusal !== undefined) return { ok: false, words: wordsOf(refusal.message) };
    return { ok: true, words: `it reads as ${titles[form]}${describeFields(fields)}` };
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return unread(text, error.message, engine);
  }
}

function unread(text: string, message: string, engine: string | undefined): ValuePreview {
  const looksLikeJson = /^\s*[{[]/.test(text);
  if (/^\s*\[/.test(text) && isJson(text))
    return { ok: engine === undefined, words: 'it is JSON, but no object' };
  if (looksLikeJson || connectionStringForm(text) !== undefined || engine !== undefined) {
    return { ok: false, words: wordsOf(message) };
  }
  return { ok: true, words: 'it is plain text' };
}

/** The first sentence of an error's message, which is about the text. */
function wordsOf(message: string): string {
  const [problem = ''] = message.split('. ');
  return problem.replace(/^The secret's value/, 'it').replace(/\.$/, '');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function describeFields({ username, host, port, dbname }: Readonly<Record<string, unknown>>): string {
  const user = typeof username === 'string' ? ` for ${username}` : '';
  const place = typeof host === 'string' ? ` at ${host}${port === undefined ? '' : `:${port}`}` : '';
  const database = typeof dbname === 'string' && place !== '' ? `/${dbname}` : '';
  return `${user}${place}${database}`;
}
