import { type Changed, changeCredential } from '../change.ts';
import { promote, requireUnchanged } from '../promote.ts';
import { provePending } from '../proof.ts';
import type { StepFunction } from '../run.ts';
import { beginRotation, isIssuing, loadPending } from '../versions.ts';

/**
 * Sets the pending credential at the target. Where that ends the current one, AWSCURRENT moves at once (immediate
 * cutover), so that readers of the secret wait for one login and one call and not for two more invocations.
 */
export const setSecret: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  const pending = await loadPending(rotation);
  await requireUnchanged(rotation, pending);
  // What the target has issued it accepts already.
  const changed: Changed = isIssuing(rotation) ? { made: false } : await changeCredential(rotation, pending);
  const prepared = changed.made ? changed.prepared : undefined;
  try {
    if (rotation.guarded.rotator.overlap !== 'none' || !run.configuration.immediateCutover) {
      return { outcome: changed.made ? 'changed' : 'found-changed' };
    }
    await provePending(rotation, pending, prepared);
    await promote(rotation, pending);
    if (!changed.made) return { outcome: 'found-changed-and-current' };
    return { outcome: 'changed-and-current', gapMs: performance.now() - changed.sinceMs };
  } finally {
    prepared?.close();
  }
};
