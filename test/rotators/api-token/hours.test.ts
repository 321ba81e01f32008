import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ManualClock, manualClock } from '../../../src/local/index.ts';
import { readTemplate } from '../../support/template.ts';
import { resolveValue } from '../../support/template-values.ts';
import { accountApi } from '../../support/token-service/accounts.ts';
import { type TokenWorld, withTokenWorld } from './world.ts';

const hourMs = 3_600_000;

let clock: ManualClock;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  clock = manualClock(Date.now());
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets time pass for Secrets Manager and for the function. */
async function pass(hours: number): Promise<void> {
  await clock.advance(hours * hourMs);
  vi.setSystemTime(clock.now());
}

/** Sends the event of the template's EventBridge rule. */
async function comeBy({ fixture, arn }: TokenWorld): Promise<void> {
  const template = await readTemplate();
  const given = { attachSecretArn: arn, revokePreviousEvery: 'rate(1 hour)' };
  const rule = resolveValue(template, given, template.Resources.RevocationRule?.Properties);
  expect(rule).toMatchObject({
    ScheduleExpression: 'rate(1 hour)',
    Targets: [{ Input: expect.any(String) }],
  });
  const [{ Input }] = (rule as { Targets: [{ Input: string }] }).Targets;
  await fixture.handler(JSON.parse(Input));
}

/** An account whose tokens work for a day after the rotation that replaces them. */
function forADay(use: (world: TokenWorld) => Promise<void>): Promise<void> {
  return withTokenWorld(() => ({ ...accountApi('token'), revocation: { afterHours: 24 } }), use, { clock });
}

/** Makes a rotation fail in testSecret, until the answer is put right. */
async function failToVerify({ service, fixture, arn }: TokenWorld): Promise<void> {
  service.interfere = ({ url }, response) => {
    if (url !== '/me') return false;
    response.writeHead(500).end();
    return true;
  };
  expect(await fixture.rotate(arn)).toMatch(/^TargetFailed/);
  service.interfere = () => false;
}

describe('a token that was replaced', () => {
  it('works until its hours are over, and is revoked by the next event then; one more is harmless', () =>
    forADay(async (world) => {
      const { fixture, arn, alive } = world;
      const first = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { token } = await fixture.read(arn);
      const labels = await fixture.labels(arn);
      await pass(23);
      await comeBy(world);
      expect(alive()).toEqual([first.token, token]);
      await pass(1);
      await comeBy(world);
      expect(alive()).toEqual([token]);
      await comeBy(world);
      expect(alive()).toEqual([token]);
      expect(await fixture.labels(arn)).toEqual(labels);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual([token, (await fixture.read(arn)).token]);
    }));

  it('is revoked beside a rotation that is not complete, which is not disturbed', () =>
    forADay(async (world) => {
      const { fixture, arn, alive } = world;
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { token } = await fixture.read(arn);
      await failToVerify(world);
      const pending = await fixture.read(arn, 'AWSPENDING');
      const labels = await fixture.labels(arn);
      await pass(24);
      await comeBy(world);
      expect(alive()).toEqual([token, pending.token]);
      expect(await fixture.labels(arn)).toEqual(labels);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.read(arn)).toEqual(pending);
      expect(alive()).toEqual([token, pending.token]);
    }));

  it('is kept while the service refuses AWSCURRENT, since it may be the only one that works', () =>
    forADay(async (world) => {
      const { fixture, arn, alive } = world;
      expect(await fixture.rotate(arn)).toBeUndefined();
      const current = await fixture.read(arn);
      await fixture.put(arn, { ...current, token: 'mistyped' });
      await pass(24);
      await expect(comeBy(world)).rejects.toMatchObject({ code: 'CurrentRefused' });
      expect(alive()).toContain(current.token);
    }));

  it('has all of its hours after a rotation that was stuck for longer', () =>
    forADay(async (world) => {
      const { fixture, arn, alive } = world;
      await failToVerify(world);
      await pass(30);
      expect(await fixture.rotate(arn)).toBeUndefined();
      await comeBy(world);
      expect(alive()).toEqual([
        (await fixture.read(arn, 'AWSPREVIOUS')).token,
        (await fixture.read(arn)).token,
      ]);
      await pass(24);
      await comeBy(world);
      expect(alive()).toEqual([(await fixture.read(arn)).token]);
    }));

  it('is revoked by a second try where the first was cut off, before it asked or before it was answered', () =>
    forADay(async (world) => {
      const { fixture, arn, service, alive } = world;
      expect(await fixture.rotate(arn)).toBeUndefined();
      const both = alive();
      await pass(24);
      service.interfere = ({ method }, response) => {
        if (method === 'DELETE') response.destroy();
        return method === 'DELETE';
      };
      await expect(comeBy(world)).rejects.toThrow(expect.objectContaining({ code: 'TargetUnreachable' }));
      expect(alive()).toEqual(both);
      service.interfere = () => false;
      service.lose = ({ method }) => method === 'DELETE';
      await expect(comeBy(world)).rejects.toThrow(expect.objectContaining({ code: 'TargetUnreachable' }));
      expect(alive()).toEqual([(await fixture.read(arn)).token]);
      service.lose = () => false;
      await comeBy(world);
      expect(alive()).toEqual([(await fixture.read(arn)).token]);
    }));
});
