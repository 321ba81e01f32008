import type { FormName } from '../documents/form.ts';

/** The forms that a placeholder can ask for after `#@`. They are made of a secret's fields. */
export const formsOfFields = [
  'url',
  'ado-net',
  'odbc',
  'libpq',
  'jdbc',
  'json',
] as const satisfies FormName[];

/** One of {@link formsOfFields}. */
export type FormOfFields = (typeof formsOfFields)[number];

/** A form by its name. */
export function formOfFields(name: string): FormOfFields | undefined {
  return formsOfFields.find((form) => form === name);
}
