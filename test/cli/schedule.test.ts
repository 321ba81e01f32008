import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { makeSchedule, type ScheduleArguments } from '../../src/cli/rotation/schedule.ts';
import { parseSchedule } from '../../src/local/rotation/schedule.ts';

function schedule(every: string | undefined, atHour?: string, window?: string) {
  return makeSchedule({ every, atHour, window });
}

describe('the schedule that keyturn attach makes', () => {
  it.each([
    [['30d'], 'rate(30 days)', undefined, 'every 30 days'],
    [['1d'], 'rate(1 day)', undefined, 'every 1 day'],
    [['12h', undefined, '3h'], 'rate(12 hours)', '3h', 'every 12 hours, in a window of 3 hours'],
    [['1d', '3', '2h'], 'cron(0 3 * * ? *)', '2h', 'every day, at 3:00 UTC, in a window of 2 hours'],
    [['7d', '22', '2h'], 'cron(0 22 ? * SUN *)', '2h', 'every Sunday, at 22:00 UTC, in a window of 2 hours'],
    [['30d', '0'], 'cron(0 0 1 * ? *)', undefined, 'on the 1st of every month, at 0:00 UTC'],
    [
      ['90d', '3'],
      'cron(0 3 1 1/3 ? *)',
      undefined,
      'on the 1st of January, April, July and October, at 3:00 UTC',
    ],
    [
      ['8h', '10', '1h'],
      'cron(0 2,10,18 * * ? *)',
      '1h',
      'every day at the hours 2,10,18 UTC, in a window of 1 hour',
    ],
  ] as const)('says %j as %s', ([every, atHour, window], expression, duration, words) => {
    expect(makeSchedule({ every, atHour, window })).toEqual({ expression, duration, words });
  });

  it.each([
    [[undefined], '--every 30d'],
    [['monthly'], '--every must be 4h to 23976h, or 1d to 999d'],
    [['3h'], '--every must be'],
    [['1000d'], '--every must be'],
    [['0d'], '--every must be'],
    [['30d', '24'], '--at-hour must be'],
    [['14d', '3'], 'is one of 4h, 6h, 8h, 12h, 1d, 7d, 30d, 90d, 180d, 365d'],
    [['5h', '3'], 'is one of'],
    [['24h', '3'], 'is one of'],
    [['1d', '23', '2h'], '--window must be at most 1h here'],
    [['4h', undefined, '5h'], '--window must be at most 4h here'],
    [['1d', undefined, '25h'], '--window must be 1h to 24h'],
    [['1d', undefined, '2'], '--window must be'],
  ] as const)('refuses %j', ([every, atHour, window], message) => {
    expect(() => schedule(every, atHour, window)).toThrow(UsageError);
    expect(() => schedule(every, atHour, window)).toThrow(message);
  });

  it('makes nothing that Secrets Manager refuses', () => {
    const everything = fc.record({
      every: fc.oneof(
        fc.constantFrom('4h', '6h', '8h', '12h', '24h', '1d', '7d', '30d', '90d', '180d', '365d'),
        fc
          .tuple(fc.integer({ min: 1, max: 24_000 }), fc.constantFrom('h', 'd'))
          .map(([count, unit]) => `${count}${unit}`),
      ),
      atHour: fc.option(fc.integer({ min: 0, max: 23 }).map(String), { nil: undefined }),
      window: fc.option(
        fc.integer({ min: 1, max: 24 }).map((hours) => `${hours}h`),
        { nil: undefined },
      ),
    });
    let made = 0;
    fc.assert(
      fc.property(everything, (said) => {
        const { expression, duration } = madeOrRefused(said) ?? {};
        if (expression === undefined) return;
        made += 1;
        expect(parseSchedule({ ScheduleExpression: expression, Duration: duration })).toBeDefined();
      }),
      { numRuns: 500 },
    );
    expect(made).toBeGreaterThan(50);
  });
});

function madeOrRefused(said: ScheduleArguments) {
  try {
    return makeSchedule(said);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
