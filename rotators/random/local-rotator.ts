import {
  type ChangingRotator,
  type GenerateContext,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';

/** The field `password`; undefined where it is empty, as in a secret that has no value yet. @throws InvalidSecretField */
export function storedValue(fields: SecretFields): string | undefined {
  return fields.password === '' ? undefined : requireText(fields, 'password');
}

/** What is particular to one kind of value. */
export interface LocalRotatorParts<Credential> {
  readonly name: string;
  /** What a secret says that has no value yet. Default: an empty `password`. */
  readonly empty?: SecretFields;
  parse(fields: SecretFields): Credential;
  generate(current: Credential, context: GenerateContext): Promise<SecretFields>;
  /** Throws where the pending value is not what it should be. */
  prove?(pending: Credential): void;
}

/**
 * A rotator of a value that opens nothing: whoever knows it reads it from the secret. AWSPREVIOUS stays readable, for
 * what was signed or hashed with it, and there is nothing to revoke. AWSCURRENT is never refused, whatever it is, so
 * that a placeholder is rotated away like any other value.
 */
export function localRotator<Credential>({
  name,
  empty = { password: '' },
  parse,
  generate,
  prove,
}: LocalRotatorParts<Credential>): ChangingRotator<Credential> {
  return {
    kind: 'changes',
    name,
    opensNothing: true,
    empty,
    overlap: 'until-next-rotation',
    changedBy: 'account',
    parse,
    target: () => ({ host: 'the secret itself', account: name }),
    generate,
    open: async (_credential, { signal }) => {
      signal.throwIfAborted();
      return { close: async () => undefined };
    },
    change: async () => undefined,
    ...(prove === undefined ? {} : { verify: async (_session, pending) => prove(pending) }),
  };
}
