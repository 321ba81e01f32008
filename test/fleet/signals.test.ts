import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import { ending, startKeyturn } from '../cli/keyturn-process.ts';
import { runJsonAt } from '../cli/rotation-commands.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';

describe('keyturn fleet start --here', () => {
  let fleet: Fleet;
  let folder: string;
  beforeAll(async () => {
    fleet = await startFleet();
    folder = await mkdtemp(join(tmpdir(), 'keyturn-fleet-signals-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await fleet.close();
  });

  async function planFor(prefix: string, mostLooks: number): Promise<string> {
    const file = join(folder, `${prefix.replace('/', '')}.json`);
    expect((await runJsonAt(fleet, 'fleet', 'plan', prefix, '--out', file, '--per-target', '2')).code).toBe(
      0,
    );
    const plan: FleetPlan = JSON.parse(await readFile(file, 'utf8'));
    const items = (wave: FleetPlan['waves'][number]) =>
      wave.items.map((item) => ({ ...item, pollSeconds: 1, mostLooks }));
    await writeFile(
      file,
      JSON.stringify({ ...plan, waves: plan.waves.map((wave) => ({ ...wave, items: items(wave) })) }),
    );
    return file;
  }

  const start = (file: string) =>
    startKeyturn({}, 'fleet', 'start', file, '--here', '--json', '--endpoint', fleet.local.url);

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'waits at %s for what is under way, begins nothing more, and goes on when it is started again',
    async (signal) => {
      const prefix = `${signal}/`;
      await fleet.addMany(prefix, 10, 1);
      const file = await planFor(prefix, 60);
      const goOn = fleet.holdAfter(prefix, 2);
      const child = await start(file);
      const ended = ending(child);
      while (fleet.rotationsOf(prefix) < 2) await sleep(20);
      child.kill(signal);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      while (!said.includes('Nothing more begins.')) await sleep(20);
      goOn();
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(1);
      expect(stderr).toContain('Nothing more begins.');
      const document: { end: string; counts: Record<string, number> } = JSON.parse(stdout);
      expect(document).toMatchObject({ end: 'stopped', failures: [] });
      // Whatever has begun has also ended.
      expect(document.counts.rotated).toBe(fleet.rotationsOf(prefix));
      expect(document.counts['not-started']).toBe(10 - fleet.rotationsOf(prefix));
      const again = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
      expect(again.code).toBe(0);
      expect(fleet.rotationsOf(prefix)).toBe(10);
    },
    60_000,
  );

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'ends at once at a second %s, and names what it leaves to Secrets Manager',
    async (signal, exitCode) => {
      const prefix = `twice-${signal}/`;
      const [first = ''] = await fleet.addMany(prefix, 4, 1);
      fleet.breakFor(first);
      const file = await planFor(prefix, 60);
      const child = await start(file);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const ended = ending(child);
      while (fleet.mostAtOnce(prefix) < 1) await sleep(20);
      child.kill(signal);
      while (!said.includes('A second signal')) await sleep(20);
      expect(said).toContain(`${prefix}000`);
      child.kill(signal);
      const { code, stdout } = await ended;
      expect(code).toBe(exitCode);
      expect(JSON.parse(stdout)).toMatchObject({ end: 'left', underWay: [`${prefix}000`] });
      fleet.mendFor(first);
      const again = await runJsonAt(fleet, 'fleet', 'start', file, '--here');
      expect(again.code).toBe(0);
      expect(fleet.rotationsOf(prefix)).toBe(4);
    },
    60_000,
  );

  it('goes on after it was killed, and rotates nothing twice', async () => {
    await fleet.addMany('killed/', 8, 1);
    const file = await planFor('killed/', 5);
    const child = await start(file);
    const ended = ending(child);
    while (fleet.rotationsOf('killed/') < 2) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    expect((await runJsonAt(fleet, 'fleet', 'start', file, '--here')).code).toBe(0);
    expect(fleet.rotationsOf('killed/')).toBe(8);
  }, 60_000);
});
