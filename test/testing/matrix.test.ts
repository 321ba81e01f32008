import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cell,
  crashMatrix,
  dealtOut,
  type MatrixReport,
  type RotatorHarness,
  randomWalks,
  recoveries,
} from '../../src/testing/index.ts';
import { runPlans } from '../../src/testing/matrix/cell.ts';
import { remoteCalls } from '../../src/testing/matrix/matrix.ts';
import {
  type MemoryPasswordRotator,
  type MemoryRotator,
  type MemoryTokenRotator,
  memoryHarness,
  passwordRotator,
  tokenRotator,
} from './memory-rotators.ts';
import { type MemoryTarget, startMemoryTarget } from './memory-target.ts';

let target: MemoryTarget;
beforeAll(async () => {
  target = await startMemoryTarget();
});
afterAll(() => target.stop());

function harnessOf(rotator: MemoryRotator): RotatorHarness {
  return memoryHarness(target, rotator);
}

const byId = (one: { readonly id: string }, other: { readonly id: string }): number =>
  one.id.localeCompare(other.id);
const failures = ({ failed }: MatrixReport) =>
  failed.map(({ id, place, failure }) => ({ id, place, failure }));

/** All cells that a rotator has, of which none is run. */
async function cellsOf(rotator: MemoryRotator): Promise<Cell[]> {
  const cells: Cell[] = [];
  await crashMatrix(harnessOf(rotator), { only: (cell) => cells.push(cell) === 0 });
  return cells;
}

describe('a deal of the crash matrix', () => {
  const placesOf = (cells: readonly Cell[]) => cells.map(({ call, fault }) => `${call}/${fault}`);
  const deals = [0, 1, 2, 3, 4];

  it('strikes at each call with each fault, once', async () => {
    const cells = await cellsOf(tokenRotator);
    const places = new Set(placesOf(cells));
    for (const deal of deals)
      expect(placesOf(cells.filter(dealtOut(deal))).sort(), `deal ${deal}`).toEqual([...places].sort());
  });

  it('has each call, and each fault, go on in more than one way', async () => {
    const dealt = (await cellsOf(tokenRotator)).filter(dealtOut(0));
    const waysOf = (by: (cell: Cell) => unknown) =>
      [...Map.groupBy(dealt, by).values()].map(
        (cells) => new Set(cells.map(({ recovery }) => recovery)).size,
      );
    expect(Math.min(...waysOf(({ fault }) => fault))).toBeGreaterThanOrEqual(4);
    expect(Math.min(...waysOf(({ call }) => call))).toBeGreaterThanOrEqual(4);
  });

  it('has with the others every cell that needs no process to kill', async () => {
    const cells = await cellsOf(tokenRotator);
    const dealt = deals.flatMap((deal) => cells.filter(dealtOut(deal)));
    const idsOf = (some: readonly Cell[]) => some.map(({ id }) => id).sort();
    expect(idsOf(dealt)).toEqual(idsOf(cells));
    expect(cells.filter(({ recovery }) => recovery === 'process-killed')).toEqual([]);
  });
});

