import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withDefinitions } from '../../scripts/fleet-template.ts';
import { fleetDefinition, targetDefinition } from '../../src/fleet/definition.ts';
import { ending, runKeyturnAlone, startKeyturn } from '../cli/keyturn-process.ts';
import { readTemplate } from '../support/template.ts';
import { python, type StateMachines, skipped, startStateMachines } from './state-machines.ts';

describe('the definitions of the state machines', () => {
  it.each([
    ['the fleet', fleetDefinition],
    ['a target', targetDefinition],
  ])('of %s have no fault that asl-validator finds', async (_name, definition) => {
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-asl-'));
    const file = join(folder, 'definition.json');
    await writeFile(file, JSON.stringify(definition));
    // It has no types, but a command.
    const program = fileURLToPath(
      new URL('../../node_modules/asl-validator/dist/bin/asl-validator.js', import.meta.url),
    );
    const checked = await promisify(execFile)(process.execPath, [program, '--json-path', file]).finally(() =>
      rm(folder, { recursive: true }),
    );
    expect(checked.stdout + checked.stderr).not.toMatch(/error|invalid/i);
  });

  it('are those in fleet.yaml (npm run generate:fleet)', async () => {
    const template = await readFile(new URL('../../fleet.yaml', import.meta.url), 'utf8');
    expect(template).toBe(withDefinitions(template));
    expect(template).toContain('Resource: arn:aws:states:::aws-sdk:secretsmanager:rotateSecret');
  });

  it('are the same as CloudFormation reads them', async () => {
    const { Resources } = await readTemplate('fleet.yaml');
    expect(Resources.TargetStateMachine?.Properties).toMatchObject({ Definition: targetDefinition });
    expect(Resources.FleetStateMachine?.Properties).toMatchObject({ Definition: fleetDefinition });
  });
});

