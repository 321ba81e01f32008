import { randomUUID } from 'node:crypto';
import { readFunction } from '../../cli/attach.ts';
import { validatePolicy } from '../../cli/create/store.ts';
import { printable } from '../../cli/printable.ts';
import { attach } from '../../cli/rotation/attach.ts';
import { rotateAndFollow } from '../../cli/rotation/rotate.ts';
import { askPreflight } from '../../cli/rotation/status.ts';
import { counted } from '../../counted.ts';
import { nextDates } from '../../create/schedule-dates.ts';
import { isKeyturnError, KeyturnError, messageOf } from '../../errors.ts';
import {
  type RotationRules,
  type Secret,
  scheduleExpression,
  type VersionDetails,
} from '../../secrets-manager/port.ts';

import { type Answered, told } from '../answered.ts';
import { diagnoseSecret } from '../diagnosis.ts';
import { compactJson, problemOf, scheduleOf } from '../draft.ts';
import { stateOf } from '../inventory.ts';
import { type App, type Ctx, functionsIn, type Routing, rotationTimeoutMs, shownDates } from '../routing.ts';
import { timelineOf } from '../timeline.ts';
import { showValue } from '../value.ts';
import type { World } from '../worlds.ts';
import { secretUrl } from './parts.ts';
import { type PreflightAnswer, secretPage } from './secret.ts';

