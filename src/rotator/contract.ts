import type { SecretFields } from '../documents/fields.ts';
import type { ErrorCode } from '../errors.ts';
import type { PasswordPolicy } from '../password.ts';

/*
 * The contract between core and a rotator.
 *
 * "AWSCURRENT's credential" is the one that applications read. "Pending" is the one that replaces it. "Admin" is the
 * credential of the admin secret, if one is named.
 *
 * The usual rotation, in the order in which core calls a rotator that changes credentials. Each step is an invocation
 * of its own:
 *
 * - createSecret: parse, target, generate
 * - setSecret: parse, target, open (a stored credential), change. If that ends the old credential: open (pending),
 *   verify
 * - testSecret: parse, target. If setSecret has not done so: open (pending), verify
 * - finishSecret: parse, target. With `revocation: 'at-once'`: open, endReplaced
 *
 * A rotator that issues credentials has no `generate`, `change` and `endReplaced`. Its createSecret calls `issue`, and
 * its finishSecret calls `revoke` and `revokeOrphans`.
 *
 * Every step may run twice, and two invocations may run the same step at once.
 */

/** What a credential opens. Core compares it between versions before it sends any credential anywhere. */
export interface Target {
  /** A host name, an address or a URL. */
  readonly host: string;
  /** The TCP port. */
  readonly port?: number;
  /** The database, if the credential is for one. */
  readonly database?: string;
  /** Further places to which the credential is sent, such as endpoints of the server that the secret names. */
  readonly endpoints?: readonly string[];
  /** Whose credential it is. Two alternating users have the same: what is common to both names. */
  readonly account: string;
}

/** A credential that the target has accepted: usually an open connection. */
export interface Session {
  /**
   * Ends every socket and timer of the session. Core calls it once, also after a failed call. It must not throw. Core
   * waits up to 3 seconds for it. If it throws or takes longer, the step goes on, and the log has a warning.
   */
  close(): Promise<void>;
}

/** What core hands to every remote call of a rotator. */
export interface RotatorContext {
  /**
   * Fires 400 ms before the Lambda function's time is up, or when its caller ends it early. Pass it to everything that
   * waits. If a call goes on after it, the log has a warning that names the member. Then Lambda ends the process.
   */
  readonly signal: AbortSignal;
  /**
   * Writes a line to the log in the adapter's own words, such as a warning that TLS was not used. Core masks the
   * secret's values in it, except those that are too short or too common. So put in nothing that was sent or answered.
   */
  note(message: string): void;
  /** When the next rotation begins at the latest, in ms since the epoch. Undefined if none is scheduled. */
  readonly nextRotationAtMs?: number | undefined;
}

/** What core hands to {@link ChangingRotator.generate}. */
export interface GenerateContext extends Pick<RotatorContext, 'note'> {
  /**
   * Makes a new password. The function's configuration wins over `wanted`.
   *
   * @throws PasswordImpossible if the policy leaves no password
   */
  password(wanted?: Partial<PasswordPolicy>): string;
}

/** For how long the replaced credential goes on working: not at all, or until the next rotation. */
export type Overlap = 'none' | 'until-next-rotation';

/** What core hands to {@link ChangingRotator.change} and {@link ChangingRotator.endReplaced}. */
export interface ChangeContext<Credential, Opened extends Session = Session> extends RotatorContext {
  /** The credential that opened the session. */
  readonly using: Credential;
  /** AWSCURRENT's credential. The target may refuse it: then core has used another stored one, or the admin. */
  readonly current: Credential;
  /**
   * Set if the admin makes the change: the stored credentials that the target has accepted, and that allow the admin to
   * make it. Empty if only the secret's tag or the admin secret names the account. Absent if the account makes the
   * change itself.
   */
  readonly proven?: readonly Credential[];
  /**
   * Logs the admin in, for a change that the account has no right to make itself, such as one that keeps the old
   * password. Core closes the session. Undefined if no admin secret is named, or if the admin may not change this
   * account. The member is absent if the admin makes the change anyway.
   *
   * @throws AdminServerDiffers, AdminRefused, and the errors of reading the admin secret
   */
  admin?(): Promise<Opened | undefined>;
  /** To be called by a rotator with `overlap: 'found-out'` if `current` goes on working beside pending. */
  overlapping?(): void;
}