describe.skipIf(python === undefined)(`the state machines, interpreted${skipped}`, () => {
  let machines: StateMachines;
  beforeAll(async () => {
    machines = await startStateMachines();
  }, 120_000);
  afterAll(() => machines?.close());

  it("rotate a plan wave after wave, with at most so many of a target, at AWS's quotas", async () => {
    const { fleet, s3, machine, keyturn, planFor } = machines;
    await fleet.addMany('all/', 30, 3);
    const file = await planFor('all/', '--per-target', '2', '--waves', 'canary,100');
    const started = await keyturn('start', file, '--state-machine', machine);
    expect(started.code).toBe(0);
    const execution = String(started.document.execution);
    const twice = await keyturn('start', file, '--state-machine', machine);
    expect(twice.document).toMatchObject({ error: { code: 'FleetUnusable' } });
    const watched = await keyturn('watch', execution);
    expect(watched.document).toMatchObject({
      status: 'SUCCEEDED',
      waves: [{ succeeded: 3 }, { succeeded: 3 }],
    });
    expect(watched.code).toBe(0);
    expect((await keyturn('report', file)).document).toMatchObject({ counts: { rotated: 30 }, left: [] });
    expect(fleet.mostAtOnce('all/')).toBeLessThanOrEqual(6);
    expect([...s3.objects.keys()].filter((key) => key.endsWith('manifest.json'))).toHaveLength(2);
    // Again: all of it is rotated already.
    const again = await keyturn('start', file, '--state-machine', machine);
    expect((await keyturn('watch', String(again.document.execution))).code).toBe(0);
    expect(fleet.rotationsOf('all/')).toBe(30);
  }, 120_000);

  it('leave a target alone whose first secret fails, name it, and take up what is left later', async () => {
    const { fleet, machine, keyturn, planFor } = machines;
    const [first] = await fleet.addMany('some/', 8, 2);
    fleet.breakFor(String(first));
    const file = await planFor('some/', '--waves', 'canary,100', '--tolerate', '50');
    const started = await keyturn('start', file, '--state-machine', machine);
    const watched = await keyturn('watch', String(started.document.execution));
    expect(watched.code).toBe(1);
    expect(watched.document).toMatchObject({
      waves: [
        { succeeded: 1, failed: 1 },
        { succeeded: 1, failed: 1 },
      ],
    });
    expect(fleet.rotationsOf('some/')).toBe(4);
    const { code, document } = await keyturn('report', file);
    expect(code).toBe(3);
    expect(document.left).toHaveLength(4);
    fleet.mendFor(String(first));
    const again = await keyturn('start', file, '--state-machine', machine);
    expect((await keyturn('watch', String(again.document.execution))).code).toBe(0);
    expect(fleet.rotationsOf('some/')).toBe(8);
  }, 120_000);

  it('stop at too many failed targets', async () => {
    const { fleet, machine, keyturn, planFor } = machines;
    const arns = await fleet.addMany('brake/', 8, 2);
    for (const arn of arns.slice(0, 2)) fleet.breakFor(arn);
    const file = await planFor('brake/', '--waves', 'canary,100', '--tolerate', '0');
    const started = await keyturn('start', file, '--state-machine', machine);
    const watched = await keyturn('watch', String(started.document.execution));
    expect(watched.document).toMatchObject({ status: 'FAILED' });
    expect(fleet.rotationsOf('brake/')).toBe(0);
  }, 120_000);

  it('are stopped by an operator, and go on with the same plan', async () => {
    const { fleet, machine, keyturn, planForHeld } = machines;
    await fleet.addMany('stop/', 10, 1);
    const file = await planForHeld('stop/', '--waves', '100');
    const goOn = fleet.holdAfter('stop/', 2);
    const started = await keyturn('start', file, '--state-machine', machine);
    const execution = String(started.document.execution);
    while (fleet.rotationsOf('stop/') < 2) await sleep(50);
    expect((await keyturn('stop', execution)).code).toBe(0);
    const { code, document } = await keyturn('watch', execution);
    // AWS says ABORTED. The interpreter says FAILED where the end of a nested execution reaches it first.
    expect(document.status, JSON.stringify(document)).toMatch(/^(ABORTED|FAILED)$/);
    expect(code).toBe(1);
    goOn();
    expect(fleet.rotationsOf('stop/')).toBeLessThan(10);
    const again = await keyturn('start', file, '--state-machine', machine);
    expect((await keyturn('watch', String(again.document.execution))).code).toBe(0);
    expect(fleet.rotationsOf('stop/')).toBe(10);
  }, 120_000);

  it('go on when the watching ends or gets no answer for a while, and another watch takes it up', async () => {
    const { fleet, machine, keyturn, planForHeld, redriving, variables } = machines;
    await fleet.addMany('watch/', 8, 1);
    const file = await planForHeld('watch/', '--waves', '100');
    const goOn = fleet.holdAfter('watch/', 2);
    const execution = String((await keyturn('start', file, '--state-machine', machine)).document.execution);
    const signals = [
      { sent: ['SIGINT'], codes: [130] },
      { sent: ['SIGTERM'], codes: [143] },
      { sent: ['SIGHUP'], codes: [129] },
      // The threads of a process may take two signals of one moment in either order.
      { sent: ['SIGINT', 'SIGTERM'], codes: [130, 143] },
      { sent: ['SIGHUP', 'SIGTERM'], codes: [129, 143] },
    ] as const;
    await Promise.all(
      signals.map(async ({ sent, codes }) => {
        const child = await startKeyturn({ variables }, 'fleet', 'watch', execution);
        const ended = ending(child);
        // It has looked once.
        await once(child.stdout, 'data');
        // It gets both in one moment. A later one could come when nothing of the process is left to hear it.
        child.kill('SIGSTOP');
        for (const signal of sent) child.kill(signal);
        child.kill('SIGCONT');
        const { code, signal, stdout } = await ended;
        expect(signal).toBeNull();
        expect(codes).toContain(code);
        expect(stdout).toContain(`Follow it again: keyturn fleet watch ${execution}`);
      }),
    );
    goOn();
    redriving.dropNext(9);
    const again = await runKeyturnAlone(variables, 'fleet', 'watch', execution);
    expect(again.stdout).toMatch(/No answer \((DeadlineExceeded|SecretsManagerUnreachable)\)/);
    expect(again.stdout).toContain('SUCCEEDED');
    expect(again.code).toBe(0);
    expect(fleet.rotationsOf('watch/')).toBe(8);
  }, 120_000);

  it('take no plan of another version, and keyturn no state machine of another', async () => {
    const { fleet, machine, keyturn, planFor, create } = machines;
    const old = await create(
      'old',
      { ...fleetDefinition, Comment: 'Keyturn fleet 0' },
      { Bucket: 'plans', TargetStateMachineArn: machine },
    );
    await fleet.add('one/a', 'db');
    const file = await planFor('one/');
    for (const [arn, words] of [
      [old, 'is of another version: Keyturn fleet 0'],
      [`${machine}-none`, 'There is no'],
      [machine.replace('us-east-1', 'eu-west-1'), 'another region'],
    ]) {
      const { code, document } = await keyturn('start', file, '--state-machine', String(arn));
      expect(code).toBe(1);
      expect(document).toMatchObject({
        error: { code: 'FleetUnusable', message: expect.stringContaining(String(words)) },
      });
    }
    expect(fleet.rotationsOf('one/')).toBe(0);
  }, 120_000);
});
