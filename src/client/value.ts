import type { SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import type { FormName } from '../documents/form.ts';

/** What util.inspect and console.log show of an object that has this member. */
const inspected = Symbol.for('nodejs.util.inspect.custom');

/** What identifies a value, and is no secret. */
export interface ValueIdentity {
  /** The secret's name or ARN, as the application has given it. */
  readonly secretId: string;
  readonly arn: string;
  readonly versionId: string;
  /** The label by which it was read. AWSPENDING: a rotation had changed the credential, and not moved AWSCURRENT yet. */
  readonly stage: string;
}

/**
 * The value of one version of a secret. Its text and fields are there for whoever asks for them; util.inspect, JSON and
 * errors show its identity alone.
 */
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

  /** The form that the text is in. @throws MalformedSecret */
  get form(): FormName {
    return this.#parsed().form;
  }

  /**
   * What the text says, by the names of AWS's secret structure (`host`, `port`, `dbname`, `username`, `password`), read as
   * the rotators read it. Frozen.
   *
   * @throws MalformedSecret where the text is in no form that can be read; `text` is there all the same
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

  toJSON(): ValueIdentity {
    return { ...this };
  }

  [inspected](): string {
    return `SecretValue { ${this.secretId}, version ${this.versionId}, ${this.stage} }`;
  }
}

const mask = (): string => '[redacted]';

/** Has inspection and JSON show nothing of an object, and nobody change it. */
function hide<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(hide);
  Object.defineProperties(value, { toJSON: { value: mask }, [inspected]: { value: mask } });
  return Object.freeze(value);
}
