import { counted } from '../../counted.ts';
import { UsageError } from '../command.ts';

/** When a secret is to rotate. */
export interface Schedule {
  /** RotateSecret's ScheduleExpression. */
  readonly expression: string;
  /** RotateSecret's Duration: the length of the window, such as `2h`. Undefined: AWS's default. */
  readonly duration: string | undefined;
  /** The schedule in English. */
  readonly words: string;
}

/** A schedule as the user gives it. */
export interface ScheduleArguments {
  readonly every: string | undefined;
  readonly atHour: string | undefined;
  readonly window: string | undefined;
}

const shortestHours = 4;
const longestDays = 999;
const hoursInADay = 24;

/** Periods in days that a cron expression can express: day-of-month, month and day-of-week, and the same in English. */
const cronDays: ReadonlyMap<number, readonly [fields: string, words: string]> = new Map([
  [1, ['* * ?', 'every day']],
  [7, ['? * SUN', 'every Sunday']],
  [30, ['1 * ?', 'on the 1st of every month']],
  [90, ['1 1/3 ?', 'on the 1st of January, April, July and October']],
  [180, ['1 1/6 ?', 'on the 1st of January and July']],
  [365, ['1 1 ?', 'on the 1st of January']],
]);
const cronHours: readonly number[] = [4, 6, 8, 12];

/**
 * Makes a schedule by AWS's rules: `rate()` without an hour, `cron()` with one.
 *
 * @throws UsageError that names what is possible
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
export function makeSchedule({ every, atHour, window }: ScheduleArguments): Schedule {
  const period = readPeriod(every);
  const hour = atHour === undefined ? undefined : readHour(atHour);
  const hours = window === undefined ? undefined : readWindow(window);
  const duration = hours === undefined ? undefined : `${hours}h`;
  const opensAt = period.unit === 'day' ? (hour ?? 0) : 0;
  requireRoom(hours, period.unit === 'day' ? hoursInADay - opensAt : period.count, opensAt);
  const { expression, words } = hour === undefined ? rate(period) : cron(period, hour);
  const within = hours === undefined ? '' : `, in a window of ${counted(hours, 'hour')}`;
  return { expression, duration, words: `${words}${within}` };
}

interface Period {
  readonly count: number;
  readonly unit: 'hour' | 'day';
}

function readPeriod(every: string | undefined): Period {
  if (every === undefined) throw new UsageError('say how often to rotate, such as --every 30d');
  const [, digits, letter] = /^(\d{1,5})([hd])$/.exec(every) ?? [];
  const number = Number(digits);
  const unit = letter === 'h' ? 'hour' : 'day';
  const [least, most] = unit === 'hour' ? [shortestHours, longestDays * hoursInADay] : [1, longestDays];
  if (number >= least && number <= most) return { count: number, unit };
  throw new UsageError(
    `--every must be ${shortestHours}h to ${longestDays * hoursInADay}h, or 1d to ${longestDays}d, not '${every}'`,
  );
}

function readHour(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) < hoursInADay) return Number(text);
  throw new UsageError(`--at-hour must be an hour of the day in UTC, 0 to 23, not '${text}'`);
}

function readWindow(text: string): number {
  const hours = Number(/^(\d{1,2})h$/.exec(text)?.[1]);
  if (hours >= 1 && hours <= hoursInADay) return hours;
  throw new UsageError(`--window must be 1h to 24h, not '${text}'`);
}

/** A window must end before the next one opens. For a period of days, it must also end by midnight UTC. */
function requireRoom(hours: number | undefined, room: number, opensAt: number): void {
  if (hours === undefined || hours <= room) return;
  const why =
    opensAt > 0 ? `a window that opens at ${opensAt}:00 UTC ends by midnight` : 'windows must not overlap';
  throw new UsageError(`--window must be at most ${room}h here, not ${hours}h: ${why}`);
}

function rate({ count: number, unit }: Period): Pick<Schedule, 'expression' | 'words'> {
  const period = counted(number, unit);
  return { expression: `rate(${period})`, words: `every ${period}` };
}

function cron(period: Period, hour: number): Pick<Schedule, 'expression' | 'words'> {
  if (period.unit === 'hour' && cronHours.includes(period.count)) {
    const hours = Array.from({ length: hoursInADay / period.count }, (_, index) => index * period.count);
    const list = hours.map((offset) => (hour % period.count) + offset).join(',');
    return { expression: `cron(0 ${list} * * ? *)`, words: `every day at the hours ${list} UTC` };
  }
  const found = period.unit === 'day' ? cronDays.get(period.count) : undefined;
  if (found === undefined) throw noSuchCron(period);
  const [fields, words] = found;
  return { expression: `cron(0 ${hour} ${fields} *)`, words: `${words}, at ${hour}:00 UTC` };
}

function noSuchCron({ count: number, unit }: Period): UsageError {
  const can = [...cronHours.map((hours) => `${hours}h`), ...[...cronDays.keys()].map((days) => `${days}d`)];
  return new UsageError(
    `a schedule can't say ${counted(number, unit)} and an hour together: with --at-hour, --every is one of ${can.join(', ')}; without it, any`,
  );
}
