import {
  type ChangingRotator,
  type GenerateContext,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';

/** The field `password`; undefined if it is empty, as in a secret without a value. @throws InvalidSecretField */
export function storedValue(fields: SecretFields): string | undefined {
  return fields.password === '' ? undefined : requireText(fields, 'password');
}

/** The parts of a rotator that differ between kinds of values. */
export interface LocalRotatorParts<Credential> {
  readonly name: string;
  /** The fields of a secret without a value. Default: an empty `password`. */
  readonly empty?: SecretFields;
  parse(fields: SecretFields): Credential;
  generate(current: Credential, context: GenerateContext): Promise<SecretFields>;
  /** Throws if the pending value is not what it should be. */
  prove?(pending: Credential): void;
}

/**
 * A rotator of a value that opens nothing. Everybody who needs the value reads it from the secret. AWSPREVIOUS stays readable, so
 * that old signatures and hashes can be verified. Nothing is revoked. AWSCURRENT is never refused, so that a placeholder is replaced
 * like any other value.
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
