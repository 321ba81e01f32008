import { type Changed, changeCredential } from '../change.ts';
import { promote, requireUnchanged } from '../promote.ts';
import { provePending } from '../proof.ts';
import type { StepFunction } from '../run.ts';
import { beginRotation, isIssuing, loadPending, type Rotation } from '../versions.ts';

/**
 * Whether AWSCURRENT's credential still works. If an earlier try made the change, the target has just refused it, unless the
 * rotator always keeps the old credential.
 */
function oldCredentialWorks({ guarded: { rotator } }: Rotation, changed: Changed): boolean {
  return changed.made ? changed.overlapping : rotator.overlap === 'until-next-rotation';
}

/**
 * Sets the pending credential at the target. If that ends the current one, AWSCURRENT moves at once (immediate cutover):
 * readers of the secret then wait for one login and one call, instead of two more invocations.
 */
export const setSecret: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  const pending = await loadPending(rotation);
  await requireUnchanged(rotation, pending);
  // The target already accepts a credential that it has issued.
  const changed: Changed = isIssuing(rotation) ? { made: false } : await changeCredential(rotation, pending);
  const prepared = changed.made ? changed.prepared : undefined;
  try {
    if (oldCredentialWorks(rotation, changed) || !run.configuration.immediateCutover) {
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
