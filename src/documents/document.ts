import { KeyturnError } from '../errors.ts';
import { copiesLeft } from './copies.ts';
import { parseEnv } from './env.ts';
import type { SecretFields } from './fields.ts';
import { applyEdits, type FormName, type ParsedText } from './form.ts';
import { covers, type DocumentHints } from './hints.ts';
import { parseJson } from './json.ts';
import { startsAsJson } from './leaves.ts';
import { hasSections, isKeyValueLines } from './lines-scanner.ts';
import { normaliseFields } from './normalised-fields.ts';
import { failingReaders } from './readers.ts';
import { parseAs, textForm } from './recognise.ts';
import { referenceElsewhere } from './references.ts';
import { isCredentialName } from './setting-names.ts';

/** A secret's string after it was read. */
export interface SecretDocument {
  /** The form that the hints name, or that was recognised. */
  readonly form: FormName;
  /**
   * The secret's fields by name. Those of the account have AWS's names (`engine`, `host`, `port`, `username`, `password`,
   * `dbname`, `ssl`), whatever the secret calls them.
   */
  readonly fields: SecretFields;
  /**
   * The same document with some fields changed, in all places of the same account. Everything else stays, byte for byte.
   *
   * @param onCopy called with CredentialCopied if the replaced credential would stay somewhere
   * @returns the text to store
   * @throws InvalidSecretField for a value or a field that the form can't hold
   * @throws CredentialCopied if the replaced credential would stay somewhere and there is no `onCopy`
   */
  write(changes: SecretFields, onCopy?: (error: KeyturnError) => void): string;
  /** True if the credential is in a connection string: the whole secret, or one in JSON or in KEY=value lines. */
  readonly isConnectionString: boolean;
  /**
   * Characters that a new password should not have. They must be quoted or encoded in this form, or known readers of the form
   * get them wrong.
   */
  readonly unsafeCharacters: string;
  /** Names of known readers of this form that would misread this password, but not the present one. Often empty. */
  misreadBy(password: string): readonly string[];
  /** Why the credential can't be rotated, although the document can be read. Undefined if it can. */
  readonly refusal: KeyturnError | undefined;
  /** Further texts to mask in logs: passwords as they stand in the secret, quoted and encoded. */
  readonly sensitive: readonly string[];
}

/**
 * Reads a secret's string in the form that the hints name. Without such a hint, the form is recognised.
 *
 * @throws MalformedSecret with position and reason. The message never quotes the text.
 */
export function readDocument(text: string, hints: DocumentHints = {}): SecretDocument {
  // Some editors write a byte order mark at the beginning. Readers skip it: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const inner = text.slice(mark.length);
  const parsed = parse(inner, hints);
  const { fields, refusal } = normaliseFields(hintedFields(parsed, hints));
  return {
    form: parsed.form,
    fields,
    isConnectionString: parsed.isConnectionString ?? (parsed.form !== 'json' && parsed.form !== 'text'),
    unsafeCharacters: parsed.unsafeCharacters,
    misreadBy: (password) => failingReaders(parsed, password),
    refusal: parsed.refusal ?? refusal ?? referenceElsewhere(fields),
    sensitive: [...(parsed.sensitive ?? []), ...rawPasswords(inner, parsed)],
    write: (changes, onCopy) => mark + write(inner, parsed, changes, { hints, onCopy }),
  };
}

/**
 * The document of a secret that has no value yet. What is written becomes its first value: JSON, unless the hints name plain
 * text.
 *
 * @param fields what the rotator needs to begin with
 */
export function emptyDocument(fields: SecretFields, hints: DocumentHints = {}): SecretDocument {
  if (hints.form !== 'text') return readDocument(JSON.stringify(fields), { ...hints, form: 'json' });
  // The text does not matter, because it is replaced as a whole.
  return { ...readDocument('none', { form: 'text' }), fields };
}

function hintedFields({ fields, engineIsStated }: ParsedText, hints: DocumentHints): SecretFields {
  const { engine, ...others } = fields;
  const known = hints.rotatorIsNamed === true && engineIsStated !== true ? others : fields;
  const { masterarn } = hints;
  return masterarn === undefined || known.masterarn !== undefined ? known : { ...known, masterarn };
}

function parse(text: string, hints: DocumentHints): ParsedText {
  const { form, fieldNames = new Map(), leave } = hints;
  const settings = { isLeft: (path: string): boolean => covers(leave, path), engines: hints.engines };
  const found = form ?? recognised(text);
  if (found === 'json') return parseJson(text, fieldNames, settings);
  if (found === 'env') return parseEnv(text, fieldNames, settings);
  if (found !== undefined) return parseAs(found, text);
  throw new KeyturnError(
    'MalformedSecret',
    "The secret's value is neither a JSON object nor a connection string of a known form.",
    'Store it as JSON with engine, host, username and password, or name its form with the tag keyturn:form.',
  );
}

function recognised(text: string): FormName | undefined {
  if (hasSections(text)) return 'env';
  if (startsAsJson.test(text)) return 'json';
  return isKeyValueLines(text) ? 'env' : textForm(text);
}

interface Writing {
  readonly hints: DocumentHints;
  readonly onCopy: ((error: KeyturnError) => void) | undefined;
}

function write(text: string, parsed: ParsedText, changes: SecretFields, { hints, onCopy }: Writing): string {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  const missing = new Map(changed.filter(([field]) => !parsed.slots.some((slot) => slot.field === field)));
  const edits = changed.flatMap(([field, value]) =>
    parsed.slots
      .filter((slot) => slot.field === field && !same(slot.value, value))
      .map((slot) => ({ ...slot.span, text: slot.encode(value) })),
  );
  // A place can be found twice: by the field's own name, and among the settings of the account.
  const places = new Map(edits.map((edit) => [`${edit.start} ${edit.end}`, edit]));
  const written = applyEdits(text, [
    ...places.values(),
    ...(missing.size === 0 ? [] : parsed.append(missing)),
  ]);
  const { fields, others } = parse(written, { ...hints, form: parsed.form });
  requireReadable(fields, changed);
  for (const old of replacedCredentials(parsed, changed)) {
    const copied = copiesLeft(old, written, others, (path) => covers(hints.leave, path));
    if (copied !== undefined && onCopy === undefined) throw copied;
    if (copied !== undefined) onCopy?.(copied);
  }
  return written;
}

/** The replaced credentials, which must not stay anywhere in the secret. */
function replacedCredentials(
  { fields }: ParsedText,
  changed: readonly (readonly [string, unknown])[],
): string[] {
  return changed.flatMap(([field, value]) => {
    const old = fields[field];
    const isCredential = isCredentialName(field) && !/public|id$/i.test(field);
    return isCredential && typeof old === 'string' && old !== '' && old !== value ? [old] : [];
  });
}

/** Reads the written text again. A credential that can't be read back would lock everybody out. */
function requireReadable(fields: SecretFields, changed: readonly (readonly [string, unknown])[]): void {
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
