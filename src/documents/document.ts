import { KeyturnError } from '../errors.ts';
import type { SecretFields } from './fields.ts';
import { applyEdits, type FormName, type ParsedText } from './form.ts';
import type { DocumentHints } from './hints.ts';
import { parseJson } from './json.ts';
import { parseAs, textForm } from './recognise.ts';

/** A secret's string, read. */
export interface SecretDocument {
  readonly form: FormName;
  readonly fields: SecretFields;
  /**
   * The same document with some fields changed; all else stays as it is, byte for byte.
   *
   * @throws InvalidSecretField for a value or a field that the form can't hold
   */
  write(changes: SecretFields): string;
  /** True where the credential is in a connection string: one kept as text, or one in JSON. */
  readonly isConnectionString: boolean;
  /** Characters that a new password must not have, because known readers of the form get them wrong. */
  readonly unsafeCharacters: string;
  /** What must be masked besides the fields: passwords as they stand in the text, quoted and encoded. */
  readonly sensitive: readonly string[];
}

/**
 * Reads a secret's string, in the form that the hints name, else in the one that it is recognised as.
 *
 * @throws MalformedSecret, with position and reason; the message never quotes the text
 */
export function readDocument(text: string, hints: DocumentHints = {}): SecretDocument {
  const parsed = parse(text, hints);
  return {
    form: parsed.form,
    fields: hintedFields(parsed, hints),
    isConnectionString: parsed.isConnectionString ?? (parsed.form !== 'json' && parsed.form !== 'text'),
    unsafeCharacters: parsed.unsafeCharacters,
    sensitive: [...(parsed.sensitive ?? []), ...rawPasswords(text, parsed)],
    write: (changes) => write(text, parsed, changes, hints),
  };
}

/** Comments may come first. */
const startsAsJson = /^(?:\s|\/\/[^\n]*\n|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*[{["]/;

function hintedFields({ fields, engineIsGuess }: ParsedText, hints: DocumentHints): SecretFields {
  const { engine, ...others } = fields;
  const known = hints.rotatorIsNamed === true && engineIsGuess === true ? others : fields;
  const { masterarn } = hints;
  return masterarn === undefined || known.masterarn !== undefined ? known : { ...known, masterarn };
}

function parse(text: string, { form, fieldNames = new Map() }: DocumentHints): ParsedText {
  const found = form ?? (startsAsJson.test(text) ? 'json' : textForm(text));
  if (found === 'json') return parseJson(text, fieldNames);
  if (found !== undefined) return parseAs(found, text);
  throw new KeyturnError(
    'MalformedSecret',
    "The secret's value is neither a JSON object nor a connection string of a known form.",
    'Store it as JSON with engine, host, username and password, or name its form with the tag keyturn:form.',
  );
}

function write(text: string, parsed: ParsedText, changes: SecretFields, hints: DocumentHints): string {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  const missing = new Map(changed.filter(([field]) => !parsed.slots.some((slot) => slot.field === field)));
  const edits = changed.flatMap(([field, value]) =>
    parsed.slots
      .filter((slot) => slot.field === field && !same(slot.value, value))
      .map((slot) => ({ ...slot.span, text: slot.encode(value) })),
  );
  const written = applyEdits(text, missing.size === 0 ? edits : [...edits, ...parsed.append(missing)]);
  requireReadable(written, parsed.form, changed, hints);
  return written;
}

/** A credential that can't be read back would lock everybody out: what is stored is what the next step reads. */
function requireReadable(
  written: string,
  form: FormName,
  changed: readonly (readonly [string, unknown])[],
  hints: DocumentHints,
): void {
  const { fields } = parse(written, { ...hints, form });
  const lost = changed.find(([field, value]) => !same(fields[field], value));
  if (lost === undefined) return;
  throw new KeyturnError(
    'InternalError',
    `The secret's "${lost[0]}" would be read as another value than was written.`,
    'Nothing was changed. Please report this, with the form of the secret and without its value.',
    { field: lost[0] },
  );
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function rawPasswords(text: string, { form, slots }: ParsedText): string[] {
  return slots
    .filter(({ field }) => field === 'password')
    .map(({ span }) => text.slice(span.start, span.end))
    .flatMap((raw) => (form !== 'text' && isQuoted(raw) ? [raw, raw.slice(1, -1)] : [raw]))
    .filter((raw) => raw !== '');
}

function isQuoted(raw: string): boolean {
  return raw.length > 2 && /^["'{]/.test(raw);
}