/** What core hands to `verify`. */
export interface VerifyContext<Credential> extends RotatorContext {
  /** AWSCURRENT's credential. */
  readonly current: Credential;
}

/** What core hands to a call that may need the admin. */
export interface AdminContext<Credential> extends RotatorContext {
  /**
   * Reads the admin secret. Undefined if none is named.
   *
   * @throws AdminServerDiffers; AccountNotServed (see `accountNamedBy`); and the errors of reading the admin secret
   */
  admin(): Promise<Credential | undefined>;
  /** Stands for the secret in labels at the target: 12 hexadecimal digits, the same in every rotation. Not secret. */
  readonly owner: string;
}

/** What core hands to {@link IssuingRotator.issue}. */
export interface IssueContext<Credential> extends AdminContext<Credential>, GenerateContext {
  /** Identifies the rotation. Label what is issued with `owner`, followed by this. */
  readonly requestToken: string;
  /**
   * The credentials that the secret's versions hold for the same target, newest first; AWSCURRENT's is always among
   * them. It is for targets at which the new credential replaces the old one, so that any version may hold the live
   * one. Core reads each version when it is asked for.
   */
  stored(): AsyncIterable<Credential>;
}

/** What core hands to {@link IssuingRotator.revoke}. */
export interface RevokeContext<Credential> extends AdminContext<Credential> {
  /** AWSCURRENT's credential. */
  readonly current: Credential;
}

/** What core hands to {@link IssuingRotator.revokeOrphans}. */
export interface RevokeOrphansContext<Credential> extends AdminContext<Credential> {
  /** The credentials of all versions that have a label and are for this server. Revoke none of them. */
  readonly needed: readonly Credential[];
}

/** One line of a preflight. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  /** Whether it is in order. */
  readonly ok: boolean;
  /** What was seen, in a person's words. Core masks it. */
  readonly detail: string;
}

/**
 * What a rotator was doing when it threw. The same driver error can mean different things. `compare rights` is
 * `excessRights`, `revoke` is `revoke` or `endReplaced`, and `preflight` is `preflight` or `explainRefusal`.
 */
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
 * When a replaced credential is revoked that goes on working:
 *
 * - `on-next-rotation`: during the next rotation
 * - `at-once`: in the same rotation, after AWSCURRENT has moved
 * - `afterHours`: so many hours after the rotation, when a schedule sends the step `revokePrevious`
 */
export type Revocation = 'on-next-rotation' | 'at-once' | { readonly afterHours: number };

/** What both kinds of rotator have. */
interface AnyRotator<Credential, Opened extends Session> {
  /** The rotator's name in the tag `keyturn:rotator`, in logs and in errors. It must never change. */
  readonly name: string;
  /**
   * Values of the secret's field `engine` that choose this rotator if no tag does. A secret with `masterarn` gets only
   * a rotator whose new credentials are set or issued by the admin; a secret without it gets only another one.
   */
  readonly engines?: readonly string[];
  /**
   * Reads the credential out of the secret's fields. Core calls it for each version before anything else. Pure. Use
   * `requireText` and its like: their errors name the field and never its value. Core freezes the fields, and plain
   * objects and lists of the credential: no member can change them.
   *
   * @throws InvalidSecretField
   */
  parse(fields: SecretFields): Credential;
  /** What the credential opens. Core calls it after `parse`. Pure. */
  target(credential: Credential): Target;
  /**
   * Logs in. Changes nothing at the target. Core calls it for stored credentials, for pending and for the admin, and
   * may hold several sessions at once.
   *
   * @returns undefined *only* if the target definitely refuses the credential
   * @throws network errors, TLS errors and time-outs. Also an error if the target lets anybody in without looking at
   * the credential: such a login would prove nothing
   */
  open(credential: Credential, context: RotatorContext): Promise<Opened | undefined>;
  /**
   * Proves that the pending credential can do its work. `session` was opened with it. Core calls it after each login
   * that proves pending. Read-only. Without this member, the login is proof enough.
   *
   * @throws an error if it can't do its work, such as PrivilegesMissing
   */
  verify?(session: Opened, pending: Credential, context: VerifyContext<Credential>): Promise<void>;
  /**
   * Looks whether a rotation would succeed. Core calls it when somebody asks for a preflight (RotateImmediately=false,
   * or `keyturn attach`). Read-only.
   *
   * @param session opened with `credential`, which is AWSCURRENT's
   * @param admin the admin's session; undefined if no admin secret is named
   */
  preflight?(
    session: Opened,
    credential: Credential,
    admin: Opened | undefined,
    context: RotatorContext,
  ): Promise<Finding[]>;
  /**
   * The code of an error that the rotator has thrown. Core asks for it unless the error is a KeyturnError or the time
   * is up (DeadlineExceeded). Undefined: `TargetFailed`. So is what is no code, with a warning in the log. Core acts on
   * some codes:
   *
   * - TargetUnreachable, TargetBusy, Throttled: core tries a change, or a login that proves a credential, up to three
   *   times in all
   * - PasswordRejected, from `change`: core takes AWSPENDING off, since the target will never accept that value
   * - PermissionDenied, TargetFailed, from `change`: core tries once more, since another invocation may have made the
   *   same change
   */
  classify?(error: unknown, during: Activity): ErrorCode | undefined;
}

