import type { SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import type { FormName } from '../documents/form.ts';

/** The member that decides what util.inspect and console.log show of an object. */
const inspected = Symbol.for('nodejs.util.inspect.custom');

/** Identifies a value. It is not secret. */
export interface ValueIdentity {
  /** The secret's name or ARN, as the application has passed it. */
  readonly secretId: string;
  /** The secret's ARN. */
  readonly arn: string;
  /** The version's id. */
  readonly versionId: string;
  /** The label by which it was read. AWSPENDING: a rotation had changed the credential and not yet moved AWSCURRENT. */
  readonly stage: string;
}

/** The value of one version of a secret. util.inspect, JSON and errors show only its identity. */
export class SecretValue implements ValueIdentity {
  readonly secretId: string;
  readonly arn: string;
  readonly versionId: string;
  readonly stage: string;
  readonly #text: string;
  readonly #read: (text: string) => SecretDocument;
  #document: Pick<SecretDocument, 'form' | 'fields'> | undefined;

  constructor(identity: ValueIdentity, text: string, read: (text: string) => SecretDocument) {
    this.secretId = identity.secretId;
    this.arn = identity.arn;
    this.versionId = identity.versionId;
    this.stage = identity.stage;
    this.#text = text;
    this.#read = read;
  }

  /** The secret's string as it is stored. */
  get text(): string {
    return this.#text;
  }

  /** The form of the text. @throws MalformedSecret */
  get form(): FormName {
    return this.#parsed().form;
  }

  /**
   * The fields of the text, by the names of AWS's secret structure (`host`, `port`, `dbname`, `username`, `password`), as
   * the rotators read them. Frozen.
   *
   * @throws MalformedSecret if the text has no known form; `text` still works
   */
  get fields(): SecretFields {
    return this.#parsed().fields;
  }

  #parsed(): Pick<SecretDocument, 'form' | 'fields'> {
    if (this.#document === undefined) {
      const { form, fields } = this.#read(this.#text);
      this.#document = { form, fields: hide(fields) };
    }
    return this.#document;
  }

  /** Its identity: JSON of a value holds nothing else. */
  toJSON(): ValueIdentity {
    return { ...this };
  }

  [inspected](): string {
    return `SecretValue { ${this.secretId}, version ${this.versionId}, ${this.stage} }`;
  }
}

const mask = (): string => '[redacted]';

/** Hides an object from inspection and JSON, and freezes it. */
function hide<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(hide);
  Object.defineProperties(value, { toJSON: { value: mask }, [inspected]: { value: mask } });
  return Object.freeze(value);
}
