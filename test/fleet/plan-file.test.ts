import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daysOld, readPlan, startCommand } from '../../src/cli/fleet/plan-file.ts';
import type { FleetPlan, PlanEntry, PlanItem, PlanWave } from '../../src/fleet/plan.ts';
import { planOf, secretsOf } from './world.ts';

it('the command that starts a plan quotes what a shell would change', () => {
  const command = startCommand('my plan $(date).json', ['shop', 'bank; ls']);
  expect(command).toBe(
    "keyturn fleet start 'my plan $(date).json' --here --profile shop --profile 'bank; ls'",
  );
});

describe('the file of a plan', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-plan-file-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (content: unknown): Promise<FleetPlan> => {
    const file = join(folder, 'plan.json');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return readPlan(file);
  };
  const made = planOf(secretsOf(3, 4), { madeAt: new Date(), waves: ['canary', 100] });
  const plan: FleetPlan = {
    ...made,
    waves: made.waves.map((wave) => ({
      ...wave,
      items: wave.items.map((item) => ({
        ...item,
        secrets: item.secrets.map((entry) => ({ ...entry, token: entry.token.padEnd(32, '-') })),
      })),
    })),
  };
  const withWaves = (change: (wave: PlanWave, index: number) => PlanWave): FleetPlan => ({
    ...plan,
    waves: plan.waves.map(change),
  });
  const withItems = (change: (item: PlanItem, wave: number) => PlanItem): FleetPlan =>
    withWaves((wave, index) => ({ ...wave, items: wave.items.map((item) => change(item, index)) }));
  const withEntries = (change: (entry: PlanEntry) => PlanEntry): FleetPlan =>
    withItems((item) => ({ ...item, secrets: item.secrets.map(change) }));
  const later = new Date(Date.now() + 3 * 86_400_000).toISOString();

  it('is read as it was made, for a fleet of one and an empty one too', async () => {
    expect(await read(plan)).toEqual(plan);
    expect(await read({ ...plan, waves: [], secrets: 0, targets: 0 })).toMatchObject({ secrets: 0 });
    const one = { ...plan, waves: plan.waves.slice(0, 1) };
    const [item] = one.waves[0]?.items ?? [];
    const alone = { ...one, secrets: 1, targets: 1, waves: [{ ...one.waves[0], items: [item] }] };
    expect(await read(alone)).toMatchObject({ secrets: 1 });
  });

  it.each<[string, string | object, string]>([
    ['cut off', JSON.stringify(plan).slice(0, -40), "can't be read"],
    ['a secret more than it says', { ...plan, secrets: 11 }, 'says that it has 11 secrets, and has 12'],
    ['a target more than it says', { ...plan, targets: 2 }, 'says that it has 2 targets, and has 3'],
    ['waves twice', { ...plan, waves: [...plan.waves, ...plan.waves] }, 'twice'],
    [
      'a target twice in a wave',
      withWaves((wave) => ({ ...wave, items: wave.items.map((item) => ({ ...item, target: 'db-0' })) })),
      'has the target db-0 twice in the wave canary',
    ],
    [
      'another first secret',
      withItems((item, wave) =>
        wave === 0 ? item : { ...item, canary: { arn: item.secrets[0]?.arn ?? '', rotatedBefore: later } },
      ),
      'names a first secret of db-0 that no earlier wave rotates',
    ],
    ['another name', withEntries((entry) => ({ ...entry, name: 'other' })), 'has the wrong name for arn:'],
    [
      'a date of later',
      withEntries((entry) => ({ ...entry, rotatedBefore: later })),
      'has a date for s-00000 after it was made',
    ],
    ['made in the future', { ...plan, madeAt: later }, 'was made in the future'],
    ['no number', { ...plan, atOnce: '50' }, 'atOnce'],
    ['no secret’s ARN', withEntries((entry) => ({ ...entry, arn: 'arn:aws:s3:::bucket' })), 'arn'],
    ['another version', { ...plan, version: 2 }, 'a plan of version 2'],
  ])('is refused where it was changed: %s', async (_name, content, words) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'InvalidPlan',
      message: expect.stringContaining(words),
    });
  });

  it('tells its age if it is a day old', () => {
    const ago = (hours: number) => ({
      ...plan,
      madeAt: new Date(Date.now() - hours * 3_600_000).toISOString(),
    });
    expect([1, 23, 25, 73].map((hours) => daysOld(ago(hours)))).toEqual([undefined, undefined, 1, 3]);
  });
});
