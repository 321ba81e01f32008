import { setTimeout as sleep } from 'node:timers/promises';
import { paginateListExecutions, RedriveExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { python, type StateMachines, skipped, startStateMachines } from './state-machines.ts';

describe.skipIf(python === undefined)(`keyturn fleet redrive${skipped}`, () => {
  let machines: StateMachines;
  let sfn: SFNClient;
  beforeAll(async () => {
    machines = await startStateMachines();
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    sfn = new SFNClient({ endpoint: machines.redriving.url, region: 'us-east-1', credentials });
  }, 120_000);
  afterAll(async () => {
    sfn?.destroy();
    await machines?.close();
  });

  /** A run that failed at the first secret of one of two targets, and the secret. */
  async function failedRun(prefix: string) {
    const { fleet, machine, keyturn, planFor } = machines;
    const [first = ''] = await fleet.addMany(prefix, 6, 2);
    fleet.breakFor(first);
    const file = await planFor(prefix, '--waves', 'canary,100', '--tolerate', '0');
    const { document } = await keyturn('start', file, '--state-machine', machine);
    const execution = String(document.execution);
    const watched = await keyturn('watch', execution);
    expect(watched.document).toMatchObject({ status: 'FAILED', waves: [{ succeeded: 1, failed: 1 }] });
    return { file, execution, first };
  }

  /** How often targets were begun. */
  async function targetsBegun(): Promise<number> {
    let count = 0;
    const wanted = { stateMachineArn: machines.targetMachine };
    for await (const { executions = [] } of paginateListExecutions({ client: sfn }, wanted))
      count += executions.length;
    return count;
  }

  it('continues a run that failed with what is not done, and rotates nothing twice', async () => {
    const { fleet, keyturn, redriving } = machines;
    const { file, execution, first } = await failedRun('again/');
    expect(fleet.rotationsOf('again/')).toBe(1);
    fleet.mendFor(first);
    const begun = await targetsBegun();
    const granted = redriving.granted();
    const redriven = await keyturn('redrive', execution);
    expect(redriven).toMatchObject({
      code: 0,
      document: { execution, outcome: 'redriven', redriveCount: 1 },
    });
    const watched = await keyturn('watch', execution);
    expect(watched).toMatchObject({
      code: 0,
      document: { status: 'SUCCEEDED', waves: [{ succeeded: 2, failed: 0 }, { succeeded: 2 }] },
    });
    // The first wave's failed target, and both of the second wave.
    expect(await targetsBegun()).toBe(begun + 3);
    expect(fleet.rotationsOf('again/')).toBe(6);
    expect((await keyturn('report', file)).document).toMatchObject({ counts: { rotated: 6 }, left: [] });
    const twice = await keyturn('redrive', execution);
    expect(twice.code).toBe(1);
    expect(twice.document).toMatchObject({
      error: { code: 'FleetNotRedrivable', message: expect.stringContaining('keyturn fleet start PLAN') },
    });
    expect(redriving.granted()).toBe(granted + 1);
  }, 120_000);

  it('continues a run that an operator has stopped', async () => {
    const { fleet, machine, keyturn, planForHeld } = machines;
    await fleet.addMany('stop/', 8, 1);
    const file = await planForHeld('stop/', '--waves', '100');
    const goOn = fleet.holdAfter('stop/', 2);
    const execution = String((await keyturn('start', file, '--state-machine', machine)).document.execution);
    const running = await keyturn('redrive', execution);
    expect(running.document).toMatchObject({
      error: { code: 'FleetNotRedrivable', message: expect.stringContaining('keyturn fleet watch') },
    });
    while (fleet.rotationsOf('stop/') < 2) await sleep(50);
    await keyturn('stop', execution);
    await keyturn('watch', execution);
    expect(fleet.rotationsOf('stop/')).toBeLessThan(8);
    expect((await keyturn('redrive', execution)).document).toMatchObject({ outcome: 'redriven' });
    // While it runs, the plan is not started beside it.
    const beside = await keyturn('start', file, '--state-machine', machine);
    goOn();
    expect(beside.document).toMatchObject({
      error: { code: 'FleetUnusable', message: expect.stringContaining(execution) },
    });
    expect((await keyturn('watch', execution)).code).toBe(0);
    expect(fleet.rotationsOf('stop/')).toBe(8);
  }, 120_000);

  it('says what to do where AWS refuses, and rotates nothing', async () => {
    const { fleet, keyturn, redriving } = machines;
    const { execution } = await failedRun('refused/');
    const before = fleet.rotationsOf('refused/');
    const granted = redriving.granted();
    const refusals = [
      ['ExecutionLimitExceeded', 'Throttled', 'Try again when some have ended'],
      ['ExecutionNotRedrivable', 'FleetNotRedrivable', 'Start its plan again'],
      ['AccessDeniedException', 'AccessDenied', 'states:RedriveExecution'],
    ] as const;
    for (const [error, code, words] of refusals) {
      redriving.refuseNext(error);
      const { document } = await keyturn('redrive', execution);
      expect(document).toMatchObject({ error: { code, message: expect.stringContaining(words) } });
    }
    const none = await keyturn('redrive', `${execution}0`);
    expect(none.document).toMatchObject({ error: { code: 'FleetUnusable' } });
    redriving.letDaysPass(15);
    for (const tellsStatus of [true, false]) {
      redriving.tellsStatus = tellsStatus;
      const { code, document } = await keyturn('redrive', execution);
      expect(code).toBe(1);
      expect(document).toMatchObject({
        error: {
          code: 'FleetNotRedrivable',
          message: expect.stringContaining('Execution redrivable period exceeded. Start its plan again'),
        },
      });
    }
    redriving.tellsStatus = true;
    redriving.letDaysPass(-15);
    expect(redriving.granted()).toBe(granted);
    expect(fleet.rotationsOf('refused/')).toBe(before);
  }, 120_000);

  it('takes the ARN of an execution, and of nothing else', async () => {
    const arn = 'arn:aws:states:us-east-1:000000000000';
    for (const wrong of [
      'fleet',
      `${arn}:stateMachine:keyturn-fleet`,
      `${arn}:execution:keyturn-fleet/Targets:one`,
      `${arn}:mapRun:keyturn-fleet/Targets:one`,
      `${arn}:express:keyturn-fleet:one:two`,
    ]) {
      for (const verb of ['redrive', 'watch', 'stop']) {
        const { code, document } = await machines.keyturn(verb, wrong);
        expect(code).toBe(2);
        expect(document).toMatchObject({ error: { code: 'WrongArguments' } });
      }
    }
  }, 60_000);

  it('is proven at a stand-in that refuses what AWS documents', async () => {
    const ask = async (executionArn: string, clientToken?: string) =>
      sfn.send(new RedriveExecutionCommand({ executionArn, clientToken })).then(
        ({ redriveDate }) => redriveDate?.getTime(),
        (error: Error) => error.name,
      );
    const { fleet, keyturn } = machines;
    const { execution, first } = await failedRun('strict/');
    expect(await ask('no ARN')).toBe('InvalidArn');
    expect(await ask(`${execution}0`)).toBe('ExecutionDoesNotExist');
    expect(await ask(execution.replace(':execution:', ':express:'))).toBe('ExecutionNotRedrivable');
    expect(await ask(execution, 'with space')).toBe('ValidationException');
    fleet.mendFor(first);
    const date = await ask(execution, 'token');
    expect(date).toEqual(expect.any(Number));
    // A repeated request is the same; another one finds it running.
    expect(await ask(execution, 'token')).toBe(date);
    expect(await ask(execution, 'another')).toBe('ExecutionNotRedrivable');
    expect((await keyturn('watch', execution)).code).toBe(0);
    expect(await ask(execution, 'later')).toBe('ExecutionNotRedrivable');
    expect(fleet.rotationsOf('strict/')).toBe(6);
  }, 120_000);
});