/** Adds the page of one secret, and the routes of its buttons and forms. */
export function addSecret(app: App, routing: Routing): void {
  const { base, worlds, activity, policies, movesOf, now, note } = routing;
  const { worldOf, viewOf, page, formOf, flash, flashError, noteUnexpected, startRun } = routing;
  const preflights = new Map<string, PreflightAnswer>();

  app.get('/secret', async (c) => {
    const world = worldOf(c);
    const { secrets: api } = world;
    const secret = await api.details(c.req.query('id') ?? '');
    const isDeleted = secret.deletedOn !== undefined;
    const [verdict, versions, policy] = await Promise.all([
      told(diagnoseSecret(api, secret.arn, preflights.get(secret.arn)?.preflight, now())),
      told(api.versionDetails(secret.arn)),
      isDeleted ? told(Promise.resolve(undefined)) : told(api.policy(secret.arn)),
    ]);
    // The secret was deleted meanwhile.
    for (const part of [verdict, versions, policy])
      if (!part.ok && isKeyturnError(part.error, 'SecretNotFound')) throw part.error;
    const view = viewOf(c);
    const body = secretPage(view, {
      secret,
      state: stateOf(secret, activity, view.nowMs),
      verdict,
      versions,
      timeline: versions.ok
        ? timelineOf(withEmpty(versions.value, secret), movesOf(secret.arn), view.nowMs)
        : undefined,
      policy,
      run: activity.runOf(secret.arn),
      preflight: preflights.get(secret.arn),
      dates: datesOf(secret, view.nowMs),
      functions: await functionsIn(world),
    });
    return page(c, view, { title: secret.name, active: 'secrets', live: secret.arn, body });
  });

  app.post('/secret/reveal', async (c) => {
    const sent = await formOf(c, 'reads');
    const [id, version] = [sent.get('id') ?? '', sent.get('version') ?? ''];
    try {
      const value = await worldOf(c).secrets.readAny(id, version);
      if (value.kind === 'binary')
        return c.json({ form: `Binary, ${value.bytes} bytes`, fields: [], text: undefined });
      return c.json(showValue(value.text));
    } catch (error) {
      const why =
        policies === undefined
          ? undefined
          : `${base}/who-may?${new URLSearchParams({ principal: worldOf(c).principal ?? '', call: 'GetSecretValue', secret: id })}`;
      const denied = isKeyturnError(error, 'AccessDenied') ? { why } : {};
      if (!isKeyturnError(error)) noteUnexpected(error);
      const problem_ = isKeyturnError(error) ? error.message : 'Something went wrong in the console itself.';
      return c.json({ problem: problem_, ...denied }, 422);
    }
  });

  app.post('/schedule-dates', async (c) => {
    const sent = await formOf(c, 'reads');
    const rules = rulesOf(sent.get('expression') ?? '', sent.get('duration') ?? '');
    const dates = datesOf({ rules, lastRotated: undefined }, now());
    if (dates !== undefined && !dates.ok) return c.json({ problem: messageOf(dates.error) });
    return c.json({ dates: (dates?.value ?? []).map((date) => date.toISOString()) });
  });

  /** Adds a route that changes a secret, and then shows its page again. */
  const change = (
    path: string,
    work: (c: Ctx, id: string, sent: URLSearchParams, world: World) => Promise<string>,
  ): void => {
    app.post(`/secret/${path}`, async (c) => {
      const sent = await formOf(c);
      const id = sent.get('id') ?? '';
      const world = worldOf(c);
      try {
        const text = await work(c, id, sent, world);
        note(`${path} ${printable(id)}`);
        if (text !== '') flash(c, { tone: 'good', text });
      } catch (error) {
        flashError(c, error, { typed: { action: `secret/${path}`, fields: sent } });
      }
      worlds.forget();
      activity.changed(id);
      return c.redirect(secretUrl({ base }, id), 303);
    });
  };
  change('rotate', async (_c, id, _sent, world) => {
    const secret = await world.secrets.describe(id);
    if (secret.functionArn === undefined || secret.rotationEnabled !== true)
      throw new KeyturnError('RotationNotEnabled', `Rotation of ${secret.name} is off.`, 'Turn it on first.');
    startRun(world, {
      arn: secret.arn,
      title: 'Rotation',
      rotates: true,
      work: async (tools) => {
        const answer = await rotateAndFollow(tools, secret, rotationTimeoutMs);
        return { ok: answer.outcome === 'succeeded', reason: answer.reason };
      },
    });
    return '';
  });
  change('attach', async (_c, id, sent, world) => {
    const attachment = {
      secret: id,
      functionArn: inWords(() => readFunction(sent.get('function')?.trim())),
      schedule: inWords(() =>
        scheduleOf({
          every: sent.get('every')?.trim() ?? '',
          atHour: sent.get('at-hour')?.trim() ?? '',
          window: sent.get('window')?.trim() ?? '',
        }),
      ),
      immediately: sent.get('immediately') === 'yes',
      timeoutMs: rotationTimeoutMs,
    };
    const { arn } = await world.secrets.describe(id);
    const title = 'Turning rotation on';
    startRun(world, { arn, title, rotates: true, work: (tools) => attach(tools, attachment) });
    return '';
  });
  change('clear-pending', async (_c, id, sent, { secrets: api }) => {
    await api.moveLabel(id, 'AWSPENDING', { from: sent.get('version') ?? '' });
    return 'AWSPENDING is taken off. The version stays, without a label.';
  });
  change('turn-off', async (_c, id, _sent, { secrets: api }) => {
    await api.cancelRotation(id);
    return 'Rotation is off.';
  });
  change('schedule', async (_c, id, sent, { secrets: api }) => {
    const rules = rulesOf(sent.get('expression') ?? '', sent.get('duration') ?? '');
    const dates = datesOf({ rules, lastRotated: undefined }, now());
    if (dates === undefined)
      throw new KeyturnError('InvalidConfiguration', 'The schedule is empty.', 'Say when.');
    if (!dates.ok)
      throw new KeyturnError('InvalidConfiguration', messageOf(dates.error), 'Nothing was changed.');
    await api.rotate(id, { token: randomUUID(), rules, immediately: false });
    return 'The schedule is changed.';
  });
  change('preflight', async (_c, id, _sent, { secrets: api, functions }) => {
    const secret = await api.describe(id);
    const preflight = await askPreflight({ functions }, secret);
    preflights.set(secret.arn, { at: now(), preflight });
    return '';
  });
  change('policy', async (c, id, sent, { secrets: api }) => {
    const policy = compactJson(sent.get('policy') ?? '');
    if (policy === undefined)
      throw new KeyturnError(
        'InvalidConfiguration',
        'The policy is not JSON.',
        'Correct it. Nothing was changed.',
      );
    if (sent.get('do') === 'validate') {
      const notes = await validatePolicy(api, policy);
      const text =
        notes.length === 0
          ? 'The policy is valid. It is not saved yet.'
          : `The policy would be taken. ${notes.join(' ')}`;
      flash(c, { tone: 'good', text, typed: { action: 'secret/policy', fields: sent } });
      return '';
    }
    await validatePolicy(api, policy);
    await api.putPolicy(id, policy);
    return 'The policy is saved.';
  });
  change('remove-policy', async (_c, id, _sent, { secrets: api }) => {
    await api.removePolicy(id);
    return 'The policy is removed.';
  });
  change('describe', async (_c, id, sent, { secrets: api }) => {
    await api.changeDescription(id, (sent.get('description') ?? '').replaceAll('\r\n', '\n'));
    return 'The description is changed.';
  });
  change('tag', async (_c, id, sent, { secrets: api }) => {
    await api.tag(id, sent.get('tag-key') ?? '', sent.get('tag-value') ?? '');
    return 'The tag is added.';
  });
  change('untag', async (_c, id, sent, { secrets: api }) => {
    await api.untag(id, sent.get('key') ?? '');
    return 'The tag is removed.';
  });
  change('replicate', async (_c, id, sent, { secrets: api }) => {
    await api.replicate(id, (sent.get('region') ?? '').trim(), sent.get('key')?.trim() || undefined);
    return 'The secret is replicated.';
  });
  change('remove-replica', async (_c, id, sent, { secrets: api }) => {
    await api.removeReplica(id, sent.get('region') ?? '');
    return 'The replica is removed.';
  });
  change('delete', async (_c, id, sent, { secrets: api }) => {
    const days = Number(sent.get('days'));
    if (!Number.isInteger(days) || days < 7 || days > 30)
      throw new KeyturnError(
        'InvalidConfiguration',
        'The recovery window is 7 to 30 days.',
        'Nothing was deleted.',
      );
    const { name } = await api.describe(id);
    if (sent.get('confirm')?.trim() !== name)
      throw new KeyturnError(
        'InvalidConfiguration',
        'That is not the name of the secret.',
        'Nothing was deleted.',
      );
    await api.remove(id, days);
    return `It is deleted in ${counted(days, 'day')}, and can be restored until then.`;
  });
  change('restore', async (_c, id, _sent, { secrets: api }) => {
    await api.restore(id);
    return 'The secret is restored.';
  });
}