/** An open connection for a login that follows a change. */
export interface Prepared<Opened extends Session> {
  /** Logs in on this connection, or on a new one if it was lost. Answers and throws as {@link Rotator} `open` does. */
  open(context: RotatorContext): Promise<Opened | undefined>;
  /** Closes the connection, unless `open` was called. It must not throw. */
  close(): void;
}

/** A rotator that sets a value which is made here, such as a password. createSecret makes it, setSecret sets it. */
export interface ChangingRotator<Credential = unknown, Opened extends Session = Session>
  extends AnyRotator<Credential, Opened> {
  readonly kind: 'changes';
  /** Whether the old credential goes on working. `found-out`: it depends on rights, and each `change` says so. */
  readonly overlap: Overlap | 'found-out';
  /**
   * True if the value opens nothing, such as a signing key, so that no target has to be told of the new one. Core then
   * refuses to replace a field `password`, or a plain text, that reads as written by somebody (MalformedSecret): a
   * connection string, a program's settings, JSON, XML, or a key in PEM. So if `generate` makes such a text, it belongs
   * in another field. Or the secret needs the tag `keyturn:form`.
   */
  readonly opensNothing?: boolean;
  /** The fields of a secret that has no value yet. Its first value is made out of them. Needs `opensNothing`. */
  readonly empty?: SecretFields;
  /** Who makes the change: the account itself, or the admin. */
  readonly changedBy: 'account' | 'admin';
  /**
   * Makes the pending credential. Core calls it in createSecret and in a preflight. Changes nothing at the target.
   *
   * @returns the fields of the secret that change. They are for the same target, and `parse` takes them
   * @throws PasswordImpossible, by `context.password`
   */
  generate(current: Credential, context: GenerateContext): Promise<SecretFields>;
  /**
   * Opens a connection for the login that will prove pending, as far as the protocol allows without the password. Core
   * calls it before `change` if `overlap` is `none` and the cutover is immediate. Applications then wait for fewer
   * round trips. It must not throw: throw from `open` of what it returns. If it throws, the log has a warning, and core
   * opens a connection by `open`.
   */
  prepare?(pending: Credential, context: RotatorContext): Promise<Prepared<Opened>>;
  /**
   * Makes the target accept pending. Core calls it in setSecret, with the session of `using`: the account, or the admin
   * (see `changedBy`). If the target refuses every stored credential, the admin makes the change for either kind. Core
   * may call it again for the same pending: twice has the same effect as once. If it fails, `using` or pending still
   * works.
   *
   * If the target can hold two credentials of an account, pending replaces the oldest. `using` goes on working.
   * `current` does too, if the target accepts it.
   *
   * @throws PasswordRejected if the target will never accept pending, PermissionDenied, AccountMissing, and the
   * target's other errors
   */
  change(session: Opened, pending: Credential, context: ChangeContext<Credential, Opened>): Promise<void>;
  /** When a replaced credential ends that goes on working. Default: `on-next-rotation`, and then `change` ends it. */
  readonly revocation?: Revocation;
  /**
   * Makes the target accept `current` for its account and no other credential. Core calls it when `revocation` says so,
   * with the session of the account or of the admin (see `changedBy`). It is required if `revocation` is not the
   * default. Twice has the same effect as once.
   */
  endReplaced?(
    session: Opened,
    current: Credential,
    context: ChangeContext<Credential, Opened>,
  ): Promise<void>;
  /**
   * Names what the account of `subject` may do at the target and the account of `proven` may not. Core calls it in the
   * admin's session, before the admin changes an account that has not proved itself. If it names anything, core refuses
   * the change (RightsExceeded). Read-only.
   *
   * @param proven undefined if the target has accepted no stored credential. Then name the rights that no application's
   * account has: superuser, administration of roles or logins, bypassing row security, replication, fixed server roles
   * @returns each right in a person's words; empty if there is none, or if the account does not exist yet
   */
  excessRights?(
    admin: Opened,
    subject: Credential,
    proven: Credential | undefined,
    context: RotatorContext,
  ): Promise<readonly string[]>;
  /**
   * Finds out whether something other than the password keeps an account out, if the target's refusal does not tell.
   * Core calls it in the admin's session after the target has refused every stored credential, or AWSCURRENT's in a
   * preflight. Read-only.
   *
   * @param refused AWSCURRENT's credential
   * @throws an error that names the true reason. Nothing if the password may be wrong
   */
  explainRefusal?(admin: Opened, refused: Credential, context: RotatorContext): Promise<void>;
}

