import type { SecretFields } from './documents/fields.ts';
import type { ErrorCode } from './errors.ts';
import type { PasswordPolicy } from './password.ts';

/** What a credential opens. Core compares it between versions, before any password is sent anywhere. */
export interface Target {
  readonly host: string;
  readonly port?: number;
  readonly database?: string;
  /** Further places to which the credential is sent, such as a server's endpoints that the secret names. */
  readonly endpoints?: readonly string[];
  /** Whose credential it is; for alternating users what the pair has in common. */
  readonly account: string;
}

/** A credential that was accepted: an open connection, or whatever an adapter works through. */
export interface Session {
  /** Never throws; leaves no socket and no timer. */
  close(): Promise<void>;
}

/** What every remote call of a rotator gets. */
export interface RotatorContext {
  /** Fires just before the Lambda function's time is up. Honour it in everything that waits. */
  readonly signal: AbortSignal;
  /** Says something worth a line in the log, such as a TLS fallback. Secret values are masked. */
  note(message: string): void;
  /** When the next rotation begins at the latest, in ms since the epoch; undefined where none is scheduled. */
  readonly nextRotationAtMs?: number | undefined;
}

/** Who may do at the target what the account itself may not. */
export interface AdminContext<Credential> extends RotatorContext {
  /** The admin secret's credential, read when it is asked for; undefined where no admin secret is named. */
  admin(): Promise<Credential | undefined>;
}

export interface GenerateContext<Credential = unknown> extends AdminContext<Credential> {
  /** Identifies the rotation: label with it whatever is minted remotely, after `owner`. */
  readonly requestToken: string;
  /** Stands for the secret in labels at the target: short, of letters and digits, and not secret. */
  readonly owner: string;
  /**
   * What the secret's versions hold for the same target, newest first, for targets at which one credential replaces
   * another: the live one may be in a version that was given up. Each is read when it is asked for.
   */
  stored(): AsyncIterable<Credential>;
  /** A new password; what the function's configuration sets wins over what the rotator asks for. */
  password(wanted?: Partial<PasswordPolicy>): string;
}

export interface ChangeContext<Credential> extends RotatorContext {
  /** The credential that the session was opened with. */
  readonly using: Credential;
  readonly current: Credential;
}

export interface RevokeContext<Credential> extends AdminContext<Credential> {
  /** As in `generate`. */
  readonly owner: string;
  /** What AWSCURRENT holds. */
  readonly current: Credential;
}

export interface SweepContext<Credential> extends AdminContext<Credential> {
  /** As in `generate`. */
  readonly owner: string;
  /** What the secret's labelled versions hold: all that is still needed. */
  readonly needed: readonly Credential[];
}

export interface VerifyContext<Credential> extends RotatorContext {
  readonly current: Credential;
}

/** One line of a preflight: what was looked at, whether it is in order, and what was seen. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** The moment at which a rotator threw; the same driver error can mean different things in them. */
export type Activity =
  | 'open'
  | 'generate'
  | 'rights'
  | 'change'
  | 'verify'
  | 'preflight'
  | 'revoke'
  | 'sweep';

/**
 * When the credential that was replaced is revoked: at the end of the next rotation, once AWSCURRENT has moved, or so
 * many hours after the rotation.
 */
export type Revocation = 'on-next-rotation' | 'at-once' | { readonly afterHours: number };

/**
 * An adapter for one kind of target. It knows nothing of labels, ARNs, the SDK or the environment; it throws
 * whatever its driver throws, and core wraps it once.
 */
export interface Rotator<Credential = unknown, Opened extends Session = Session> {
  /** Stable; chosen by the tag `keyturn:rotator`, logged, and nothing else. */
  readonly name: string;
  /** Values of a secret's `engine` that mean this rotator. */
  readonly engines?: readonly string[];
  /** `none`: a change ends the old credential at once. `until-next-rotation`: the old one goes on working. */
  readonly overlap: 'none' | 'until-next-rotation';
  /** Who carries a change out: the account itself, or the admin of the admin secret. */
  readonly changedBy: 'account' | 'admin';
  /**
   * True where `generate` makes the credential at the target, which then accepts it, so that `change` has nothing to
   * do. Core looks first whether it was made already, and revokes what it can't store.
   */
  readonly mints?: boolean;
  /**
   * `admin`: what `generate` makes is for the account that the admin secret names, and not for the account of the
   * secret's own credential. Core then lets an admin secret serve only secrets for which somebody other than the writer of
   * their value has chosen it. Default: `secret`.
   */
  readonly accountNamedBy?: 'secret' | 'admin';
  /** Default: `on-next-rotation`. Means something where there is `revoke`. */
  readonly revocation?: Revocation;

  /** Pure. Throws an error that names the field and never its value: use the helpers of `fields`. */
  parse(fields: SecretFields): Credential;
  /** Pure. */
  target(credential: Credential): Target;
  /**
   * Pure. What makes a credential the one that it is at the target, such as a token's value: what is needed is not revoked
   * for what only the secret says of it. Default: all of the credential.
   */
  identity?(credential: Credential): unknown;
  /**
   * The fields that make the pending credential out of the current one, which goes on working. A rotator that mints
   * mints anew at each call: what an earlier one has left behind may be stored by now, so it is the sweep's.
   */
  generate(current: Credential, context: GenerateContext<Credential>): Promise<SecretFields>;
  /**
   * A session, or undefined for a definite refusal *only*: network, TLS and time-outs throw. Changes nothing. The admin's
   * session may be opened while another is.
   */
  open(credential: Credential, context: RotatorContext): Promise<Opened | undefined>;
  /** Afterwards pending is accepted. Twice equals once. When it fails, pending or `using` still works. */
  change(session: Opened, pending: Credential, context: ChangeContext<Credential>): Promise<void>;
  /** Read-only proof that pending, whose session it is, can do its work. Default: that it was accepted. */
  verify?(session: Opened, pending: Credential, context: VerifyContext<Credential>): Promise<void>;
  /** Read-only look at whether a rotation would succeed; `admin` where an admin secret is at hand. */
  preflight?(
    session: Opened,
    credential: Credential,
    admin: Opened | undefined,
    context: RotatorContext,
  ): Promise<Finding[]>;
  /**
   * For rotators whose changes an admin can make: what the account of `subject` may do at the target and the account of
   * `proven` may not, each in a person's words. Empty where that is nothing, or where the account does not exist yet.
   * Core asks this in the admin's session, before the admin changes an account that has not proved itself, and refuses
   * the change when anything is named. Without `proven`, no stored credential was accepted: then name what no
   * application's account has (superuser, administration of roles or logins, bypassing row security, replication,
   * fixed server roles). Read-only.
   */
  excessRights?(
    admin: Opened,
    subject: Credential,
    proven: Credential | undefined,
    context: RotatorContext,
  ): Promise<readonly string[]>;
  /** Idempotent: already gone is success. */
  revoke?(old: Credential, context: RevokeContext<Credential>): Promise<void>;
  /**
   * For rotators that mint: revokes what is labelled with `owner` and is not among the needed, such as what was minted
   * by a process that ended before it could store it. Idempotent.
   */
  sweep?(current: Credential, context: SweepContext<Credential>): Promise<void>;
  /** What a thrown driver error means; undefined leaves it at `TargetFailed`. */
  classify?(error: unknown, during: Activity): ErrorCode | undefined;
}
