import { readDocument, type SecretDocument } from '../documents/document.ts';
import type { FormName } from '../documents/form.ts';
import { type DocumentHints, parseFieldNames, parseFormName } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';

/** What is read of a secret, and how, where that can't be seen in it. */
export interface SecretHints {
  /** The staging label of the version; AWSCURRENT if absent. */
  readonly stage?: string;
  /** One version, whatever label it has. */
  readonly versionId?: string;
  /** The form that the text is in, as the tag `keyturn:form` names it; recognised where absent. */
  readonly form?: FormName;
  /** Where a JSON secret keeps its fields under other names, as in the tag `keyturn:fields`: `username=login password=db.pass`. */
  readonly fields?: string;
}

/** What reads the texts of a secret. @throws InvalidConfiguration for hints that make no sense */
export function readerOf(secretId: string, { form, fields }: SecretHints): (text: string) => SecretDocument {
  const hints: DocumentHints = {
    form: parseFormName(form, 'The option "form"'),
    fieldNames: parseFieldNames(fields, 'The option "fields"'),
  };
  return (text) => {
    try {
      return readDocument(text, hints);
    } catch (error) {
      if (!isKeyturnError(error, 'MalformedSecret')) throw error;
      throw new KeyturnError(
        'MalformedSecret',
        `The value of ${secretId} is in no form that can be read: ${error.message}`,
        'Or say its form, as in secret(id, { form: "text" }), or use its text instead of its fields.',
        { cause: error },
      );
    }
  };
}