describe('the crash matrix', { timeout: 300_000 }, () => {
  // All cells of the repository's rotators are run by `npm run matrix`.
  const dealtCrashes = (cell: Cell): boolean =>
    dealtOut(0)(cell) && (cell.fault === 'crash-after' || cell.fault === 'lost-answer');
  const afterCrashes = ({ fault }: Cell): boolean => fault === 'crash-after';

  it('passes a sound rotator of passwords', async () => {
    const report = await crashMatrix(harnessOf(passwordRotator), { only: dealtCrashes });
    expect(failures(report)).toEqual([]);
    expect(new Set(report.cells.map(({ recovery }) => recovery)).size).toBe(recoveries.length - 1);
    expect(new Set(report.cells.map(({ place }) => place))).toContain('setSecret: target ask');
    expect(report.skipped).toEqual(['process-killed: the harness names no module.']);
  });

  it('refuses a concurrency with which nothing would run', async () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      const wrong = { code: 'InvalidConfiguration', field: 'concurrency' };
      await expect(crashMatrix(harnessOf(passwordRotator), { concurrency })).rejects.toMatchObject(wrong);
      await expect(randomWalks(harnessOf(passwordRotator), { walks: 1, concurrency })).rejects.toMatchObject(
        wrong,
      );
    }
  });

  it('leaves no server behind if the target makes no account', async () => {
    const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
    const before = servers();
    const account = async () => {
      await sleep(300);
      throw new Error('The target has too many accounts.');
    };
    await expect(crashMatrix({ ...harnessOf(passwordRotator), account })).rejects.toThrow(
      'too many accounts',
    );
    expect(servers()).toBe(before);
  });

  const moduleOf = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  it.each([
    ['that is not there', moduleOf("import './nowhere.js'"), 'makes no rotator in another process: '],
    ['without a function', moduleOf('export const rotator = 1'), 'it has no function as its default export'],
    ['that throws', moduleOf('export default () => { throw new Error("no settings") }'), 'no settings'],
    ['that makes something else', moduleOf('export default () => ({})'), 'kind must be'],
    ['that ends its process', moduleOf('process.exit(3)'), 'ends the process that imports it (3)'],
    [
      'that makes another rotator',
      moduleOf(`export default () => ({
        kind: 'changes', name: 'another', overlap: 'none', changedBy: 'account',
        parse() {}, target() {}, open() {}, generate() {}, change() {},
      })`),
      'makes the rotator another, and the harness has memory-password',
    ],
  ])('says that the harness has a module %s, before any cell', async (_what, url, fault) => {
    const harness = { ...harnessOf(passwordRotator), module: { url } };
    const error = { code: 'InvalidConfiguration', field: 'module', message: expect.stringContaining(fault) };
    await expect(crashMatrix(harness)).rejects.toMatchObject(error);
    await expect(randomWalks(harness, { walks: 1 })).rejects.toMatchObject(error);
  });

  it('passes a sound rotator of tokens', async () => {
    const report = await crashMatrix(harnessOf(tokenRotator), { only: dealtCrashes });
    expect(failures(report)).toEqual([]);
    expect(report.cells.map(({ place }) => place)).toContain('createSecret: target issue');
  });

  it('finds a change that leaves the target without a credential for a moment, and runs that cell alone', async () => {
    const careless: MemoryPasswordRotator = {
      ...passwordRotator,
      change: async (session, { password }, { using }) => {
        await session.ask({ op: 'set', password: 'nobody knows', old: using.password, keep: false });
        await session.ask({ op: 'set', password, old: 'nobody knows', keep: false });
      },
    };
    await expect(crashMatrix(harnessOf(careless))).rejects.toThrow(
      'A rotation fails without any fault: No stored version opens the target.',
    );
  });

  it('finds a change that can not be made twice', async () => {
    const once: MemoryPasswordRotator = {
      ...passwordRotator,
      change: async (session, { password }, { using, current }) => {
        if (using.password !== current.password) throw new Error('Only AWSCURRENT may change it.');
        const { ok } = await session.ask({ op: 'set', password, old: current.password, keep: false });
        if (!ok) throw new Error('Refused.');
      },
    };
    const report = await crashMatrix(harnessOf(once), { only: afterCrashes });
    const [failed] = report.failed;
    expect(new Set(report.failed.map(({ recovery }) => recovery))).toEqual(new Set(['pending-cleared']));
    expect(failed?.failure).toContain('Only AWSCURRENT may change it.');
    expect(failed?.trace.join('\n')).toContain(failed?.fault);
    const alone = await crashMatrix(harnessOf(once), { only: ({ id }) => id === failed?.id });
    expect(failures(alone)).toEqual(failures({ ...report, failed: report.failed.slice(0, 1) }));
  });

  it('finds an old credential that works no longer although overlap says so', async () => {
    const hasty: MemoryPasswordRotator = { ...passwordRotator, overlap: 'until-next-rotation' };
    await expect(crashMatrix(harnessOf(hasty))).rejects.toMatchObject({
      code: 'PreflightFailed',
      message: expect.stringContaining('AWSCURRENT does not open the target.'),
    });
  });

  it('finds a token that was to be revoked at once and is not', async () => {
    const lenient: MemoryTokenRotator = {
      ...tokenRotator,
      revocation: 'at-once',
      revoke: async () => undefined,
    };
    await expect(crashMatrix(harnessOf(lenient))).rejects.toThrow(
      'A rotation fails without any fault: AWSPREVIOUS opens the target, and was to be revoked at once.',
    );
  });

  it('strikes at the revocation of what a rotation before has left', async () => {
    const struck = await crashMatrix(harnessOf(tokenRotator), {
      only: ({ place, fault, recovery }) =>
        place === 'finishSecret: target revoke' && fault === 'lost-answer' && recovery === 'retried',
    });
    expect(struck.cells).toHaveLength(1);
    expect(failures(struck)).toEqual([]);
  });

  it('finds what was minted and is left alive', async () => {
    const forgetful: MemoryTokenRotator = { ...tokenRotator, revokeOrphans: async () => undefined };
    const report = await crashMatrix(harnessOf(forgetful), {
      only: (cell) =>
        afterCrashes(cell) && cell.place.endsWith('issue') && cell.recovery !== 'second-invocation',
    });
    const failure = '1 issued credentials work and are in no labelled version.';
    expect(failures(report).sort(byId)).toEqual(
      report.cells.map(({ id, place }) => ({ id, place, failure })).sort(byId),
    );
  });
});

describe('random walks', { timeout: 300_000 }, () => {
  it('find the newest of many versions without a label that were made at the same time', async () => {
    const plain = { call: 1, fault: 'crash-before', recovery: 'retried' } as const;
    const calls = (await remoteCalls(harnessOf(passwordRotator))).map(({ call }) => call.name);
    const change = calls.indexOf('change') + 1;
    const lost = { call: change, fault: 'lost-answer', recovery: 'pending-cleared' } as const;
    const plans = [plain, plain, plain, plain, plain, lost];
    const { failure } = await runPlans(harnessOf(passwordRotator), plans, undefined);
    expect(failure).toBeUndefined();
  });

  it('pass a sound rotator', async () => {
    const { failed } = await randomWalks(harnessOf(passwordRotator), { walks: 20 });
    expect(failed).toEqual([]);
  });

  it('find what a cell does not, name the shortest walk, and walk it again with the same seed', async () => {
    // The third change of an account fails for good.
    const tired = (): MemoryPasswordRotator => {
      const changes = new Map<string, number>();
      return {
        ...passwordRotator,
        change: async (session, pending, context) => {
          const count = (changes.get(pending.username) ?? 0) + 1;
          changes.set(pending.username, count);
          if (count > 2) throw new Error('Too tired.');
          await passwordRotator.change(session, pending, context);
        },
      };
    };
    const walk = () => randomWalks(harnessOf(tired()), { walks: 20, seed: 7, concurrency: 1 });
    const [first, second] = [await walk(), await walk()];
    expect(first.failed[0]?.failure).toContain('Too tired.');
    expect(first.failed.map(({ plans }) => plans)).toEqual(second.failed.map(({ plans }) => plans));
  });
});
