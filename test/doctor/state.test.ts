import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { withCauses } from '../../scripts/causes-table.ts';
import { describeDate } from '../../src/cli/rotation/age.ts';
import { type Cause, causes } from '../../src/doctor/causes.ts';
import { type Diagnosis, diagnose, needsAttention } from '../../src/doctor/diagnosis.ts';
import type { DescribedRotation, Preflight } from '../../src/doctor/facts.ts';
import type { PendingValue } from '../../src/secrets-manager/port.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const healthy: DescribedRotation = {
  arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:n-AbCdEf',
  name: 'n',
  stages: { one: ['AWSCURRENT', 'AWSPENDING'] },
  rotationEnabled: true,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:rotate',
  lastRotated: new Date(now - 1000),
  nextRotation: new Date(now + 1000),
  deletedOn: undefined,
  kmsKeyId: undefined,
  rules: undefined,
};

function look(
  changes: Partial<DescribedRotation>,
  pendingValue?: PendingValue,
  preflight?: Preflight,
): Diagnosis {
  return diagnose(
    { secret: { ...healthy, ...changes }, pendingValue, preflight, surroundings: undefined },
    now,
  );
}

const stuck = { stages: { one: ['AWSCURRENT'], two: ['AWSPENDING'] } };

describe('the diagnosis of a rotation', () => {
  it.each([
    ['healthy', {}, undefined, false],
    ['overdue', { nextRotation: new Date(now - 1000) }, undefined, true],
    ['off', { rotationEnabled: false }, undefined, false],
    ['never-attached', { rotationEnabled: undefined }, undefined, false],
    ['no-value', { stages: {} }, undefined, true],
    ['deleted', { deletedOn: new Date(now) }, undefined, true],
    ['unfinished-empty', stuck, 'empty', true],
    ['unfinished-with-value', stuck, 'present', true],
    ['unfinished-unreadable', stuck, 'unreadable', true],
  ] as const)('finds %s, and says what to do unless all is well', (state, changes, pending, attention) => {
    const diagnosis = look(changes, pending);
    expect(diagnosis.state).toBe(state);
    expect(diagnosis.findings.length).toBeGreaterThan(0);
    expect(diagnosis.causes.length > 0).toBe(state !== 'healthy');
    expect(needsAttention(state)).toBe(attention);
  });

  it('keeps and continues a version that may hold the live credential, also where rotation is off', () => {
    for (const pending of ['present', 'unreadable'] as const) {
      expect(look(stuck, pending).causes.map(({ fix }) => fix)).toEqual(['rotate']);
      const off = look({ ...stuck, rotationEnabled: false }, pending).causes;
      expect(off).toMatchObject([{ cause: 'UnfinishedAndOff', fix: null, command: 'keyturn rotate n' }]);
      expect(look(stuck, pending).findings.join()).toContain('Keep it.');
    }
  });

  it.each([
    [{ ScheduleExpression: 'rate(7 days)' }, '7d'],
    [{ ScheduleExpression: 'rate(1 day)' }, '1d'],
    [{ ScheduleExpression: 'rate(12 hours)' }, '12h'],
    [{ ScheduleExpression: 'cron(0 3 ? * SUN *)', AutomaticallyAfterDays: 7 }, 'PERIOD'],
    [{ AutomaticallyAfterDays: 90 }, '90d'],
    [undefined, '30d'],
  ] as const)('turns rotation on again with the schedule %j', (rules, every) => {
    const [cause] = look({ rotationEnabled: false, rules }).causes;
    expect(cause?.command).toMatch(new RegExp(` --every ${every}$`));
  });

  const failed = (message: string, code = 'PreflightFailed'): Preflight => ({
    outcome: 'failed',
    code,
    message,
  });
  const refused = failed('The preflight has failed: login: db:5432 refuses AWSCURRENT. Put this in order.');

  it('is decided by a preflight with a failed check, even if the function calls it a success', () => {
    expect(look({}, undefined, refused).state).toBe('preflight-failed');
    const findings = [{ check: 'login', ok: false, detail: 'refused' }];
    expect(look({}, undefined, { outcome: 'passed', findings }).state).toBe('preflight-failed');
    expect(look({}, undefined, { outcome: 'unknown', reason: 'nobody knows' }).state).toBe('healthy');
  });

  it.each([
    ['the pending version, where it may be live', stuck, 'present', 'PendingMayBeLive'],
    ['older versions, where the pending one is empty', stuck, 'empty', 'CurrentDoesNotWork'],
    ['older versions, where there is no pending one', {}, undefined, 'CurrentDoesNotWork'],
  ] as const)('sends a refused AWSCURRENT to %s', (_where, changes, pending, cause) => {
    expect(look(changes, pending, refused).causes[0]).toMatchObject({ cause, likelihood: 'certain' });
  });

  it.each([
    ['The preflight has failed: admin login: the target refuses the credential of x.', 'AdminRefused'],
    ['The preflight has failed: admin secret: no masterarn; privileges: none.', 'AdminSecretMissing'],
    ['The preflight has failed: account: nobody names it.', 'AccountNotServed'],
    ['The preflight has failed: replica: it is one.', 'PreflightFailed'],
  ])('reads what a preflight names: %s', (message, cause) => {
    expect(look({}, undefined, failed(message)).causes[0]?.cause).toBe(cause);
  });

  it.each([
    ['TargetUnreachable', 'no connection', 'TargetUnreachable'],
    ['Sandbox.Timedout', 'RequestId: 1 Error: Task timed out after 3.00 seconds', 'DeadlineExceeded'],
    ['Runtime.ImportModuleError', 'no module', 'FunctionBroken'],
    ['FunctionUnusable', 'There is no function x.', 'FunctionMissing'],
    ['SomethingElse', 'who knows', 'PreflightFailed'],
  ])('takes the error %s of an invocation for what it is', (code, message, cause) => {
    expect(look({}, undefined, failed(message, code)).causes[0]?.cause).toBe(cause);
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

describe('the table of causes', () => {
  it('is what docs/causes.md shows (npm run generate:causes)', async () => {
    const page = await readFile(new URL('../../docs/causes.md', import.meta.url), 'utf8');
    expect(page).toBe(withCauses(page));
    expect(page).toContain(`| \`NoCredentialAccepted\` | ${causes.NoCredentialAccepted.problem} |`);
  });

  it('has no row by which --fix could lose a value', () => {
    const fixes = new Set(Object.values<Cause>(causes).flatMap(({ fix }) => fix ?? []));
    expect([...fixes].sort()).toEqual(['clear-empty-pending', 'rotate']);
  });
});
