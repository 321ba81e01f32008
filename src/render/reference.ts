import type { WantedVersion } from '../secrets-manager/port.ts';
import { type Filter, filterNamed, filterNames } from './filters.ts';
import { type FormOfFields, formOfFields, formsOfFields } from './form-names.ts';

/** The part of a secret that a reference selects. */
export type Selector =
  | { readonly kind: 'value' }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'form'; readonly form: FormOfFields };

/** A placeholder's reference to a secret. */
export interface Reference {
  /** Name or ARN. */
  readonly secret: string;
  readonly version: WantedVersion;
  readonly selector: Selector;
  /** Applied in this order. */
  readonly filters: readonly Filter[];
  /** The text to use if the secret, the label or the key does not exist. */
  readonly byDefault: string | undefined;
  /** The reference for messages: variables filled in, without the default. */
  readonly shown: string;
}

/** The values of `${name}` inside a reference. */
export type Variables = ReadonlyMap<string, string>;

/** Why a text is no reference. The message follows a position. */
export class MalformedReference extends Error {
  override readonly name = 'MalformedReference';
}

/** A reference, and the index after its last character. */
export interface ParsedReference {
  readonly reference: Reference;
  readonly end: number;
}

/**
 * Reads `NAME[#KEY | #@FORM][@VERSION][|FILTER]...[:-DEFAULT]`.
 *
 * The structure is read before variables are filled in, so that a variable's value is always a part of a name.
 *
 * @param closing the character that ends the reference; undefined: it ends with the text
 * @throws MalformedReference
 */
export function parseReference(
  text: string,
  start: number,
  variables: Variables,
  closing: '}' | undefined,
): ParsedReference {
  const reader = new ReferenceReader(text, start, variables, closing);
  const name = reader.name();
  const selector = reader.selector();
  const version = reader.version();
  const filters = reader.filters();
  const byDefault = reader.byDefault();
  const end = reader.finish();
  const named = version === undefined ? splitVersion(name) : { secret: name, version };
  requireSecretName(named.secret);
  return {
    reference: { ...named, selector, filters, byDefault, shown: describe(named, selector, filters) },
    end,
  };
}

class ReferenceReader {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #closing: '}' | undefined;
  #at: number;

  constructor(text: string, start: number, variables: Variables, closing: '}' | undefined) {
    this.#text = text;
    this.#at = start;
    this.#variables = variables;
    this.#closing = closing;
  }

  name(): string {
    const name = this.#word('#|');
    if (name === '') throw new MalformedReference('names no secret');
    return name;
  }

