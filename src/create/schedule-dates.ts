import { parseSchedule } from '../local/rotation/schedule.ts';
import type { NewSchedule } from './new-secret.ts';

/**
 * The next dates at which a schedule's window opens. A `rate()` counts from the last rotation. Its dates are those of a
 * secret that is rotated at `fromMs`.
 *
 * @param fromMs milliseconds since the epoch
 * @param count how many dates
 * @throws ServiceError if the expression is invalid
 */
export function nextDates(
  { expression, duration }: Pick<NewSchedule, 'expression' | 'duration'>,
  fromMs: number,
  count: number,
): Date[] {
  const rules = { ScheduleExpression: expression, ...(duration === undefined ? {} : { Duration: duration }) };
  const schedule = parseSchedule(rules);
  const dates: Date[] = [];
  for (let atMs = fromMs; schedule !== undefined && dates.length < count; ) {
    const { opensAt } = schedule.windowAfter(atMs);
    dates.push(new Date(opensAt));
    atMs = opensAt;
  }
  return dates;
}
