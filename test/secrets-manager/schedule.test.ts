import { describe, expect, it } from 'vitest';
import { describeSchedule, scheduleExpression } from '../../src/secrets-manager/port.ts';

describe('the words for a schedule', () => {
  it.each([
    [{ AutomaticallyAfterDays: 30 }, 'every 30 days', 'rate(30 days)'],
    [{ AutomaticallyAfterDays: 7, Duration: '3h' }, 'every 7 days, in a window of 3h', 'rate(7 days)'],
    [{ ScheduleExpression: 'cron(0 4 1 * ? *)' }, 'cron(0 4 1 * ? *)', 'cron(0 4 1 * ? *)'],
    [
      { ScheduleExpression: 'rate(4 hours)', AutomaticallyAfterDays: 1, Duration: '1h' },
      'rate(4 hours), in a window of 1h',
      'rate(4 hours)',
    ],
    [{}, undefined, undefined],
    [{ Duration: '3h' }, undefined, undefined],
    [undefined, undefined, undefined],
  ])('of %o are %s', (rules, words, expression) => {
    expect(describeSchedule(rules)).toBe(words);
    expect(scheduleExpression(rules)).toBe(expression);
  });
});
