/** What can befall one remote call. */
export const faults = [
  /** The function's process ends before the call is made. */
  'crash-before',
  /** It ends after the call was carried out, before it hears the answer. */
  'crash-after',
  /** The call is carried out, and the connection breaks before the answer arrives. */
  'lost-answer',
  /** The call is carried out, and no answer ever arrives: the function's time runs out. */
  'time-out',
  /** The other side has too much to do, once. */
  'throttled',
  /** A read of Secrets Manager is answered with the state before its last write, once. */
  'stale-read',
  /** The other side refuses the call, once. */
  'refused',
] as const;

export type Fault = (typeof faults)[number];

/** One remote call that a function makes. */
export interface RemoteCall {
  /** Its number in the function's process. */
  readonly id: number;
  /** The call of which it is a part, where a rotator's member makes calls of its own. */
  readonly within: number | undefined;
  readonly to: 'Secrets Manager' | 'target';
  /** The operation, such as `GetSecretValue`, or the session's method. */
  readonly name: string;
  /** What a read of Secrets Manager asks for. */
  readonly asked?: AskedVersion | undefined;
}

/** Which secret, and which version of it, a read of Secrets Manager is about. */
export interface AskedVersion {
  readonly secretId: string | undefined;
  readonly versionId: string | undefined;
  readonly stage: string | undefined;
}

/** What Secrets Manager answers to a read that lags: an output, or an error by name and message. */
export type StaleAnswer =
  | { readonly output: object }
  | { readonly error: { readonly name: string; readonly message: string } };

/** What is to happen to a call. */
export interface Verdict {
  readonly fault: Exclude<Fault, 'crash-before'>;
  readonly stale?: StaleAnswer | undefined;
}

/** What every remote call of a function under test passes, before it is made and when it was carried out. */
export interface Checkpoint {
  /** Never goes on in a process that is to end. */
  before(call: RemoteCall): Promise<Verdict | undefined>;
  after(call: RemoteCall): Promise<void>;
}

/** Thrown at whatever a process does that should be dead. */
export class Crash extends Error {
  override readonly name = 'Crash';
  constructor() {
    super('The process has ended.');
  }
}

/** The error of a connection that broke, as Node.js has it. */
export function brokenConnection(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
