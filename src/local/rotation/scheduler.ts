import { randomUUID } from 'node:crypto';
import { withoutDeprecated } from '../clean-up.ts';
import type { Clock } from '../clock.ts';
import { removeForGood } from '../deletion.ts';
import { reportFault } from '../errors.ts';
import { rotationDueAt, type Secret } from '../model.ts';
import type { State } from '../state.ts';
import type { Due } from '../store/store.ts';
import type { UnitOfWork } from '../unit-of-work.ts';
import { beginRotation } from './begin.ts';
import type { RotationControl } from './control.ts';

const afterFaultMs = 60_000;
const mostAtOnce = 100;

/** Starts scheduled rotations, and removes secrets that were marked for deletion. */
export interface Scheduler {
  /** Sets the one timer to the secret that is due first. */
  plan(): void;
  close(): void;
}

export function createScheduler(state: State, clock: Clock, rotations: RotationControl): Scheduler {
  let cancel = () => {};
  let closed = false;
  const plan = (): void => {
    cancel();
    const next = closed ? undefined : state.read((store) => store.nextDue());
    if (next) cancel = clock.schedule(next.at, doDue);
  };
  const doDue = async (): Promise<void> => {
    try {
      await Promise.all(beginDue(state, clock, rotations));
      plan();
    } catch (error) {
      // A full disk, for example. The secret is still due, but an immediate retry would only spin.
      reportFault(error);
      cancel = clock.schedule(clock.now() + afterFaultMs, plan);
    }
  };
  return {
    plan,
    close() {
      closed = true;
      cancel();
    },
  };
}

/**
 * Handles secrets that are due, each in its own transaction. The transaction also sets when the secret is due next. At most
 * {@link mostAtOnce} are handled before requests get their turn.
 */
function beginDue(state: State, clock: Clock, rotations: RotationControl): Promise<void>[] {
  const begun = new Map<string, Promise<void>>();
  while (begun.size < mostAtOnce) {
    const next = state.read((store) => store.nextDue());
    // If it is still due, its transaction has failed.
    if (!next || next.at > clock.now() || begun.has(next.arn)) break;
    begun.set(
      next.arn,
      state.transact((unit) => doBusiness(unit, next, rotations)),
    );
  }
  return [...begun.values()];
}

function doBusiness(unit: UnitOfWork, due: Due, rotations: RotationControl): void {
  const secret = unit.store.secretByArn(due.arn);
  if (!secret) return;
  if (secret.deletion) removeForGood(unit, secret);
  else if (rotationDueAt(secret) === due.at) rotateOnSchedule(unit, secret, rotations);
  else unit.save(withoutDeprecated(unit, secret), secret);
}

function rotateOnSchedule(unit: UnitOfWork, secret: Secret, rotations: RotationControl): void {
  if (!secret.rotation) return;
  unit.save(beginRotation(unit, secret, secret.rotation, randomUUID()), secret);
  unit.afterCommit(() => rotations.start(secret.arn, 'schedule'));
}
