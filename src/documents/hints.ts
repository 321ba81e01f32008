import { KeyturnError } from '../errors.ts';
import { type FormName, formNames } from './form.ts';
import type { FieldNames } from './json.ts';

/** What is known of a secret's string before it is read. */
export interface DocumentHints {
  /** The form of the string. If absent, the form is recognised. */
  readonly form?: FormName | undefined;
  /** Other names or paths of the fields, in JSON and in KEY=value lines. */
  readonly fieldNames?: FieldNames;
  /** True if the rotator is named. Then an engine that the secret does not state itself is left out: it could contradict the rotator. */
  readonly rotatorIsNamed?: boolean;
  /** Places that stay as they are, although they hold the credential. They are paths, with dots between names. */
  readonly leave?: readonly string[] | undefined;
  /** The engines of the rotator, if it is known. */
  readonly engines?: readonly string[] | undefined;
  /** ARN of the admin secret. A `masterarn` in the secret itself wins over it. */
  readonly masterarn?: string | undefined;
}

/** The tag that names the form of a secret's string. */
export const formTag = 'keyturn:form';
/** The tag that says under which names or paths a secret keeps its fields. */
export const fieldsTag = 'keyturn:fields';
/** The tag with the ARN of the admin secret. */
export const adminTag = 'keyturn:admin';
/** The tag with the places that a rotation leaves as they are, although they hold the old credential. */
export const leaveTag = 'keyturn:leave';

/** Reads the name of a form. @throws InvalidConfiguration, naming the tag or variable */
export function parseFormName(name: string | undefined, source: string): FormName | undefined {
  const wanted = name?.trim().toLowerCase();
  if (wanted === undefined || wanted === '') return undefined;
  const found = formNames.find((known) => known === wanted);
  if (found !== undefined) return found;
  throw new KeyturnError(
    'InvalidConfiguration',
    `${source} names no form of a secret.`,
    `Set it to one of: ${formNames.join(', ')}.`,
    { field: source },
  );
}

/**
 * Reads `username=login password=db.pass`: a field, and the name or path under which the secret keeps it. Spaces separate
 * the pairs, because few other characters are allowed in a tag. A name may have spaces too.
 *
 * @throws InvalidConfiguration, naming the tag or variable
 */
export function parseFieldNames(text: string | undefined, source: string): FieldNames {
  const trimmed = text?.trim() ?? '';
  const parts = trimmed === '' ? [] : trimmed.split(/\s+(?=\w+=)/);
  const pairs = parts.map((part): [string, string] => {
    const equals = part.indexOf('=');
    return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1).trim()];
  });
  if (pairs.every(([field, name]) => /^\w+$/.test(field) && name !== '')) return new Map(pairs);
  throw new KeyturnError(
    'InvalidConfiguration',
    `${source} is no list of fields and names.`,
    'Write it like username=login password=pass.',
    { field: source },
  );
}

/** Reads places with spaces between them. The whole text is a place too, because a name may have a space in it. */
function parsePlaces(text: string | undefined): readonly string[] | undefined {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? undefined : [trimmed, ...trimmed.split(/\s+/)];
}

/** Whether a path is one of the places to leave, or within one of them. */
export function covers(leave: readonly string[] | undefined, path: string): boolean {
  return (leave ?? []).some((place) => path === place || path.startsWith(`${place}.`));
}

/** How to read a secret: its tags win over the function's configuration. @throws InvalidConfiguration */
export function readHints(
  tags: ReadonlyMap<string, string>,
  configuration: Pick<DocumentHints, 'form' | 'fieldNames'>,
): DocumentHints {
  const names = tags.get(fieldsTag);
  return {
    form: parseFormName(tags.get(formTag), `The tag ${formTag}`) ?? configuration.form,
    fieldNames:
      names === undefined
        ? (configuration.fieldNames ?? new Map())
        : parseFieldNames(names, `The tag ${fieldsTag}`),
    leave: parsePlaces(tags.get(leaveTag)),
    masterarn: tags.get(adminTag) || undefined,
  };
}
