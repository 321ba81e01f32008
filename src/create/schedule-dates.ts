import { parseSchedule } from '../local/rotation/schedule.ts';
import type { NewSchedule } from './new-secret.ts';

/**
 * The next dates at which a schedule's window opens, as AWS documents schedules: a `rate()` counts from the last
 * rotation, so that its dates are those of a secret that is rotated now.
 *
 * @param count how many
 * @throws ServiceError with what is wrong with the expression
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
