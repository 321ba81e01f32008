import type { SecretFields } from '../documents/fields.ts';
import type { Overlap, Rotator } from '../rotator/contract.ts';

/**
 * What the conformance kit and the crash matrix need besides the rotator: a real target with accounts to break.
 * Everything but `rotator` and `account` has a default that fits targets with host, port, username and password.
 */
export interface RotatorHarness {
  readonly rotator: Rotator;
  /** What the accounts of this harness get, where the rotator finds out. Default: what the rotator says. */
  readonly overlap?: Overlap;
  /** Makes an account of its own at the real target, whose credential works now. Called for each test and cell. */
  account(): Promise<TestAccount>;
  /** The fields with a credential that the target refuses. Default: another `password`. */
  refused?(fields: SecretFields): SecretFields;
  /** True for a value that opens nothing: it can be neither refused nor out of reach. */
  readonly opensNothing?: boolean;
  /** The fields as of a target at another address. Default: another `host` and `port`. */
  elsewhere?(fields: SecretFields, address: Address): SecretFields;
  /** What the target's driver throws when the target takes no more work just now. */
  busy?(): Error;
  /** Passwords that the target's own policy takes, as hostile as it allows. Default: {@link hostilePasswords}. */
  readonly passwords?: readonly string[];
  /** How a process of its own makes the same rotator; without it no cell has its process killed. */
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
  /** The admin secret's value; its ARN becomes the secret's `masterarn`, or its tag `keyturn:admin` beside a text. */
  readonly admin?: SecretFields;
  /**
   * A digest of all that decides which credentials the target accepts for this account. Where there is one, a state
   * that was looked at before is not looked at again.
   */
  digest?(): Promise<string>;
  /** For rotators that mint: how many credentials of the account are alive at the target and not among these, which
   * the labelled versions hold. */
  strays?(needed: readonly SecretFields[]): Promise<number>;
  /** Removes it from the target. */
  remove?(): Promise<void>;
}

/** Where something listens, or nothing does. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A module whose default export makes a rotator out of settings: `(settings) => Rotator`. */
export interface RotatorModule {
  readonly url: string;
  /** Anything that JSON can hold. */
  readonly settings?: unknown;
}

/** Passwords that break whatever pastes instead of quoting. They hold what the strictest usual policies ask for. */
export const hostilePasswords: readonly string[] = [
  `It's "quoted" \\ and \\' back 1`,
  `Aa1'; DROP ROLE admin; --`,
  `$$ %s {0} $x \`y\` $1 Aa`,
  `Aa1=;{}[]()<>&|!^*~,.?:@/#+-`,
  'Пароль 密码 🔑 é Aa1',
  `Aa1${'x'.repeat(125)}`,
];
