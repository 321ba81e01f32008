import type { CachedSecret } from './cached-secret.ts';
import { type Duration, invalidOption, milliseconds } from './duration.ts';
import type { Tried } from './refusals.ts';
import type { SecretValue } from './value.ts';

/** How a credential is used. */
export interface UseOptions<T = unknown> {
  /** Whether what `open` has thrown means that the target refuses the credential, and not that anything else failed. */
  readonly isRefused: (error: unknown) => boolean | Promise<boolean>;
  /** For how long, from the first refusal on, another credential is looked for; the client's `deadline` if absent. */
  readonly deadline?: Duration;
  /** Ends the waiting; `open` itself is the application's to end. */
  readonly signal?: AbortSignal;
  /**
   * Whether what `open` has returned proves that the credential was let in: a pool may hand out a connection of an
   * earlier login. If absent, it does.
   */
  readonly proves?: (opened: T) => boolean;
}

/** Opens something with the credential, and does so again with another one where it was refused. */
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
  let value = await (secret.young() ?? secret.load(signal));
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
