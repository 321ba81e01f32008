import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RotationRules } from '../../src/local/model.ts';
import { parseSchedule, type RotationWindow } from '../../src/local/rotation/schedule.ts';

const hourMs = 3_600_000;
const day = 24 * hourMs;

function windowAfter(rules: RotationRules, time: string | number): RotationWindow {
  const schedule = parseSchedule(rules);
  if (!schedule) throw new Error('The rules hold no schedule');
  return schedule.windowAfter(typeof time === 'string' ? Date.parse(time) : time);
}

function opensAfter(expression: string, time: string): string {
  return new Date(windowAfter({ ScheduleExpression: expression }, time).opensAt).toISOString().slice(0, 16);
}

const moment = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2060, 0, 1) });
const goodRules: fc.Arbitrary<RotationRules> = fc.oneof(
  fc.record({ AutomaticallyAfterDays: fc.integer({ min: 1, max: 1000 }) }),
  fc.integer({ min: 4, max: 999 }).map((n) => ({ ScheduleExpression: `rate(${n} hours)`, Duration: '4h' })),
  fc.integer({ min: 1, max: 999 }).map((n) => ({ ScheduleExpression: `rate(${n} days)` })),
  fc
    .tuple(
      fc.integer({ min: 0, max: 23 }),
      fc.constantFrom('* * ?', 'L * ?', '1,15 * ?', '? * MON', '? * 6L', '? * SUN#2'),
    )
    .map(([hour, days]) => ({ ScheduleExpression: `cron(0 ${hour} ${days} *)`, Duration: '1h' })),
  fc
    .constantFrom('/4', '*/6', '2/8', '0,12')
    .map((hours) => ({ ScheduleExpression: `cron(0 ${hours} * * ? *)` })),
);

describe('a schedule', () => {
  it('opens a window on the hour, after the moment asked for, and before the next one', () => {
    fc.assert(
      fc.property(goodRules, moment, (rules, time) => {
        const window = windowAfter(rules, time);
        const next = windowAfter(rules, window.opensAt);
        expect(window.opensAt).toBeGreaterThan(time);
        expect(window.opensAt % hourMs).toBe(0);
        expect(window.closesAt).toBeGreaterThan(window.opensAt);
        expect(next.opensAt).toBeGreaterThanOrEqual(window.closesAt);
        expect(next.opensAt - window.opensAt).toBeGreaterThanOrEqual(4 * hourMs);
      }),
    );
  });

  it('in days opens at midnight and ends with the day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), moment, (days, time) => {
        const window = windowAfter({ ScheduleExpression: `rate(${days} days)` }, time);
        expect(window.opensAt % day).toBe(0);
        expect(window.closesAt - window.opensAt).toBe(day);
        expect(Math.floor(window.opensAt / day) - Math.floor(time / day)).toBe(days);
        expect(windowAfter({ AutomaticallyAfterDays: days }, time)).toEqual(window);
      }),
    );
  });

  it.each([
    ['rate(4 hours)', '2024-01-01T10:30', '2024-01-01T14:00'],
    ['rate(1 day)', '2024-02-28T23:59', '2024-02-29T00:00'],
    ['rate(10 days)', '2024-02-20T12:00', '2024-03-01T00:00'],
    ['cron(0 8 * * ? *)', '2024-01-01T08:00', '2024-01-02T08:00'],
    ['cron(0 /8 * * ? *)', '2024-01-01T08:30', '2024-01-01T16:00'],
    ['cron(0 8/8 * * ? *)', '2024-01-01T00:00', '2024-01-01T08:00'],
    ['cron(0 0 L * ? *)', '2024-02-10T00:00', '2024-02-29T00:00'],
    ['cron(0 0 1 1/3 ? *)', '2024-02-10T00:00', '2024-04-01T00:00'],
    ['cron(0 0 1 JAN,JUL ? *)', '2024-02-10T00:00', '2024-07-01T00:00'],
    ['cron(0 16 ? * SUN#2 *)', '2024-01-01T00:00', '2024-01-14T16:00'],
    ['cron(0 16 ? * 1 *)', '2024-01-01T00:00', '2024-01-07T16:00'],
    ['cron(0 16 ? * 6L *)', '2024-01-01T00:00', '2024-01-26T16:00'],
    ['cron(0 16 ? * L *)', '2024-01-01T00:00', '2024-01-06T16:00'],
    ['cron(0 0 29 2 ? *)', '2024-03-01T00:00', '2028-02-29T00:00'],
  ])('%s after %s opens at %s', (expression, time, opens) => {
    expect(opensAfter(expression, `${time}:00Z`)).toBe(opens);
  });

  it('has AWS’s default windows, and those that are asked for', () => {
    const length = (rules: RotationRules) => {
      const window = windowAfter(rules, '2024-01-01T00:30:00Z');
      return (window.closesAt - window.opensAt) / hourMs;
    };
    expect(length({ ScheduleExpression: 'rate(4 hours)' })).toBe(1);
    expect(length({ ScheduleExpression: 'cron(0 /12 * * ? *)' })).toBe(1);
    expect(length({ ScheduleExpression: 'cron(0 16 * * ? *)' })).toBe(8);
    expect(length({ ScheduleExpression: 'cron(0 16 * * ? *)', Duration: '3h' })).toBe(3);
    expect(length({ AutomaticallyAfterDays: 3, Duration: '2h' })).toBe(2);
  });

  it.each<RotationRules>([
    { AutomaticallyAfterDays: 1, ScheduleExpression: 'rate(1 day)' },
    { Duration: '3h' },
    { AutomaticallyAfterDays: 1, Duration: '0h' },
    { AutomaticallyAfterDays: 1, Duration: '25h' },
    { AutomaticallyAfterDays: 1, Duration: 'h3' },
    { ScheduleExpression: 'rate(4 hours)', Duration: '5h' },
    { ScheduleExpression: 'cron(0 16 * * ? *)', Duration: '9h' },
    { ScheduleExpression: 'cron(0 /8 * * ? *)', Duration: '9h' },
    ...[
      'rate(3 hours)',
      'rate(0 days)',
      'rate(1000 days)',
      'rate(5 minutes)',
      'rate(-1 days)',
      'every day',
      'cron(5 8 * * ? *)',
      'cron(0 8 * * ? 2030)',
      'cron(0 8 * * * *)',
      'cron(0 8 ? * ? *)',
      'cron(0 8 1 * 2 *)',
      'cron(0 8 * * ?)',
      'cron(0 8 * * ? * *)',
      'cron(0 24 * * ? *)',
      'cron(0 /3 * * ? *)',
      'cron(0 1,23 * * ? *)',
      'cron(0 * * * ? *)',
      'cron(0 8 0 * ? *)',
      'cron(0 8 30 2 ? *)',
      'cron(0 8 1W * ? *)',
      'cron(0 8 ? * 8 *)',
      'cron(0 8 ? * 0 *)',
      'cron(0 8 ? * MON#6 *)',
      'cron(0 8 * 13 ? *)',
    ].map((ScheduleExpression) => ({ ScheduleExpression })),
  ])('refuses %j', (rules) => {
    expect(() => parseSchedule(rules)).toThrow(
      expect.objectContaining({ type: 'InvalidParameterException' }),
    );
  });
});
