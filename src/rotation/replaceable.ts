import type { SecretDocument } from '../documents/document.ts';
import { formTag, parseFormName } from '../documents/hints.ts';
import { KeyturnError } from '../errors.ts';
import type { Rotator } from '../rotator/contract.ts';
import { rotatorTag } from './select.ts';

/**
 * Refuses to replace a connection string, a program's settings or another text that somebody has written as if it were a
 * password or a random value: it would be lost. The secret's own tag can allow it. The function's variable can't, because
 * it is about all secrets.
 *
 * @throws MalformedSecret
 */
export async function requireReplaceable(
  rotator: Rotator,
  document: SecretDocument,
  tags: ReadonlyMap<string, string>,
): Promise<void> {
  const what = await whatWouldBeLost(rotator, document, tags);
  if (what !== undefined) throw notReplaceable(what, rotator);
}

/** Names the kind of text that the value is and that the rotator must not replace. Undefined if it may replace the value. */
export async function whatWouldBeLost(
  rotator: Rotator,
  { form, fields, isConnectionString }: SecretDocument,
  tags: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const opensNothing = rotator.kind === 'changes' && rotator.opensNothing === true;
  // An empty tag names no form.
  const isTold = parseFormName(tags.get(formTag), `The tag ${formTag}`) !== undefined;
  if (isTold || (form !== 'text' && !opensNothing)) return undefined;
  if (form === 'env') return 'KEY=value lines';
  if (isConnectionString) return 'a connection string';
  const { password } = fields;
  if (typeof password !== 'string') return undefined;
  // Few secrets need it: a cold start for a database doesn't load it.
  const { kindOfWritten } = await import('./written-text.ts');
  return kindOfWritten(password, opensNothing ? 'chance' : 'server');
}

function notReplaceable(what: string, { name }: Rotator): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The secret's value reads as ${what}, which the rotator ${name} would replace by a value that nothing else knows.`,
    `Choose the rotator of its server with the tag ${rotatorTag}. If the value is meant, name its form with the tag ${formTag}.`,
  );
}
