import type { SecretFields } from '../documents/fields.ts';
import type { ErrorCode } from '../errors.ts';
import type { PasswordPolicy } from '../password.ts';

/** What a credential opens. Core compares it between versions, before any credential is sent anywhere. */
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
  /**
   * Says something worth a line in the log, such as a TLS fallback, in the adapter's own words. Secret values are masked,
   * but for those that are too short or too common: put nothing in it that was sent or answered.
   */
  note(message: string): void;
  /** When the next rotation begins at the latest, in ms since the epoch; undefined where none is scheduled. */
  readonly nextRotationAtMs?: number | undefined;
}

export interface GenerateContext extends Pick<RotatorContext, 'note'> {
  /** A new password; what the function's configuration sets wins over what the rotator asks for. */
  password(wanted?: Partial<PasswordPolicy>): string;
}

/** Until when the replaced credential goes on working: not at all, or until the next rotation. */
export type Overlap = 'none' | 'until-next-rotation';

export interface ChangeContext<Credential, Opened extends Session = Session> extends RotatorContext {
  /** The credential that the session was opened with. */
  readonly using: Credential;
  readonly current: Credential;
  /**
   * Where an admin makes the change: the stored credentials that the target has accepted, and on whose word the admin may
   * make it. Empty where somebody else has named the account. Absent: `current`.
   */
  readonly proven?: readonly Credential[];
  /**
   * The admin's session, for a change that the account itself has no right to make, such as one that keeps the old
   * password. Undefined where no admin secret is named, or where the admin may not change this account. Opened when asked
   * for, and closed by core. Absent: there is none.
   */
  admin?(): Promise<Opened | undefined>;
  /** Says that `current` goes on working beside pending; for rotators whose `overlap` is `found-out`. */
  overlapping?(): void;
}

export interface VerifyContext<Credential> extends RotatorContext {
  readonly current: Credential;
}

/** What a call gets that an admin may have to make. */
export interface AdminContext<Credential> extends RotatorContext {
  /** The admin secret's credential, read when it is asked for; undefined where no admin secret is named. */
  admin(): Promise<Credential | undefined>;
  /** Stands for the secret in labels at the target: short, of letters and digits, and not secret. */
  readonly owner: string;
}

export interface IssueContext<Credential> extends AdminContext<Credential>, GenerateContext {
  /** Identifies the rotation: label with it what is issued, after `owner`. */
  readonly requestToken: string;
  /**
   * What the secret's versions hold for the same target, newest first, for targets at which one credential replaces
   * another: the live one may be in a version that was given up. Each is read when it is asked for.
   */
  stored(): AsyncIterable<Credential>;
}

export interface RevokeContext<Credential> extends AdminContext<Credential> {
  /** What AWSCURRENT holds. */
  readonly current: Credential;
}

