import { Cron } from 'croner';
import { invalidParameter } from '../errors.ts';
import { createLruCache } from '../lru-cache.ts';
import type { RotationRules } from '../model.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const shortestIntervalHours = 4;
const longestRateDays = 999;
/** Enough runs to see every distance between two runs, also across midnight. */
const runsToCompare = 64;
/** Any fixed moment. With it, the check of an expression has the same result every day. */
const checkFrom = new Date(Date.UTC(2024, 0, 1));

/** Reading a cron expression takes milliseconds, and thousands of secrets may share one. */
const recentCrons = createLruCache<Schedule>(1_000, () => 1);

/** What AWS's table of fields allows. croner allows more. */
const hoursForm = /^[\d*,\-/]+$/;
const dayOfMonthForm = /^(\?|L|[\d*,\-/]+)$/;
const monthForm = /^([\d*,\-/]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)+$/i;
const dayOfWeekForm = /^(\?|L|([*,-]|[/#]\d+|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)L?(?=[,\-/#]|$))+)$/i;

/** When a rotation may happen, in milliseconds since the epoch. `closesAt` is the first moment after the window. */
export interface RotationWindow {
  readonly opensAt: number;
  readonly closesAt: number;
}

/** When a secret rotates. */
export interface Schedule {
  /** Whether a new value that is put by hand counts as a rotation, so that the interval begins anew. */
  readonly restartsOnChange: boolean;
  /** The first window that opens after `timeMs`, or after a rotation at that time. */
  windowAfter(timeMs: number): RotationWindow;
}

/**
 * Reads the rules of RotateSecret. Undefined if they have no schedule.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 * @throws ServiceError InvalidParameterException that says what is wrong
 */
export function parseSchedule(rules: RotationRules): Schedule | undefined {
  const { AutomaticallyAfterDays: days, ScheduleExpression: expression } = rules;
  const duration = rules.Duration === undefined ? undefined : parseDuration(rules.Duration);
  if (days !== undefined && expression !== undefined) {
    throw invalidParameter('You cannot specify both rotation frequency and schedule expression together.');
  }
  if (days !== undefined) return everyDays(days, duration);
  if (expression !== undefined) return parseExpression(expression, duration);
  if (duration === undefined) return undefined;
  throw invalidParameter('Duration needs AutomaticallyAfterDays or ScheduleExpression in RotationRules.');
}

/** The days until the next rotation, which DescribeSecret shows as AutomaticallyAfterDays for any schedule. */
export function daysUntil(window: RotationWindow, nowMs: number): number {
  return Math.max(1, Math.floor((window.opensAt - Math.floor(nowMs / dayMs) * dayMs) / dayMs));
}

function parseDuration(duration: string): number {
  const hours = Number(/^(\d{1,2})h$/.exec(duration)?.[1]);
  if (hours >= 1 && hours <= 24) return hours;
  throw invalidParameter(
    `Invalid Duration '${duration}': give the length of the window in hours, such as 3h.`,
  );
}

function parseExpression(expression: string, duration: number | undefined): Schedule {
  const rate = /^rate\((\d+) (hours?|days?)\)$/.exec(expression);
  if (rate) return parseRate(expression, Number(rate[1]), String(rate[2]), duration);
  const cron = /^cron\((.*)\)$/.exec(expression)?.[1];
  if (cron !== undefined) return recentCronSchedule(expression, cron, duration);
  throw invalidExpression(
    expression,
    'it must be rate(Value Unit) or cron(Minutes Hours Day-of-month Month Day-of-week Year)',
  );
}

function parseRate(expression: string, value: number, unit: string, duration: number | undefined): Schedule {
  if (unit.startsWith('day')) {
    if (value >= 1 && value <= longestRateDays) return everyDays(value, duration);
    throw invalidExpression(expression, `a rate in days must be from 1 to ${longestRateDays}`);
  }
  if (value < shortestIntervalHours || value > longestRateDays * 24) {
    throw invalidExpression(
      expression,
      `a rate in hours must be from ${shortestIntervalHours} to ${longestRateDays * 24}`,
    );
  }
  return everyHours(value, duration);
}

/** A rate in days. Its windows open at midnight UTC and close at the end of that day, unless a duration is given. */
function everyDays(days: number, durationHours = 24): Schedule {
  return {
    restartsOnChange: true,
    windowAfter: (timeMs) => windowFrom(startOf(dayMs, timeMs) + days * dayMs, durationHours),
  };
}

function everyHours(hours: number, durationHours = 1): Schedule {
  if (durationHours > hours) throw windowTooLong();
  return {
    restartsOnChange: false,
    windowAfter: (timeMs) => windowFrom(startOf(hourMs, timeMs) + hours * hourMs, durationHours),
  };
}

function recentCronSchedule(expression: string, fields: string, duration: number | undefined): Schedule {
  const key = `${duration} ${expression}`;
  const known = recentCrons.get(key);
  if (known) return known;
  const schedule = cronSchedule(expression, fields, duration);
  recentCrons.set(key, schedule);
  return schedule;
}

function cronSchedule(expression: string, fields: string, duration: number | undefined): Schedule {
  const cron = parseCron(expression, fields);
  const runs = cron.nextRuns(runsToCompare, checkFrom).map((run) => run.getTime());
  if (runs.length === 0) throw invalidExpression(expression, 'it names no date that exists');
  const shortest = Math.min(...runs.slice(1).map((run, index) => run - Number(runs[index])));
  if (shortest < shortestIntervalHours * hourMs) {
    throw invalidExpression(expression, `rotations must be at least ${shortestIntervalHours} hours apart`);
  }
  const inHours = new Set(runs.map((run) => run % dayMs)).size > 1;
  const lengthOf = (opensAt: number) => duration ?? (inHours ? 1 : hoursLeftInDay(opensAt));
  for (const opensAt of runs)
    checkWindow(opensAt, lengthOf(opensAt), inHours ? shortest / hourMs : undefined);
  let last = { after: Infinity, window: windowFrom(-Infinity, 0) };
  return {
    restartsOnChange: false,
    windowAfter(timeMs) {
      if (timeMs < last.after || timeMs >= last.window.opensAt) {
        const opensAt = nextRun(cron, timeMs);
        last = { after: timeMs, window: windowFrom(opensAt, lengthOf(opensAt)) };
      }
      return last.window;
    },
  };
}

function checkWindow(opensAt: number, hours: number, hoursBetween: number | undefined): void {
  if (hours > (hoursBetween ?? hoursLeftInDay(opensAt))) throw windowTooLong();
}

/** Checks the rules that AWS adds to cron's, and translates AWS's dialect into croner's. */
function parseCron(expression: string, text: string): Cron {
  const [minutes, hours = '', dayOfMonth = '', month = '', dayOfWeek = '', year, ...more] = text
    .trim()
    .split(/ +/);
  if (year === undefined || more.length > 0) throw invalidExpression(expression, 'cron takes six fields');
  if (minutes !== '0') throw invalidExpression(expression, 'the minutes must be 0');
  if (year !== '*') throw invalidExpression(expression, 'the year must be *');
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw invalidExpression(expression, 'one of day-of-month and day-of-week must be ?, and not both');
  }
  checkFields(expression, [
    [hoursForm, hours],
    [dayOfMonthForm, dayOfMonth],
    [monthForm, month],
    [dayOfWeekForm, dayOfWeek],
  ]);
  const pattern = ['0', hours, anyDay(dayOfMonth), month, lastWeekday(anyDay(dayOfWeek))]
    .map(fromStart)
    .join(' ');
  try {
    // AWS counts the days of the week from 1 for Sunday, as Quartz does.
    return new Cron(pattern, {
      timezone: 'UTC',
      alternativeWeekdays: true,
      sloppyRanges: true,
      mode: '5-part',
    });
  } catch (error) {
    throw invalidExpression(expression, error instanceof Error ? error.message : String(error));
  }
}

function checkFields(expression: string, fields: readonly (readonly [RegExp, string])[]): void {
  for (const [form, field] of fields) {
    if (!form.test(field)) throw invalidExpression(expression, `'${field}' is not allowed in its place`);
  }
}

function anyDay(field: string): string {
  return field === '?' ? '*' : field;
}

/** `L` alone is Saturday, the last day of the week. `6L` is the month's last Friday. croner writes that as `6#L`. */
function lastWeekday(field: string): string {
  return field === 'L' ? '7' : field.replaceAll(/\b([1-7]|[A-Z]{3})L\b/gi, '$1#L');
}

/** AWS allows `/8` for `*` + `/8`. */
function fromStart(field: string): string {
  return field.startsWith('/') ? `*${field}` : field;
}

function nextRun(cron: Cron, timeMs: number): number {
  const run = cron.nextRun(new Date(timeMs));
  if (!run) throw new Error('A schedule that had runs has none any more');
  return run.getTime();
}

function windowFrom(opensAt: number, hours: number): RotationWindow {
  return { opensAt, closesAt: opensAt + hours * hourMs };
}

function startOf(unitMs: number, timeMs: number): number {
  return Math.floor(timeMs / unitMs) * unitMs;
}

function hoursLeftInDay(timeMs: number): number {
  return (dayMs - (timeMs % dayMs)) / hourMs;
}

function invalidExpression(expression: string, reason: string) {
  return invalidParameter(`Invalid ScheduleExpression '${expression}': ${reason}.`);
}

function windowTooLong() {
  return invalidParameter(
    'The rotation window must not extend into the next rotation window or the next UTC day: shorten Duration.',
  );
}
