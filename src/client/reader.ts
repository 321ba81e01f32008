import { readDocument, type SecretDocument } from '../documents/document.ts';
import type { FormName } from '../documents/form.ts';
import { type DocumentHints, parseFieldNames, parseFormName } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';

/** Which version of a secret to read, and how. */
export interface SecretHints {
  /** The staging label of the version. Default: AWSCURRENT. */
  readonly stage?: string;
  /** The version's id, instead of a label. */
  readonly versionId?: string;
  /** The form of the text, as in the tag `keyturn:form`. Default: it is recognised. */
  readonly form?: FormName;
  /** Other names of a JSON secret's fields, as in the tag `keyturn:fields`: `username=login password=db.pass`. */
  readonly fields?: string;
}

/** Makes the reader of a secret's texts. @throws InvalidConfiguration for invalid hints */
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
        `The value of ${secretId} has no known form: ${error.message}`,
        'Or name its form, as in secret(id, { form: "text" }), or use its text instead of its fields.',
        { cause: error },
      );
    }
  };
}
