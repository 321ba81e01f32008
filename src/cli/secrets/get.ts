import { readDocument, type SecretDocument } from '../../documents/document.ts';
import { isKeyturnError } from '../../errors.ts';
import { createRedactor } from '../../redact.ts';
import { MalformedReference, parseReference, type Reference } from '../../render/reference.ts';
import { filtered } from '../../render/render.ts';
import { createResolver, maskedJson, type ReadSecret } from '../../render/secrets.ts';
import { UsageError } from '../command.ts';
import { maskingSystem, registerMasks } from '../masking.ts';
import { printBytes } from '../print.ts';
import { printable } from '../printable.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import { runWithScreen } from '../rotation/screen.ts';
import { createSecretSource } from '../secret-source.ts';

/** What the command line asks for. */
export interface GetWork extends PlaceOptions {
  readonly reference: string;
  readonly show: boolean;
  readonly masks: 'stderr' | 'none';
}

/** Prints a value. @returns the exit code */
export function get(work: GetWork): Promise<number> {
  const reference = readReference(work.reference);
  return runWithScreen({ json: work.json, redactor: createRedactor() }, async () => {
    const resolver = createResolver(createSecretSource(work, process.env));
    const resolved = await resolver.resolve(reference);
    const value = filtered(resolved, reference);
    for (const note of resolver.notes) process.stderr.write(`keyturn get: note: ${printable(note)}\n`);
    const credentials = resolved.isCredential ? [value, ...(await resolver.credentials())] : [];
    registerMasks(maskingSystem(process.env), work.masks, credentials);
    const isTerminal = process.stdout.isTTY === true;
    const isHidden = isTerminal && !work.show && resolved.isCredential;
    const document = {
      reference: reference.shown,
      secret: resolved.from?.arn ?? null,
      versionId: resolved.from?.versionId ?? null,
      value: isHidden ? null : value,
      hidden: isHidden,
    };
    if (work.json) return { ok: true, document };
    if (!isTerminal) await printBytes(Buffer.from(value));
    else {
      const read = await resolver.document(reference.secret, reference.version).catch(() => undefined);
      const shown = isHidden ? await masked(value, reference, read) : value;
      process.stdout.write(`${printable(shown, '\n\t')}\n`);
    }
    return { ok: true, document };
  });
}

/** @throws UsageError */
function readReference(text: string): Reference {
  try {
    return parseReference(text, 0, new Map(), undefined).reference;
  } catch (error) {
    if (error instanceof MalformedReference)
      throw new UsageError(`the reference '${printable(text)}' ${error.message}`);
    throw error;
  }
}

/** The value with its credentials masked. If its form is not known, only its length is shown. */
async function masked(
  value: string,
  { selector, filters }: Reference,
  read: ReadSecret | undefined,
): Promise<string> {
  const hidden = `(hidden, ${[...value].length} characters; --show shows it)`;
  const document = await documentOf(value, selector, read);
  if (document === undefined || selector.kind === 'key' || filters.length > 0) return hidden;
  if (document.form === 'text') return hidden;
  const json = maskedJson(value);
  if (json !== undefined) return json;
  return maskedDocument(document) ?? hidden;
}

const mask = '********';

/**
 * The secret with its credentials masked. The password is masked in its own place, so it may be a common word. Other
 * credentials are masked wherever their text appears. Undefined if that can't be done.
 */
function maskedDocument(document: SecretDocument): string | undefined {
  const { password, ...others } = document.fields;
  const redactor = createRedactor();
  redactor.learn(others);
  // Another credential is too common a word to be masked by its text.
  if (redactor.withholds()) return undefined;
  try {
    const text = document.write(password === undefined ? {} : { password: mask });
    return redactor.text(text).replaceAll('[redacted]', mask);
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}

/** The printed value as a document. A form such as `@url` was made from the secret, so it is read in that form. */
async function documentOf(
  value: string,
  selector: Reference['selector'],
  read: ReadSecret | undefined,
): Promise<SecretDocument | undefined> {
  try {
    return selector.kind === 'form' ? readDocument(value, { form: selector.form }) : await read?.document();
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}
