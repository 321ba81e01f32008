import type { SecretFields } from '../documents/fields.ts';
import type { Overlap, Rotator } from '../rotator/contract.ts';

/**
 * A rotator with a real target, for the conformance tests and the crash matrix. Everything but `rotator` and `account` is
 * optional. The defaults fit targets with host, port, username and password.
 */
export interface RotatorHarness {
  /** The rotator under test. */
  readonly rotator: Rotator;
  /**
   * Whether old credentials of this harness's accounts still work after a change. Default: what the rotator says, and `none` if
   * it says `found-out`.
   */
  readonly overlap?: Overlap;
  /** Makes a new account at the real target, with a credential that works. Called for each test and cell. */
  account(): Promise<TestAccount>;
  /** Changes fields to a credential that the target refuses. Default: another `password`. */
  refused?(fields: SecretFields): SecretFields;
  /** True if the value opens nothing. Then tests of refused logins and unreachable targets are skipped. */
  readonly opensNothing?: boolean;
  /** Changes fields to a target at another address. Default: another `host` and `port`. */
  elsewhere?(fields: SecretFields, address: Address): SecretFields;
  /** The driver's error if the target is too busy. */
  busy?(): Error;
  /** Hostile passwords that the target's policy allows. Default: {@link hostilePasswords}. */
  readonly passwords?: readonly string[];
  /** The module that makes the same rotator in another process. Without it, cells that kill the process are not run. */
  readonly module?: RotatorModule;
}

/** Whether AWSCURRENT goes on working while an account of the harness is rotated. */
export function overlapOf({
  rotator,
  overlap = rotator.overlap === 'found-out' ? 'none' : rotator.overlap,
}: RotatorHarness): Overlap {
  return overlap;
}

/** An account at the target, made for one test. */
export interface TestAccount {
  /** The secret's value: a text is stored as it is, fields as JSON. */
  readonly secret: string | SecretFields;
  /** Tags of the secret, such as `keyturn:rotator`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The admin secret's value. Its ARN is put into the secret's `masterarn`, or into the tag `keyturn:admin` if the value is a text. */
  readonly admin?: SecretFields;
  /**
   * A digest of everything that decides which credentials the target accepts for this account. With it, the matrix logs in only
   * once for each state.
   */
  digest?(): Promise<string>;
  /**
   * For rotators that issue credentials: how many of the account's credentials work at the target and are in no labelled version.
   *
   * @param needed the fields of the labelled versions
   */
  countOrphans?(needed: readonly SecretFields[]): Promise<number>;
  /** Removes the account from the target. */
  remove?(): Promise<void>;
}

/** An address. A server may listen there or not. */
export interface Address {
  /** A name or an IP address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
}

/** A module whose default export makes a rotator: `(settings) => Rotator`. */
export interface RotatorModule {
  /** The URL for `import()`, such as a file URL. */
  readonly url: string;
  /** The argument of the default export: anything that JSON can hold. */
  readonly settings?: unknown;
}

/** Passwords that break code which pastes instead of quoting. They satisfy the strictest usual policies. */
export const hostilePasswords: readonly string[] = [
  `It's "quoted" \\ and \\' back 1`,
  `Aa1'; DROP ROLE admin; --`,
  `$$ %s {0} $x \`y\` $1 Aa`,
  `Aa1=;{}[]()<>&|!^*~,.?:@/#+-`,
  'Пароль 密码 🔑 é Aa1',
  `Aa1${'x'.repeat(125)}`,
];