  selector(): Selector {
    if (!this.#take('#')) return { kind: 'value' };
    if (this.#take('@')) {
      const name = this.#word('@|');
      if (name === 'value') return { kind: 'value' };
      const form = formOfFields(name);
      if (form !== undefined) return { kind: 'form', form };
      throw new MalformedReference(
        `asks for the form @${name}, which is none of @value, @${formsOfFields.join(', @')}`,
      );
    }
    const key = this.#quoted('the key') ?? this.#word('@|');
    if (key === '') throw new MalformedReference('has no key after #');
    return { kind: 'key', key };
  }

  /** Reads the version after a selector. Without a selector, the name itself may have an at sign. */
  version(): WantedVersion | undefined {
    if (!this.#take('@')) return undefined;
    const label = this.#word('|');
    if (label === '') throw new MalformedReference('has no staging label after @');
    return versionOf(label);
  }

  filters(): Filter[] {
    const filters: Filter[] = [];
    while (this.#take('|')) {
      const name = this.#word('|');
      const filter = filterNamed(name);
      if (filter === undefined) {
        throw new MalformedReference(`has the filter '${name}', which is none of ${filterNames.join(', ')}`);
      }
      filters.push(filter);
    }
    return filters;
  }

  byDefault(): string | undefined {
    if (!this.#take(':-')) return undefined;
    const quoted = this.#quoted('the default');
    if (quoted !== undefined) return quoted;
    const end = this.#closing === undefined ? -1 : this.#text.indexOf(this.#closing, this.#at);
    const text = this.#text.slice(this.#at, end < 0 ? undefined : end);
    if (text.includes('${')) throw new MalformedReference('has a placeholder inside its default');
    this.#at += text.length;
    return text;
  }

  finish(): number {
    if (this.#closing === undefined) {
      if (this.#at === this.#text.length) return this.#at;
      throw new MalformedReference(`goes on after its end: ${this.#rest()}`);
    }
    if (this.#take(this.#closing)) return this.#at;
    if (this.#at >= this.#text.length) throw new MalformedReference('has no closing brace');
    throw new MalformedReference(`goes on after its end: ${this.#rest()}`);
  }

  #rest(): string {
    return JSON.stringify(this.#text.slice(this.#at, this.#at + 10));
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  /** Reads up to one of the stops, a default, or the end, and fills in variables. */
  #word(stops: string): string {
    let word = '';
    while (this.#at < this.#text.length) {
      if (this.#text.startsWith('${', this.#at)) {
        word += this.#variable();
        continue;
      }
      const char = this.#text.charAt(this.#at);
      const ends = stops.includes(char) || char === this.#closing || this.#text.startsWith(':-', this.#at);
      if (ends) break;
      word += char;
      this.#at += 1;
    }
    return word;
  }

  #variable(): string {
    const [whole = '', name = ''] = /^\$\{([A-Za-z_]\w*)\}/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === '') throw new MalformedReference('has a ${ in it that is no variable such as ${env}');
    const value = this.#variables.get(name);
    if (value === undefined) {
      const option = name === 'env' ? '--env NAME' : `--var ${name}=VALUE`;
      throw new MalformedReference(`needs a value for \${${name}}: give ${option}`);
    }
    this.#at += whole.length;
    return value;
  }

  /** Reads a text in single quotes, in which a quote is doubled. */
  #quoted(what: string): string | undefined {
    const [whole, inner = ''] = /^'((?:[^']|'')*)'/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) {
      if (this.#text[this.#at] !== "'") return undefined;
      throw new MalformedReference(`has no closing quote after ${what}`);
    }
    this.#at += whole.length;
    return inner.replaceAll("''", "'");
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function versionOf(label: string): WantedVersion {
  return uuid.test(label) ? { id: label } : { stage: label };
}

/** Splits off a version, if it is one of AWS's labels or an id: a secret's name may have an at sign, too. */
function splitVersion(name: string): { secret: string; version: WantedVersion } {
  const at = name.lastIndexOf('@');
  const label = name.slice(at + 1);
  if (at > 0 && (/^AWS(CURRENT|PREVIOUS|PENDING)$/.test(label) || uuid.test(label))) {
    return { secret: name.slice(0, at), version: versionOf(label) };
  }
  return { secret: name, version: { stage: 'AWSCURRENT' } };
}

const nameForm = /^[\w/+=.@!-]{1,512}$/;
const arnForm = /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@!-]+$/;

/**
 * @throws MalformedReference
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html#API_CreateSecret_RequestParameters
 */
function requireSecretName(secret: string): void {
  if (secret.startsWith('arn:') ? arnForm.test(secret) : nameForm.test(secret)) return;
  throw new MalformedReference(
    `names the secret ${JSON.stringify(secret)}: a name has letters, digits and /_+=.@- in it, or it is an ARN`,
  );
}

function describe(
  { secret, version }: { secret: string; version: WantedVersion },
  selector: Selector,
  filters: readonly Filter[],
): string {
  const part =
    selector.kind === 'key' ? `#${selector.key}` : selector.kind === 'form' ? `#@${selector.form}` : '';
  const label = 'id' in version ? version.id : version.stage;
  const at = label === 'AWSCURRENT' ? '' : `@${label}`;
  return `${secret}${part}${at}${filters.map(({ name }) => `|${name}`).join('')}`;
}
