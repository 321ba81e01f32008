import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import { ending, startKeyturn } from '../cli/keyturn-process.ts';
import { runAt, runJsonAt } from '../cli/rotation-commands.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';

describe('keyturn fleet', () => {
  let fleet: Fleet;
  let folder: string;
  beforeAll(async () => {
    fleet = await startFleet();
    folder = await mkdtemp(join(tmpdir(), 'keyturn-fleet-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await fleet.close();
  });

  async function makePlan(prefix: string, ...more: string[]): Promise<{ file: string; plan: FleetPlan }> {
    const file = join(folder, `${prefix.replaceAll('/', '-')}plan.json`);
    const ended = await runJsonAt(fleet, 'fleet', 'plan', prefix, '--out', file, ...more);
    expect(ended.code).toBe(0);
    // Looks come fast here.
    const plan: FleetPlan = JSON.parse(await readFile(file, 'utf8'));
    const waves = plan.waves.map((wave) => ({
      ...wave,
      items: wave.items.map((item) => ({ ...item, pollSeconds: 1, mostLooks: 8 })),
    }));
    await writeFile(file, JSON.stringify({ ...plan, waves }));
    return { file, plan };
  }

  const planned = ({ waves }: FleetPlan): string[] =>
    waves.flatMap(({ items }) => items.flatMap(({ secrets }) => secrets.map(({ name }) => name)));

  it('plans by host in waves, and names what blocks, with no value of a secret', async () => {
    await fleet.addMany('plan/', 9, 3);
    await fleet.add('plan/lost', 'db-1', 'lost');
    await fleet.client.send(
      new CreateSecretCommand({ Name: 'plan/off', SecretString: fleet.newValue('db-1') }),
    );
    const { file, plan } = await makePlan('plan/');
    expect(plan).toMatchObject({ version: 1, secrets: 10, targets: 3 });
    expect(plan.waves[0]).toMatchObject({ name: 'canary', items: [{}, {}, {}] });
    expect(plan.blocked).toEqual([expect.objectContaining({ name: 'plan/off', reason: 'no-rotation' })]);
    expect(await readFile(file, 'utf8')).not.toContain('password');
    const { stdout } = await runAt(fleet, 'fleet', 'plan', 'plan/');
    expect(stdout).toContain('10, of 3 targets');
    expect(stdout).toMatch(/no-rotation +plan\/off/);
  });

  it('rotates a plan, and nothing twice', async () => {
    await fleet.addMany('run/', 12, 3);
    const { file } = await makePlan('run/', '--per-target', '2');
    const first = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
    expect(first.document).toMatchObject({ end: 'finished', failures: [], maxPerTarget: 2, throttled: 0 });
    expect(first.code).toBe(0);
    const again = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
    expect(again.document).toMatchObject({ counts: { rotated: 0, 'already-rotated': 12 } });
    expect(fleet.rotationsOf('run/')).toBe(12);
    const { code, document } = await runJsonAt(fleet, 'fleet', 'report', file);
    expect(code).toBe(0);
    expect(document).toMatchObject({ counts: { rotated: 12 }, left: [] });
  });

  it('names a secret that is gone by now, and one that fails, and rotates the rest', async () => {
    await fleet.addMany('some/', 6, 2);
    await fleet.add('some/zz-failing', 'db-1', 'failing');
    const { file, plan } = await makePlan('some/', '--tolerate', '100');
    expect(planned(plan)).toHaveLength(7);
    const SecretId = 'some/003';
    await fleet.client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));
    const { code, document, stdout } = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
    expect(code).toBe(1);
    expect(document).toMatchObject({
      end: 'finished',
      counts: { rotated: 5, gone: 1, unfinished: 1 },
      failures: expect.arrayContaining([
        expect.objectContaining({ name: SecretId, outcome: 'gone' }),
        expect.objectContaining({ name: 'some/zz-failing', outcome: 'unfinished' }),
      ]),
    });
    expect(stdout).not.toContain('password');
    const reported = await runJsonAt(fleet, 'fleet', 'report', file);
    expect(reported.code).toBe(3);
    expect(reported.document).toMatchObject({ counts: { rotated: 5, gone: 1, 'not-started': 1 } });
  });

  it('ends in an orderly way at a signal, and can be continued', async () => {
    await fleet.addMany('stop/', 20, 1);
    const { file } = await makePlan('stop/', '--per-target', '2');
    const goOn = fleet.holdAfter('stop/', 3);
    const child = await startKeyturn(
      {},
      'fleet',
      'start',
      file,
      '--here',
      '--json',
      '--endpoint',
      fleet.local.url,
    );
    const ended = ending(child);
    while (fleet.rotationsOf('stop/') < 3) await sleep(20);
    child.kill('SIGINT');
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    while (!said.includes('Nothing more begins.')) await sleep(20);
    goOn();
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    const document: { end: string; counts: Record<string, number> } = JSON.parse(stdout);
    expect(document.end).toBe('stopped');
    expect(document.counts['not-started']).toBeGreaterThan(0);
    const again = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
    expect(again.code).toBe(0);
    expect(fleet.rotationsOf('stop/')).toBe(20);
  });

  it('refuses what is no plan, and wrong arguments, before anything is rotated', async () => {
    const file = join(folder, 'bad.json');
    const { plan } = await makePlan('run/');
    for (const content of [
      'no JSON',
      '{}',
      JSON.stringify({ ...plan, version: 2 }),
      JSON.stringify({ ...plan, waves: [...plan.waves, ...plan.waves] }),
      JSON.stringify({ ...plan, waves: plan.waves.map((wave) => ({ ...wave, targetsAtOnce: 0 })) }),
    ]) {
      await writeFile(file, content);
      const { code, document } = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
      expect(code).toBe(1);
      expect(document).toMatchObject({ error: { code: 'InvalidPlan' } });
    }
    for (const args of [
      ['start', file],
      ['start', file, '--here', '--state-machine', 'arn'],
      ['plan', '--waves', '10'],
      ['plan', '--per-target', '0'],
      ['plan', '--group-by', 'moon'],
      ['watch'],
      ['dance'],
    ]) {
      expect((await runAt(fleet, 'fleet', ...args)).code).toBe(2);
    }
    const described = await fleet.client.send(new DescribeSecretCommand({ SecretId: 'plan/000' }));
    expect(described.LastRotatedDate).toBeUndefined();
  });
});
