import type { SecretFields } from '../documents/fields.ts';
import type { Overlap, Rotator } from '../rotator/contract.ts';

/**
 * A rotator with a real target, for the conformance kit and the crash matrix. Everything but `rotator` and `account` has a
 * default, which fits targets with host, port, username and password.
 */
export interface RotatorHarness {
  readonly rotator: Rotator;
  /** What the accounts of this harness get, where the rotator finds out. Default: what the rotator says. */
  readonly overlap?: Overlap;
  /** Makes an account of its own at the real target, whose credential works now. Called for each test and cell. */
  account(): Promise<TestAccount>;
  /** Changes fields to a credential that the target refuses. Default: another `password`. */
  refused?(fields: SecretFields): SecretFields;
  /** True if the value opens nothing. Then it can't be refused, and no target can be out of reach. */
  readonly opensNothing?: boolean;
  /** Changes fields to a target at another address. Default: another `host` and `port`. */
  elsewhere?(fields: SecretFields, address: Address): SecretFields;
  /** The driver's error if the target is too busy. */
  busy?(): Error;
  /** Hostile passwords that the target's policy allows. Default: {@link hostilePasswords}. */
  readonly passwords?: readonly string[];
  /** The module that makes the same rotator in another process. Without it, no cell kills its process. */
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
  /** Its secret's value: a text as it is, fields as JSON. */
  readonly secret: string | SecretFields;
  /** Tags of the secret, such as `keyturn:rotator`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The admin secret's value. Its ARN becomes the secret's `masterarn`; for a text, its tag `keyturn:admin`. */
  readonly admin?: SecretFields;
  /**
   * A digest of everything that decides which credentials the target accepts for this account. With it, a state is checked
   * only once.
   */
  digest?(): Promise<string>;
  /**
   * For rotators that issue credentials: how many of the account's credentials work at the target and are not among these,
   * which the labelled versions hold.
   */
  countOrphans?(needed: readonly SecretFields[]): Promise<number>;
  /** Removes the account from the target. */
  remove?(): Promise<void>;
}

/** An address, at which a server may listen or not. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A module whose default export makes a rotator: `(settings) => Rotator`. */
export interface RotatorModule {
  readonly url: string;
  /** Anything that JSON can hold. */
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
