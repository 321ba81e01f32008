/** The faults of a remote call. */
export const faults = [
  /** The function's process ends before the call is made. */
  'crash-before',
  /** The function's process ends after the call was carried out, and before the answer arrives. */
  'crash-after',
  /** The call is carried out, and the connection breaks before the answer arrives. */
  'lost-answer',
  /** The call is carried out, and no answer ever arrives: the function's time runs out. */
  'time-out',
  /** The other side is too busy, once. */
  'throttled',
  /** A read of Secrets Manager is answered with the state before its last write, once. */
  'stale-read',
  /** The other side refuses the call, once. */
  'refused',
] as const;

/** One of {@link faults}. */
export type Fault = (typeof faults)[number];

/** One remote call that a function makes. */
export interface RemoteCall {
  /** Its number in the function's process. */
  readonly id: number;
  /** The call that contains it: a rotator's member may make several calls. */
  readonly within: number | undefined;
  readonly to: 'Secrets Manager' | 'target';
  /** The operation, such as `GetSecretValue`, or the session's method. */
  readonly name: string;
  /** What a read of Secrets Manager asks for. Undefined for other calls. */
  readonly asked?: AskedVersion | undefined;
}

/** The secret and the version that a read of Secrets Manager asks for. */
export interface AskedVersion {
  readonly secretId: string | undefined;
  readonly versionId: string | undefined;
  readonly stage: string | undefined;
}

/** The outdated answer of a stale read: an output, or the name and message of an error. */
export type StaleAnswer =
  | { readonly output: object }
  | { readonly error: { readonly name: string; readonly message: string } };

/** The fault that a call meets. */
export interface InjectedFault {
  readonly fault: Exclude<Fault, 'crash-before'>;
  readonly stale?: StaleAnswer | undefined;
}

/** Every remote call of a function under test passes it, before and after the call. */
export interface Checkpoint {
  /** Decides which fault the call meets. Undefined: none. @throws Crash if the process is to end */
  before(call: RemoteCall): Promise<InjectedFault | undefined>;
  after(call: RemoteCall): Promise<void>;
}

/** Thrown at every call of a process that counts as dead. */
export class Crash extends Error {
  override readonly name = 'Crash';
  constructor() {
    super('The process has ended.');
  }
}

/** Node.js's error for a broken connection. */
export function brokenConnection(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
