import type { CachedSecret, CacheSettings } from './cached-secret.ts';
import { explainReadError } from './read-errors.ts';
import type { ReadAnswer } from './source.ts';
import { now, within } from './timing.ts';

type Answers = ReadonlyMap<string, ReadAnswer | Error>;

/** How many secrets one call reads. Each call may take as long as any read. */
const readByOneCall = 20;

/**
 * Reads the secrets that are not in the cache, many in one call if the source can.
 *
 * @throws the error of the first that could not be read, after all others are in the cache
 */
export async function preload(secrets: readonly CachedSecret[], settings: CacheSettings): Promise<void> {
  const missing = secrets.filter((secret) => secret.freshValue() === undefined);
  const reads = missing.map((secret) => ({ secret, order: secret.begin() }));
  const startedAt = now();
  const ids = missing.map(({ id }) => id);
  const answers: Answers = ids.length < 2 ? new Map() : await readMany(ids, settings);
  const outcomes = await Promise.allSettled(
    reads.map(async ({ secret, order }) => {
      const answer = answers.get(secret.id);
      if (answer === undefined) {
        await secret.read();
        return;
      }
      secret.countRead();
      const durationMs = performance.now() - startedAt.monotonic;
      if (answer instanceof Error) throw await secret.failed(answer, 'AWSCURRENT', durationMs);
      const value = await secret.valueOf(answer, 'AWSCURRENT');
      secret.adopt(value, order, startedAt);
      const { secretId, versionId, stage } = value;
      settings.emitter.emit({ type: 'read', secretId, versionId, stage, durationMs });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Reads many secrets in one call. No answers if the source can't or may not: then they are read one by one. */
async function readMany(ids: readonly string[], { source, readTimeoutMs }: CacheSettings): Promise<Answers> {
  if (source.readMany === undefined) return new Map();
  const timeoutMs = readTimeoutMs * Math.ceil(ids.length / readByOneCall);
  const read = async (signal: AbortSignal) => (await source.readMany?.(ids, signal)) ?? new Map();
  try {
    return await within(timeoutMs, read, () => new Error(`no answer within ${timeoutMs} ms`));
  } catch (error) {
    const explained = explainReadError(error, `BatchGetSecretValue of ${ids.length} secrets`);
    // Reading single secrets may still be allowed.
    if (explained.code === 'AccessDenied') return new Map();
    throw explained;
  }
}
