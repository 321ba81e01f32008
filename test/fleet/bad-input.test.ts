import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import { runKeyturnAlone } from '../cli/keyturn-process.ts';
import { allow, deny, policy, user } from '../local/access-harness.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';

/** Policies are enforced: the operator may neither read nor rotate some secrets. */
describe('keyturn fleet, if something is wrong,', () => {
  let fleet: Fleet;
  let folder: string;
  const owner = user('admin', { policies: [policy(allow('*'))] });
  const secretsLike = (name: string) => ({
    Resource: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}`,
  });
  const operator = user('operator', {
    policies: [
      policy(
        allow('*'),
        deny('secretsmanager:RotateSecret', secretsLike('*not-mine-*')),
        deny('secretsmanager:GetSecretValue', secretsLike('*hidden-*')),
      ),
    ],
  });
  beforeAll(async () => {
    fleet = await startFleet({ policies: 'enforce', principals: [owner, operator] }, owner);
    folder = await mkdtemp(join(tmpdir(), 'keyturn-fleet-bad-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await fleet.close();
  });

  async function keyturn(...args: string[]) {
    const variables = {
      AWS_ENDPOINT_URL: fleet.local.url,
      AWS_ACCESS_KEY_ID: operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
    };
    const ended = await runKeyturnAlone(variables, 'fleet', ...args, '--json');
    expect(ended.stdout, ended.stderr).not.toBe('');
    const document: Record<string, unknown> = JSON.parse(ended.stdout);
    return { ...ended, document };
  }

  async function planFor(prefix: string, change: Partial<FleetPlan> = {}, ...more: string[]) {
    const file = join(folder, 'plan.json');
    expect((await keyturn('plan', prefix, '--out', file, ...more)).code).toBe(0);
    const plan: FleetPlan = JSON.parse(await readFile(file, 'utf8'));
    const waves = plan.waves.map((wave) => ({
      ...wave,
      items: wave.items.map((item) => ({ ...item, pollSeconds: 1, mostLooks: 3 })),
    }));
    await writeFile(file, JSON.stringify({ ...plan, waves, ...change }));
    return { file, plan };
  }

  it('names secrets that the operator may not read or rotate, and rotates the rest', async () => {
    for (const name of ['a', 'b', 'not-mine', 'hidden']) await fleet.add(`some/${name}`, `db-${name}`);
    const { file, plan } = await planFor('some/', {}, '--tolerate', '100');
    expect(plan.blocked).toEqual([expect.objectContaining({ name: 'some/hidden', reason: 'unreadable' })]);
    const { code, document } = await keyturn('start', file, '--here');
    expect(code).toBe(1);
    expect(document).toMatchObject({
      end: 'finished',
      counts: { rotated: 2, refused: 1 },
      failures: [
        { name: 'some/not-mine', outcome: 'refused', detail: expect.stringContaining('RotateSecret') },
      ],
    });
    // Without reading values, it is planned.
    const byFunction = await keyturn('plan', 'some/', '--group-by', 'function');
    expect(byFunction.document).toMatchObject({ secrets: 4, targets: 1, blocked: [] });
  }, 60_000);

  it('leaves a target alone that refuses everything, and rotates those of the others', async () => {
    const arns = await fleet.addMany('deaf/', 8, 2);
    for (const [index, arn] of arns.entries()) if (index % 2 === 0) fleet.breakFor(arn);
    const { file } = await planFor('deaf/', {}, '--tolerate', '50');
    const { code, document } = await keyturn('start', file, '--here');
    expect(code).toBe(1);
    expect(document).toMatchObject({ counts: { rotated: 4, unfinished: 1, skipped: 3 } });
    const { document: report } = await keyturn('report', file);
    expect(report.left).toHaveLength(4);
    expect(report.left).toContainEqual(expect.objectContaining({ name: 'deaf/000', target: 'db-0' }));
  }, 60_000);

  it('waits for a rotation that is under way, and rotates nothing twice', async () => {
    const arn = await fleet.add('busy/a', 'db');
    const { file } = await planFor('busy/');
    fleet.breakFor(arn);
    await fleet.client.send(new RotateSecretCommand({ SecretId: arn }));
    await fleet.local.rotationsSettled(arn);
    const planned = await keyturn('plan', 'busy/');
    expect(planned.document).toMatchObject({ secrets: 0, blocked: [{ name: 'busy/a', reason: 'stuck' }] });
    fleet.mendFor(arn);
    const { code, document } = await keyturn('start', file, '--here');
    expect(document).toMatchObject({ counts: { rotated: 1 } });
    expect(code).toBe(0);
    expect(fleet.rotationsOf('busy/')).toBe(1);
  }, 60_000);

  it('tells that a plan is old, and that one has nothing to rotate', async () => {
    await fleet.add('old/a', 'db');
    const threeDaysAgo = new Date(Date.now() - 3.5 * 86_400_000).toISOString();
    const old = await planFor('old/', { madeAt: threeDaysAgo });
    const started = await keyturn('start', old.file, '--here');
    expect(started).toMatchObject({ code: 0, document: { planDaysOld: 3, counts: { rotated: 1 } } });
    const value = JSON.stringify({ engine: 'postgres', host: 'db', username: 'a', password: 'p' });
    await fleet.client.send(new CreateSecretCommand({ Name: 'empty/off', SecretString: value }));
    const { file } = await planFor('empty/');
    const nothing = await keyturn('start', file, '--here');
    expect(nothing).toMatchObject({ code: 0, document: { secrets: 0, blocked: [{ name: 'empty/off' }] } });
    const nobody = await keyturn('plan', 'nobody/');
    expect(nobody).toMatchObject({ code: 1, document: { error: { code: 'SecretNotFound' } } });
  }, 60_000);

  it('rotates a fleet of one', async () => {
    await fleet.add('one/a', 'db');
    const { file } = await planFor('one/');
    expect((await keyturn('start', file, '--here')).document).toMatchObject({ counts: { rotated: 1 } });
    expect((await keyturn('report', file)).code).toBe(0);
  }, 60_000);
});
