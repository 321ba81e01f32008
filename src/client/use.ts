import type { CachedSecret } from './cached-secret.ts';
import { type Duration, invalidOption, milliseconds } from './duration.ts';
import type { Tried } from './refusals.ts';
import type { SecretValue } from './value.ts';

/** How a credential is used. */
export interface UseOptions<T = unknown> {
  /** Whether an error of `open` means that the target refuses the credential. */
  readonly isRefused: (error: unknown) => boolean | Promise<boolean>;
  /** For how long after the first refusal to look for another credential. Default: the client's `deadline`. */
  readonly deadline?: Duration;
  /** Ends the wait. It does not end a call of `open`. */
  readonly signal?: AbortSignal;
  /**
   * Whether the result of `open` proves that the target accepted the credential. A pool may hand out a connection of an
   * earlier login. Default: it does.
   */
  readonly proves?: (opened: T) => boolean;
}

/** See Secret.use. */
export async function use<T>(
  secret: CachedSecret,
  open: (value: SecretValue) => T | Promise<T>,
  { isRefused, deadline, signal, proves = () => true }: UseOptions<T>,
): Promise<T> {
  if (typeof open !== 'function' || typeof isRefused !== 'function') {
    throw invalidOption('isRefused', 'is no function', 'Call use(open, { isRefused: (error) => ... }).');
  }
  const { settings, id: secretId } = secret;
  const { emitter } = settings;
  const deadlineMs = deadline === undefined ? settings.deadlineMs : milliseconds(deadline, 'deadline');
  const tried: Tried = new Map();
  let [refusals, firstAt] = [0, 0];
  let value = await (secret.freshValue() ?? secret.load(signal));
  for (;;) {
    signal?.throwIfAborted();
    const { versionId, stage } = value;
    const told = { secretId, versionId, stage };
    const begunAt = performance.now();
    let opened: T;
    try {
      opened = await open(value);
    } catch (error) {
      if (!(await isRefused(error))) throw error;
      const at = performance.now();
      firstAt ||= at;
      refusals += 1;
      emitter.emit({ type: 'refused', ...told });
      const next = await (await secret.loadRefusals()).next(value, tried, {
        at,
        firstAt,
        deadlineMs,
        signal,
      });
      if (next !== undefined) {
        value = next;
        continue;
      }
      emitter.emit({ type: 'refusal-stayed', ...told, durationMs: performance.now() - firstAt, refusals });
      throw error;
    }
    if (proves(opened)) secret.refusals?.accept(value, begunAt);
    if (refusals > 0) {
      emitter.emit({ type: 'bridged', ...told, durationMs: performance.now() - firstAt, refusals });
    }
    return opened;
  }
}
