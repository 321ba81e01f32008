import { randomUUID } from 'node:crypto';
import { withoutDeprecated } from '../clean-up.ts';
import type { Clock } from '../clock.ts';
import { removeForGood } from '../deletion.ts';
import { reportFault } from '../errors.ts';
import { rotationDueAt, type Secret } from '../model.ts';
import type { State, UnitOfWork } from '../state.ts';
import { beginRotation } from './begin.ts';
import type { RotationControl } from './control.ts';

const AFTER_FAULT_MS = 60_000;

/** Does what falls due: scheduled rotations, and the end of secrets that were marked for deletion. */
export interface Scheduler {
  /** Looks up what is due first, and sets the one timer to it. */
  plan(): void;
  close(): void;
}

export function createScheduler(state: State, clock: Clock, rotations: RotationControl): Scheduler {
  let cancel = () => {};
  let closed = false;
  const plan = (): void => {
    cancel();
    const next = closed ? undefined : state.transact(({ store }) => store.nextDue());
    if (next) cancel = clock.schedule(next.at, () => doNext(next.arn));
  };
  const doNext = (arn: string): void => {
    try {
      state.transact((unit) => doDue(unit, arn, rotations));
      plan();
    } catch (error) {
      // A full disk, say. The secret is due still; trying again at once would only spin.
      reportFault(error);
      cancel = clock.schedule(clock.now() + AFTER_FAULT_MS, plan);
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

/** One secret's business takes it out of the index of what is due, or moves it to a later time there. */
function doDue(unit: UnitOfWork, arn: string, rotations: RotationControl): void {
  const secret = unit.store.secretByArn(arn);
  if (!secret || unit.store.nextDue()?.arn !== arn) return;
  if (secret.deletion) removeForGood(unit, secret);
  else if (rotationDueAt(secret) === unit.store.nextDue()?.at) rotateOnSchedule(unit, secret, rotations);
  else unit.save(withoutDeprecated(unit, secret), secret);
}

function rotateOnSchedule(unit: UnitOfWork, secret: Secret, rotations: RotationControl): void {
  if (!secret.rotation) return;
  unit.save(beginRotation(unit, secret, secret.rotation, randomUUID()), secret);
  unit.afterCommit(() => rotations.start(secret.arn, 'schedule'));
}