/** A rotator that has the target issue a new credential beside the old one, such as a token. createSecret stores it. */
export interface IssuingRotator<Credential = unknown, Opened extends Session = Session>
  extends AnyRotator<Credential, Opened> {
  readonly kind: 'issues';
  /** Whether the old credential goes on working. */
  readonly overlap: Overlap;
  /**
   * Who issues. `admin`: the admin, for the account that the secret names. Core first makes sure that the target
   * accepts a stored credential of it (else NoCredentialAccepted). `account`: anybody else, such as the old token
   * itself.
   */
  readonly issuedBy: 'account' | 'admin';
  /**
   * Who names the account that gets the new credential. Default: `secret`. `admin`: the admin secret does. Then the
   * writer of the secret's value must not choose the admin secret: `admin()` of the context throws AccountNotServed
   * unless the secret's tag, the function's configuration or the admin secret itself confirms the choice.
   */
  readonly accountNamedBy?: 'secret' | 'admin';
  /** When the replaced credential is revoked. Default: `on-next-rotation`. It has no effect without `revoke`. */
  readonly revocation?: Revocation;
  /**
   * The part that identifies the credential at the target, such as a token's value. Two versions with equal identity
   * hold the same credential: core revokes neither while the other is needed. Undefined only if the secret holds no
   * issued credential yet. Default: the whole credential. Pure.
   */
  identity?(credential: Credential): unknown;
  /**
   * Has the target issue a new credential. Core calls it in createSecret, if no earlier try has stored one. The current
   * credential goes on working. Issue a new one on every call. Don't revoke what an earlier call has left behind:
   * another invocation may have stored it. `revokeOrphans` cleans up.
   *
   * @returns the fields of the secret that change
   */
  issue(current: Credential, context: IssueContext<Credential>): Promise<SecretFields>;
  /**
   * Revokes a credential. Core calls it when `revocation` says so, and at the latest in finishSecret of the next
   * rotation. It also calls it for a credential that could not be stored, or whose rotation was given up. A credential
   * that is already gone counts as success.
   */
  revoke?(old: Credential, context: RevokeContext<Credential>): Promise<void>;
  /**
   * Revokes every credential that is labelled with `owner` and is not among `needed`, such as one whose process ended
   * before it was stored. Core calls it in finishSecret, before AWSCURRENT moves. Twice has the same effect as once. With
   * `overlap: 'none'`, core leaves it out if setSecret has moved AWSCURRENT: each new credential has ended the others.
   */
  revokeOrphans?(current: Credential, context: RevokeOrphansContext<Credential>): Promise<void>;
}

/**
 * An adapter for one kind of target. It knows nothing of labels, ARNs, the AWS SDK or the environment.
 *
 * It throws what its driver throws: core wraps that once, as a KeyturnError with the code of `classify`. For an error
 * in its own words it throws an AdapterError or a KeyturnError. Their messages hold nothing that was sent or answered,
 * so core can show them even when it must hold back a driver's message.
 */
export type Rotator<Credential = unknown, Opened extends Session = Session> =
  | ChangingRotator<Credential, Opened>
  | IssuingRotator<Credential, Opened>;