/** Adds the versions that have a label but no value. ListSecretVersionIds leaves them out. */
function withEmpty(
  versions: readonly VersionDetails[],
  { stages }: Pick<Secret, 'stages'>,
): readonly VersionDetails[] {
  const listed = new Set(versions.map(({ id }) => id));
  const empty = Object.entries(stages).filter(([id]) => !listed.has(id));
  return [
    ...empty.map(([id, labels]) => ({
      id,
      labels,
      createdAt: undefined,
      accessedAt: undefined,
      keys: [],
    })),
    ...versions,
  ];
}

/** Reads something of a form. @throws InvalidConfiguration in the words of a page, for a UsageError */
function inWords<T>(read: () => T): T {
  const problem_ = problemOf(read);
  if (problem_ === undefined) return read();
  throw new KeyturnError(
    'InvalidConfiguration',
    `${problem_.charAt(0).toUpperCase()}${problem_.slice(1)}.`,
    'Nothing was changed.',
  );
}

function rulesOf(expression: string, duration: string): RotationRules {
  return {
    ScheduleExpression: expression.trim(),
    ...(duration.trim() === '' ? {} : { Duration: duration.trim() }),
  };
}

function datesOf(
  { rules, lastRotated }: Pick<Secret, 'rules' | 'lastRotated'>,
  nowMs: number,
): Answered<readonly Date[]> | undefined {
  const expression = scheduleExpression(rules);
  if (expression === undefined || expression === '') return undefined;
  try {
    // A rate counts from the last rotation.
    const fromMs = Math.max(lastRotated?.getTime() ?? nowMs, nowMs - longestMs);
    const dates = nextDates({ expression, duration: rules?.Duration }, fromMs, shownDates * 4);
    return { ok: true, value: dates.filter((date) => date.getTime() > nowMs).slice(0, shownDates) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** From how long ago dates are counted. It limits how many dates of a schedule in hours are in the past. */
const longestMs = 2 * 86_400_000;