export interface RevokeOrphansContext<Credential> extends AdminContext<Credential> {
  /** What the secret's labelled versions hold at this server: all that is still needed. */
  readonly needed: readonly Credential[];
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
  | 'issue'
  | 'compare rights'
  | 'change'
  | 'verify'
  | 'preflight'
  | 'revoke'
  | 'revoke orphans';

/**
 * When the credential that was replaced is revoked: at the end of the next rotation, once AWSCURRENT has moved, or so
 * many hours after the rotation.
 */
export type Revocation = 'on-next-rotation' | 'at-once' | { readonly afterHours: number };

/** What both kinds of rotator have. */
interface AnyRotator<Credential, Opened extends Session> {
  /** Stable; chosen by the tag `keyturn:rotator`, logged, and nothing else. */
  readonly name: string;
  /** Values of a secret's `engine` that mean this rotator. */
  readonly engines?: readonly string[];
  /** Pure. Throws an error that names the field and never its value: use the helpers of `fields`. */
  parse(fields: SecretFields): Credential;
  /** Pure. */
  target(credential: Credential): Target;
  /**
   * A session, or undefined for a definite refusal *only*: network, TLS and time-outs throw, and so does a target that lets
   * in without looking at the credential, since that would prove nothing about the account. Changes nothing. The admin's
   * session may be opened while another is.
   */
  open(credential: Credential, context: RotatorContext): Promise<Opened | undefined>;
  /** Read-only proof that pending, whose session it is, can do its work. Default: that it was accepted. */
  verify?(session: Opened, pending: Credential, context: VerifyContext<Credential>): Promise<void>;
  /** Read-only look at whether a rotation would succeed; `admin` where an admin secret is at hand. */
  preflight?(
    session: Opened,
    credential: Credential,
    admin: Opened | undefined,
    context: RotatorContext,
  ): Promise<Finding[]>;
  /** What a thrown driver error means; undefined leaves it at `TargetFailed`. */
  classify?(error: unknown, during: Activity): ErrorCode | undefined;
}

/** A connection for a login that follows a change. */
export interface Prepared<Opened extends Session> {
  /**
   * Logs in on it, or anew where it was lost meanwhile; as `open` otherwise.
   */
  open(context: RotatorContext): Promise<Opened | undefined>;
  /** Leaves no socket, if it was not opened. Never throws. */
  close(): void;
}

/** Sets a new value that is made here, such as a password: createSecret makes it, setSecret sets it. */
export interface ChangingRotator<Credential = unknown, Opened extends Session = Session>
  extends AnyRotator<Credential, Opened> {
  readonly kind: 'changes';
  /** Whether the old credential goes on working. `found-out`: each `change` says so, since it depends on rights. */
  readonly overlap: Overlap | 'found-out';
  /**
   * True where the value opens nothing, so that nobody is told of the new one. Core then refuses to change the password of a
   * connection string, which would no longer open its server.
   */
  readonly opensNothing?: boolean;
  /** Beside `opensNothing`: what a secret says that has no value yet, so that its first one can be made out of it. */
  readonly empty?: SecretFields;
  /** Who carries a change out: the account itself, or the admin of the admin secret. */
  readonly changedBy: 'account' | 'admin';
  /** The fields that make the pending credential out of the current one. Without effect at the target. */
  generate(current: Credential, context: GenerateContext): Promise<SecretFields>;
  /**
   * Opens a connection for the login that proves pending, as far as the protocol allows without the password. Core asks
   * for it before the change where that ends the current credential, so that readers wait for fewer round trips. Never
   * throws: what goes wrong here shows again in `open`.
   */
  prepare?(pending: Credential, context: RotatorContext): Promise<Prepared<Opened>>;
  /**
   * Afterwards pending is accepted. Twice equals once. When it fails, pending or `using` still works. Where the target holds
   * two credentials of the account, those that the change replaces are the older ones: `using`, and `current` if the target
   * accepts it, go on working beside pending.
   */
  change(session: Opened, pending: Credential, context: ChangeContext<Credential, Opened>): Promise<void>;
  /** When a replaced credential ends that goes on working beside the new one. Default: `on-next-rotation`, by its change. */
  readonly revocation?: Revocation;
  /**
   * Afterwards the target accepts `current` for its account, and no other credential. Idempotent. Needed for each other
   * `revocation` than the default. `session` is that of whoever makes the changes.
   */
  endReplaced?(
    session: Opened,
    current: Credential,
    context: ChangeContext<Credential, Opened>,
  ): Promise<void>;
  /**
   * What the account of `subject` may do at the target and the account of `proven` may not, each in a person's words.
   * Empty where that is nothing, or where the account does not exist yet. Core asks this in the admin's session, before
   * the admin changes an account that has not proved itself, and refuses the change when anything is named. Without
   * `proven`, no stored credential was accepted: then name what no application's account has (superuser, administration
   * of roles or logins, bypassing row security, replication, fixed server roles). Read-only.
   */
  excessRights?(
    admin: Opened,
    subject: Credential,
    proven: Credential | undefined,
    context: RotatorContext,
  ): Promise<readonly string[]>;
  /**
   * Finds out whether something other than the password keeps an account out, where the target's refusal does not tell.
   * Core asks this in the admin's session, after the target has refused every stored credential. Read-only.
   *
   * @throws a typed error that names the true reason; nothing if the password may be wrong
   */
  explainRefusal?(admin: Opened, refused: Credential, context: RotatorContext): Promise<void>;
}

/** Has the target issue a new credential beside the old one, such as a token: createSecret issues and stores it. */
export interface IssuingRotator<Credential = unknown, Opened extends Session = Session>
  extends AnyRotator<Credential, Opened> {
  readonly kind: 'issues';
  readonly overlap: Overlap;
  /**
   * `admin`: the admin issues credentials for the account that the secret names. Core then has a stored credential accepted
   * first. `account`: whoever else issues, such as the old token itself.
   */
  readonly issuedBy: 'account' | 'admin';
  /**
   * `admin`: what is issued is for the account that the admin secret names, and not for the account of the secret's own
   * credential. Core then lets an admin secret serve only secrets for which somebody other than the writer of their value
   * has chosen it. Default: `secret`.
   */
  readonly accountNamedBy?: 'secret' | 'admin';
  /** Default: `on-next-rotation`. Means something where there is `revoke`. */
  readonly revocation?: Revocation;
  /**
   * Pure. The part that identifies the credential at the target (for a token, its value). Two versions with equal identity
   * hold the same credential, so neither is revoked while the other is needed. Default: the whole credential.
   */
  identity?(credential: Credential): unknown;
  /**
   * Has a new credential issued; the fields of the secret that it changes. The current one goes on working. Issue a new
   * one on every call, and do not revoke what an earlier call has left behind: another invocation may have stored it.
   * `revokeOrphans` cleans up.
   */
  issue(current: Credential, context: IssueContext<Credential>): Promise<SecretFields>;
  /** Idempotent: already gone is success. */
  revoke?(old: Credential, context: RevokeContext<Credential>): Promise<void>;
  /**
   * Revokes what is labelled with `owner` and is not among the needed, such as what was issued by a process that ended
   * before it could store it. Idempotent.
   */
  revokeOrphans?(current: Credential, context: RevokeOrphansContext<Credential>): Promise<void>;
}

/**
 * An adapter for one kind of target. It knows nothing of labels, ARNs, the SDK or the environment; it throws
 * whatever its driver throws, and core wraps it once. What it words itself it throws as an AdapterError or a KeyturnError,
 * with nothing in it that was sent or answered: that is told also where a driver's words can not be.
 */
export type Rotator<Credential = unknown, Opened extends Session = Session> =
  | ChangingRotator<Credential, Opened>
  | IssuingRotator<Credential, Opened>;
