import { describe, expect, it } from 'vitest';
import { describeDate } from '../../src/cli/rotation/age.ts';
import { diagnose } from '../../src/cli/rotation/diagnosis.ts';
import type { Secret } from '../../src/secrets-manager/port.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const healthy: Secret = {
  arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:n-AbCdEf',
  name: 'n',
  description: undefined,
  kmsKeyId: undefined,
  owningService: undefined,
  primaryRegion: undefined,
  created: undefined,
  changed: undefined,
  tags: new Map(),
  stages: { one: ['AWSCURRENT', 'AWSPENDING'] },
  rotationEnabled: true,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:rotate',
  rules: { AutomaticallyAfterDays: 30 },
  lastRotated: new Date(now - 1000),
  nextRotation: new Date(now + 1000),
  deletedOn: undefined,
};

describe('the diagnosis of a rotation', () => {
  it.each([
    ['healthy', {}, undefined],
    ['overdue', { nextRotation: new Date(now - 1000) }, undefined],
    ['off', { rotationEnabled: false }, undefined],
    ['never-attached', { rotationEnabled: undefined }, undefined],
    ['no-value', { stages: {} }, undefined],
    ['deleted', { deletedOn: new Date(now) }, undefined],
    ['unfinished-empty', { stages: { one: ['AWSCURRENT'], two: ['AWSPENDING'] } }, 'empty'],
    ['unfinished-with-value', { stages: { one: ['AWSCURRENT'], two: ['AWSPENDING'] } }, 'present'],
    ['unfinished-unreadable', { stages: { one: ['AWSCURRENT'], two: ['AWSPENDING'] } }, 'unreadable'],
  ] as const)('finds %s, and says what to do unless all is well', (state, changes, pending) => {
    const diagnosis = diagnose({ ...healthy, ...changes }, pending, now);
    expect(diagnosis.state).toBe(state);
    expect(diagnosis.findings.length).toBeGreaterThan(0);
    expect(diagnosis.advice.length > 0).toBe(state !== 'healthy');
  });

  it('does not call it harmless to give up a version that may hold the live credential', () => {
    const stages = { one: ['AWSCURRENT'], two: ['AWSPENDING'] };
    for (const pending of ['present', 'unreadable'] as const) {
      expect(diagnose({ ...healthy, stages }, pending, now).advice.join('\n')).toContain(
        'others may lock you out',
      );
    }
  });
});

describe('a date', () => {
  it.each([
    [-3 * 86_400_000, '3 days ago (2025-12-30T03:04:05Z)'],
    [-90_000, '1 minute ago (2026-01-02T03:02:35Z)'],
    [5 * 3_600_000, 'in 5 hours (2026-01-02T08:04:05Z)'],
    [0, 'just now (2026-01-02T03:04:05Z)'],
  ])('of %d ms is %s', (distance, words) => {
    expect(describeDate(new Date(now + distance), now)).toBe(words);
  });
});
