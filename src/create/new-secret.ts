/** A secret to be stored. */
export interface NewSecret {
  readonly name: string;
  readonly value: string;
  readonly description: string | undefined;
  /** Undefined: the AWS managed key aws/secretsmanager. */
  readonly kmsKeyId: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  /** JSON; undefined: none. */
  readonly resourcePolicy: string | undefined;
  readonly replicas: readonly { readonly region: string; readonly kmsKeyId: string | undefined }[];
  readonly rotation: NewRotation | undefined;
}

/** How a new secret is to be rotated. */
export interface NewRotation {
  readonly functionArn: string;
  readonly schedule: NewSchedule;
  /** Whether the first rotation begins at once. */
  readonly immediately: boolean;
}

/** When a new secret is to be rotated. */
export interface NewSchedule {
  /** `rate()` or `cron()`. */
  readonly expression: string;
  /** The length of the window, such as `2h`; undefined: AWS's default. */
  readonly duration: string | undefined;
  /** The same in words, for people. */
  readonly words: string;
}

/** Why a name can't be a secret's; undefined if it can. @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'a secret must have a name';
  if (!/^[\w/+=.@-]+$/.test(name)) return 'a name has only letters, digits and /_+=.@- in it';
  if (name.length > 512) return 'a name has at most 512 characters';
  return undefined;
}

/** What AWS advises against in a name; undefined if nothing. */
export function nameNote(name: string): string | undefined {
  if (!/-[A-Za-z0-9]{6}$/.test(name)) return undefined;
  return 'The name ends in a hyphen and six characters, as ARNs do: name it by its whole ARN in policies.';
}
