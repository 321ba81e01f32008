import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readFunction } from '../cli/attach.ts';
import { isUsageError } from '../cli/command.ts';
import { examine, finish, store, validatePolicy } from '../cli/create/store.ts';
import { printable } from '../cli/printable.ts';
import { attach } from '../cli/rotation/attach.ts';
import { regionOf } from '../cli/rotation/clients.ts';
import { rotateAndFollow, type Tools } from '../cli/rotation/rotate.ts';
import { telling } from '../cli/rotation/tools.ts';
import { secretAsCode } from '../create/as-code.ts';
import { codeSamples } from '../create/code-samples.ts';
import type { NewSecret } from '../create/new-secret.ts';
import { nextDates } from '../create/schedule-dates.ts';
import { maskTyped } from '../create/typed-mask.ts';
import { previewValue } from '../create/value-preview.ts';
import { isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import { explainAccess, type KnownPolicies, type SecretFacts } from '../local/access/explain.ts';
import { createRedactor } from '../redact.ts';
import type { RotationRules, Secret } from '../secrets-manager/port.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import type { Activity, Run } from './activity.ts';
import { isOwnForm } from './admission.ts';
import { loadAssets } from './assets.ts';
import { judge } from './diagnosis.ts';
import {
  compactJson,
  type Draft,
  kindOf,
  newDraft,
  newSecretOf,
  nextScreen,
  type Problems,
  problemOf,
  type Screen,
  scheduleOf,
  screens,
  takeForm,
} from './draft.ts';
import { findPage, type ListQuery, secretStates, stateOf } from './inventory.ts';
import { type Context, Hono, html, streamSSE } from './library.ts';
import { failurePage, layout, type PageParts } from './pages/layout.ts';
import {
  describeUnexpected,
  type Html,
  type PlaceView,
  problem,
  secretUrl,
  type View,
} from './pages/parts.ts';
import { rotationsPage } from './pages/rotations.ts';
import { type Answered, type PreflightAnswer, secretPage } from './pages/secret.ts';
import { listingPage, secretsPage, unlistedPage } from './pages/secrets.ts';
import { detailsScreen, reviewScreen, rotationScreen, storedPage, valueScreen } from './pages/store.ts';
import { type AskableCall, askableCalls, callsOnNothing, whoMayPage } from './pages/who-may.ts';
import { type Flash, secret as makeSecret, type Session, type Sessions } from './sessions.ts';
import { type SeenMove, timelineOf } from './timeline.ts';
import { showValue } from './value.ts';
import type { World, Worlds } from './worlds.ts';

/** What the pages are made of. */
export interface AppParts {
  readonly base: string;
  readonly place: PlaceView;
  readonly sessions: Sessions;
  readonly sessionOf: (request: IncomingMessage) => Session;
  readonly worlds: Worlds;
  readonly activity: Activity;
  /** When labels moved, as far as it was seen. */
  readonly movesOf: (arn: string) => readonly SeenMove[];
  /** Whether events come from the Secrets Manager itself. */
  readonly isExact: boolean;
  readonly policies: KnownPolicies | undefined;
  readonly readOnly: boolean;
  /** The time of the Secrets Manager, in ms since the epoch. */
  readonly now: () => number;
  /** Says something on the terminal. */
  readonly note: (line: string) => void;
  /** Tells that somebody watches, until the returned function is called. */
  readonly watch: () => () => void;
}

interface Env {
  readonly Bindings: { readonly incoming: IncomingMessage };
}

const ROTATION_TIMEOUT_MS = 120_000;
const DATES = 5;
const MOST_DRAFTS = 20;
const LIST_WAIT_MS = 1_500;

/** Makes the pages. Their requests were admitted, and have a session. */
export function createApp(parts: AppParts): Hono<Env> {
  const { base, activity, worlds, note, readOnly, now } = parts;
  const app = new Hono<Env>({ strict: false }).basePath(base);
  const assets = loadAssets();
  const preflights = new Map<string, PreflightAnswer>();

  const sessionOf = (c: Context<Env>): Session => parts.sessionOf(c.env.incoming);
  const worldOf = (c: Context<Env>): World => worlds.of(sessionOf(c).principal);
  const viewOf = (c: Context<Env>): View => {
    const session = sessionOf(c);
    const { flash } = session;
    // A request for news must not use up the message for the next page.
    if (c.req.header('x-keyturn-live') === undefined) session.flash = undefined;
    const all = worlds.principals;
    return {
      base,
      csrf: session.csrf,
      place: parts.place,
      principals: all.length === 0 ? undefined : { current: worldOf(c).principal ?? '', all },
      readOnly,
      flash,
      nowMs: now(),
    };
  };
  const page = async (c: Context<Env>, view: View, content: PageParts, status: 200 | 403 | 422 = 200) =>
    c.html(await layout(view, content), status);
  const failed = async (c: Context<Env>, error: unknown) => {
    if (error instanceof Refused) return c.text(error.message, 403);
    const view = viewOf(c);
    if (isKeyturnError(error)) {
      const title = error.code === 'SecretNotFound' ? 'There is no such secret' : 'That did not work';
      const status = error.code === 'SecretNotFound' ? 404 : error.code === 'AccessDenied' ? 403 : 502;
      return c.html(await failurePage(view, title, problem(error)), status);
    }
    note(`the console failed: ${describeUnexpected(error)}`);
    return c.html(await failurePage(view, 'Something went wrong in the console', problem(error)), 500);
  };
  app.onError((error, c) => failed(c, error));
  app.notFound(async (c) =>
    c.html(
      await failurePage(
        viewOf(c),
        'There is no such page',
        html`<p>The address may be of another version.</p>`,
      ),
      404,
    ),
  );

  /** Who changes something has a form of this session, and may change something. */
  const formOf = async (c: Context<Env>, kind: 'changes' | 'reads' = 'changes'): Promise<URLSearchParams> => {
    const sent = new URLSearchParams(await c.req.text());
    const given = sent.get('csrf') ?? c.req.header('x-keyturn-csrf');
    if (!isOwnForm(sessionOf(c), given))
      throw new Refused('This form is not of this session. Load the page again.');
    if (kind === 'changes' && readOnly) throw new Refused('The console is read-only.');
    return sent;
  };
  const flash = (c: Context<Env>, value: Flash): void => {
    sessionOf(c).flash = value;
  };
  const flashError = (c: Context<Env>, error: unknown, more: Partial<Flash> = {}): void => {
    const text = isUsageError(error) || isKeyturnError(error) ? messageOf(error) : undefined;
    if (text === undefined) note(`the console failed: ${describeUnexpected(error)}`);
    flash(c, { tone: 'bad', text: text ?? 'Something went wrong in the console itself.', ...more });
  };

  app.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined) return c.notFound();
    return c.body(asset.body, 200, { 'Content-Type': asset.type });
  });

  // The list.
  app.get('/', async (c) => {
    const world = worldOf(c);
    if (c.req.query('fresh') !== undefined) world.inventory.forget();
    const looked = await told(world.inventory.look(LIST_WAIT_MS));
    if (!looked.ok && !isKeyturnError(looked.error, 'AccessDenied')) throw looked.error;
    const view = viewOf(c);
    if (!looked.ok) {
      const body = unlistedPage(view, looked.error);
      return page(c, view, { title: 'Secrets', active: 'secrets', body }, 403);
    }
    const listing = looked.value;
    if (listing === undefined) {
      const body = listingPage(world.inventory.progress);
      return page(c, view, { title: 'Secrets', active: 'secrets', body });
    }
    const query = readQuery(c);
    const found = findPage(listing, query, activity, view.nowMs);
    const body = secretsPage(view, query, found, view.nowMs - (Date.now() - listing.listedAt));
    return page(c, view, { title: 'Secrets', active: 'secrets', live: 'all', body });
  });

  // One secret.
  app.get('/secret', async (c) => {
    const world = worldOf(c);
    const { secrets: api } = world;
    const secret = await api.details(c.req.query('id') ?? '');
    const session = sessionOf(c);
    const typedPolicy = session.flash?.policy;
    const isDeleted = secret.deletedOn !== undefined;
    const [verdict, versions, policy] = await Promise.all([
      told(judge(api, secret.arn, preflights.get(secret.arn)?.preflight, now())),
      told(api.versionDetails(secret.arn)),
      isDeleted ? told(Promise.resolve(undefined)) : told(api.policy(secret.arn)),
    ]);
    const view = viewOf(c);
    const body = secretPage(view, {
      secret,
      state: stateOf(secret, activity, view.nowMs),
      verdict,
      versions,
      timeline: versions.ok ? timelineOf(versions.value, parts.movesOf(secret.arn), view.nowMs) : undefined,
      policy,
      typedPolicy,
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
        parts.policies === undefined
          ? undefined
          : `${base}/who-may?${new URLSearchParams({ principal: worldOf(c).principal ?? '', call: 'GetSecretValue', secret: id })}`;
      const denied = isKeyturnError(error, 'AccessDenied') ? { why } : {};
      if (!isKeyturnError(error)) note(`the console failed: ${describeUnexpected(error)}`);
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

  /** A change to a secret, after which its page is shown again. */
  const change = (
    path: string,
    work: (c: Context<Env>, id: string, sent: URLSearchParams, world: World) => Promise<string>,
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
        const typed = path === 'policy' ? { policy: sent.get('policy') ?? '' } : {};
        flashError(c, error, typed);
      }
      worlds.forget();
      activity.changed(id);
      return c.redirect(secretUrl({ base }, id), 303);
    });
  };
  const toolsFor = ({ secrets, functions, clients }: World, run: Run): Tools => {
    const redactor = createRedactor();
    return {
      clients,
      secrets: telling(redactor, secrets),
      functions,
      screen: activity.screenOf(run, (text) => redactor.text(text)),
    };
  };
  /** Work that goes on after the page was answered. */
  const goOn = (
    run: Run,
    work: () => Promise<{ readonly ok: boolean; readonly reason?: string | undefined }>,
  ): void => {
    void work()
      .then(
        ({ ok, reason }) => activity.end(run, ok ? 'succeeded' : 'failed', reason),
        (error: unknown) => {
          if (!isKeyturnError(error)) note(`the console failed: ${describeUnexpected(error)}`);
          activity.end(
            run,
            'failed',
            isKeyturnError(error) ? `${error.code}: ${error.message}` : 'Something went wrong.',
          );
        },
      )
      .finally(() => worlds.forget());
  };

  change('rotate', async (_c, id, _sent, world) => {
    const secret = await world.secrets.describe(id);
    if (secret.functionArn === undefined || secret.rotationEnabled !== true)
      throw new KeyturnError('RotationNotEnabled', `Rotation of ${secret.name} is off.`, 'Turn it on first.');
    const run = activity.begin(secret.arn, 'Rotation', true);
    goOn(run, async () => {
      const answer = await rotateAndFollow(toolsFor(world, run), secret, ROTATION_TIMEOUT_MS);
      return { ok: answer.outcome === 'succeeded', reason: answer.reason };
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
      timeoutMs: ROTATION_TIMEOUT_MS,
    };
    const { arn } = await world.secrets.describe(id);
    const run = activity.begin(arn, 'Turning rotation on', true);
    goOn(run, () => attach(toolsFor(world, run), attachment));
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
    const { arn, functionArn, stages } = await api.describe(id);
    const current = versionWith(stages, 'AWSCURRENT');
    const preflight =
      functionArn === undefined || current === undefined
        ? ({ outcome: 'unknown', reason: 'The secret has no function, or no current value.' } as const)
        : await functions.preflight(functionArn, arn, current);
    preflights.set(arn, { at: now(), preflight });
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
      flash(c, { tone: 'good', text, policy: sent.get('policy') ?? '' });
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
    return `It is deleted in ${days} days, and can be restored until then.`;
  });
  change('restore', async (_c, id, _sent, { secrets: api }) => {
    await api.restore(id);
    return 'The secret is restored.';
  });

  // A new secret.
  app.get('/store', (c) => {
    if (readOnly) throw new Refused('The console is read-only.');
    const { drafts } = sessionOf(c);
    const draft = newDraft(makeSecret().slice(0, 16));
    drafts.set(draft.id, draft);
    const [oldest] = drafts.keys();
    if (drafts.size > MOST_DRAFTS && oldest !== undefined) drafts.delete(oldest);
    return c.redirect(`${base}/store/value?draft=${draft.id}`, 303);
  });
  app.get('/store/done', async (c) => {
    const { arn, name } = await worldOf(c).secrets.details(c.req.query('id') ?? '');
    const view = viewOf(c);
    const run = activity.runOf(arn);
    const body = storedPage(view, { name, arn, run, samples: samplesOf(name, arn) });
    return page(c, view, { title: `${name} is stored`, active: 'store', live: arn, body });
  });
  app.get('/store/:screen', async (c) => {
    const draft = sessionOf(c).drafts.get(c.req.query('draft') ?? '');
    const screen = screens.find((name) => name === c.req.param('screen'));
    if (draft === undefined || screen === undefined) return c.redirect(`${base}/store`, 303);
    const next = nextScreen(draft);
    if (screens.indexOf(screen) > screens.indexOf(next))
      return c.redirect(`${base}/store/${next}?draft=${draft.id}`, 303);
    if (screen === 'value') choose(draft, c.req.query('kind'), c.req.query('mode'));
    return showScreen(c, draft, screen, new Map());
  });
  app.post('/store/judge', async (c) => {
    const sent = await formOf(c, 'reads');
    const text = (sent.get('text') ?? '').replaceAll('\r\n', '\n');
    const { engine } = kindOf({ kind: sent.get('kind') ?? 'other' });
    const { ok, words } = previewValue(text, engine);
    return c.json({ ok, words, masked: maskTyped(text) });
  });
  app.post('/store/:screen', async (c) => {
    const sent = await formOf(c);
    const draft = sessionOf(c).drafts.get(c.req.query('draft') ?? '');
    const screen = screens.find((name) => name === c.req.param('screen'));
    if (draft === undefined || screen === undefined) return c.redirect(`${base}/store`, 303);
    if (screen === 'review') return storeDraft(c, draft);
    const problems = takeForm(draft, screen, sent);
    if (problems.size > 0) return showScreen(c, draft, screen, problems, 422);
    return c.redirect(`${base}/store/${screens[screens.indexOf(screen) + 1]}?draft=${draft.id}`, 303);
  });

  const showScreen = async (
    c: Context<Env>,
    draft: Draft,
    screen: Screen,
    problems: Problems,
    status: 200 | 422 = 200,
    storing?: Answered<never>,
  ) => {
    const world = worldOf(c);
    const functions = screen === 'rotation' ? await functionsIn(world) : [];
    const reviewed =
      screen === 'review' ? await reviewOf(world, newSecretOf(draft), now(), storing) : undefined;
    const view = viewOf(c);
    const bodies: Readonly<Record<Screen, () => Html>> = {
      value: () => valueScreen(view, draft, problems),
      details: () => detailsScreen(view, draft, problems),
      rotation: () => rotationScreen(view, draft, problems, functions),
      review: () =>
        reviewed === undefined ? valueScreen(view, draft, problems) : reviewScreen(view, draft, reviewed),
    };
    return page(c, view, { title: 'Store a new secret', active: 'store', body: bodies[screen]() }, status);
  };

  /** The same as `keyturn create` does. */
  const storeDraft = async (c: Context<Env>, draft: Draft) => {
    if (nextScreen(draft) !== 'review')
      return c.redirect(`${base}/store/${nextScreen(draft)}?draft=${draft.id}`, 303);
    const world = worldOf(c);
    const secret = newSecretOf(draft);
    try {
      await examine(world, secret);
      const { arn } = await store({ secrets: world.secrets, screen: silent }, secret);
      note(`stored ${printable(secret.name)}`);
      sessionOf(c).drafts.delete(draft.id);
      worlds.forget();
      if (secret.rotation !== undefined || secret.resourcePolicy !== undefined) {
        const run = activity.begin(
          arn,
          secret.rotation === undefined ? 'Putting its policy' : 'Turning rotation on',
          secret.rotation !== undefined,
        );
        const tools = toolsFor(world, run);
        goOn(run, () => finish(tools, { secret, arn, timeoutMs: ROTATION_TIMEOUT_MS }));
      }
      return c.redirect(secretUrl({ base }, arn, 'store/done'), 303);
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      return showScreen(c, draft, 'review', new Map(), 422, { ok: false, error });
    }
  };

  // Who may.
  app.get('/who-may', async (c) => {
    const { policies } = parts;
    const view = viewOf(c);
    if (policies === undefined || view.principals === undefined) return c.notFound();
    const all = [...view.principals.all, ...(policies.roles ?? []).map(({ arn }) => arn)];
    const asked = c.req.query('call');
    const call = askableCalls.find((name) => name === asked) ?? askableCalls[0];
    const principal = all.find((arn) => arn === c.req.query('principal')) ?? all[0] ?? '';
    const id = (c.req.query('secret') ?? '').trim();
    const listing = await told(worlds.of(undefined).inventory.look(LIST_WAIT_MS));
    const secrets = listing.ok ? (listing.value?.secrets ?? []) : [];
    const found = secrets.find(({ arn, name }) => arn === id || name === id);
    const isAsked = asked !== undefined && (id !== '' || callsOnNothing.has(call));
    const answer = isAsked ? await told(answerFor(policies, { principal, call, found, id })) : undefined;
    const body = whoMayPage(view, {
      principal,
      call,
      secret: found?.name ?? id,
      answer,
      principals: all,
      secrets: secrets.slice(0, 2_000).map(({ name }) => name),
    });
    return page(c, view, { title: 'Who may', active: 'who-may', body });
  });
  const answerFor = async (
    policies: KnownPolicies,
    asked: { principal: string; call: AskableCall; found: Secret | undefined; id: string },
  ) => {
    const { principal, call, found, id } = asked;
    if (found === undefined && !callsOnNothing.has(call))
      throw new KeyturnError('SecretNotFound', `There is no secret ${id}.`, 'Choose one of the list.');
    const [, , , region = 'us-east-1', accountId = '123456789012'] =
      found?.arn.split(':') ?? principal.split(':').with(3, 'us-east-1');
    const secret = found === undefined || callsOnNothing.has(call) ? undefined : await factsOf(worlds, found);
    const partition = { region, accountId };
    return explainAccess(policies, { principal, operation: call, secret, partition, nowMs: now() });
  };

  // Rotations.
  app.get('/rotations', async (c) => {
    const listing = await worldOf(c).inventory.look(LIST_WAIT_MS);
    const view = viewOf(c);
    if (listing === undefined) {
      const body = listingPage(worldOf(c).inventory.progress);
      return page(c, view, { title: 'Rotations', active: 'rotations', body });
    }
    const rows = listing.secrets.map((secret) => ({ secret, state: stateOf(secret, activity, view.nowMs) }));
    const names = new Map(listing.secrets.map(({ arn, name }) => [arn, name]));
    const body = rotationsPage(view, rows, activity.feed, names, parts.isExact);
    return page(c, view, { title: 'Rotations', active: 'rotations', live: 'all', body });
  });

  // What happens, as it happens.
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      const unwatch = parts.watch();
      const pending = new Set<string>();
      let wake: (() => void) | undefined;
      const stop = activity.on((arn) => {
        pending.add(arn);
        wake?.();
      });
      let isOpen = true;
      stream.onAbort(() => {
        isOpen = false;
        stop();
        unwatch();
        wake?.();
      });
      await stream.writeSSE({ event: 'ready', data: '' });
      while (isOpen) {
        if (pending.size === 0) await wakened((resolve) => (wake = resolve), BEAT_MS);
        const arns = [...pending];
        pending.clear();
        if (isOpen)
          await stream.writeSSE({
            event: arns.length === 0 ? 'beat' : 'changed',
            data: JSON.stringify(arns),
          });
        // Steps come in bursts, and a page is fetched for each message.
        await new Promise((resolve) => setTimeout(resolve, CALM_MS));
      }
    }),
  );

  app.post('/act-as', async (c) => {
    const sent = await formOf(c, 'reads');
    const principal = worlds.principals.find((arn) => arn === sent.get('principal'));
    if (principal !== undefined) {
      sessionOf(c).principal = principal;
      note(`acts as ${printable(principal)} from now on`);
    }
    return c.redirect(`${base}/`, 303);
  });
  app.post('/lock', async (c) => {
    await formOf(c, 'reads');
    parts.sessions.close(sessionOf(c));
    return c.redirect('/', 303);
  });

  return app;
}

/** What a form may not do. */
class Refused extends Error {
  override readonly name = 'Refused';
}

const BEAT_MS = 15_000;
const CALM_MS = 200;

const silent: Tools['screen'] = {
  heading: () => undefined,
  fact: () => undefined,
  progress: () => undefined,
  good: () => undefined,
  bad: () => undefined,
  say: () => undefined,
};

function wakened(take: (resolve: () => void) => void, mostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, mostMs);
    take(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function told<T>(promise: Promise<T>): Promise<Answered<T>> {
  try {
    return { ok: true, value: await promise };
  } catch (error) {
    return { ok: false, error };
  }
}

/** A mistake in a form is told in the words of a page. */
function inWords<T>(read: () => T): T {
  const problem_ = problemOf(read);
  if (problem_ === undefined) return read();
  throw new KeyturnError(
    'InvalidConfiguration',
    `${problem_.charAt(0).toUpperCase()}${problem_.slice(1)}.`,
    'Nothing was changed.',
  );
}

function readQuery(c: Context): ListQuery {
  const [state, sort] = [c.req.query('state'), c.req.query('sort')];
  return {
    search: (c.req.query('q') ?? '').slice(0, 200),
    state: secretStates.find((name) => name === state),
    tag: c.req.query('tag') || undefined,
    sort: (['attention', 'name', 'age', 'next'] as const).find((name) => name === sort) ?? 'attention',
    page: Number(c.req.query('page')) || 1,
  };
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
  if (rules === undefined) return undefined;
  const expression = rules.ScheduleExpression ?? `rate(${rules.AutomaticallyAfterDays} days)`;
  if (expression === '') return undefined;
  try {
    // A rate counts from the last rotation.
    const fromMs = Math.max(lastRotated?.getTime() ?? nowMs, nowMs - LONGEST_MS);
    const dates = nextDates({ expression, duration: rules.Duration }, fromMs, DATES * 4);
    return { ok: true, value: dates.filter((date) => date.getTime() > nowMs).slice(0, DATES) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** For a schedule of hours, so that the dates that were missed since the last rotation are few. */
const LONGEST_MS = 2 * 86_400_000;

/** Functions that rotate secrets now. */
async function functionsIn({ inventory }: World): Promise<readonly string[]> {
  const listing = await told(inventory.look(0));
  const secrets = listing.ok ? (listing.value?.secrets ?? []) : [];
  return [...new Set(secrets.flatMap(({ functionArn }) => functionArn ?? []))].sort();
}

/**
 * The policies that decide about a secret. Any known principal that may read its resource policy is used.
 *
 * @throws AccessDenied if no principal may read it: an unknown policy may deny everything
 */
async function factsOf(worlds: Worlds, secret: Secret): Promise<SecretFacts> {
  const { arn, name, tags, kmsKeyId, primaryRegion, functionArn } = secret;
  const policy = await policyOf(worlds, secret);
  return {
    arn,
    name,
    tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
    policy,
    kmsKeyId,
    primaryRegion,
    type: undefined,
    functionArn,
  };
}

async function policyOf({ principals, of }: Worlds, { arn, name }: Secret): Promise<string | undefined> {
  let refusal: unknown;
  for (const principal of principals) {
    const found = await told(of(principal).secrets.policy(arn));
    if (found.ok) return found.value;
    refusal = found.error;
  }
  if (!isKeyturnError(refusal, 'AccessDenied')) throw refusal;
  throw new KeyturnError(
    'AccessDenied',
    `None of the principals that are known may read the resource policy of ${name}, which may decide.`,
    'Let one of them call secretsmanager:GetResourcePolicy.',
  );
}

/** Another kind, or another way to give the value, begins anew. */
function choose(draft: Draft, kind: string | undefined, mode: string | undefined): void {
  const wanted = kindOf({ kind: kind ?? draft.kind }).name;
  const way = mode === 'text' || mode === 'fields' ? mode : draft.mode;
  if (wanted === draft.kind && way === draft.mode) return;
  const { id, kmsKeyId } = draft;
  const { kind: _, ...empty } = newDraft(id);
  const { fields, text, form, value, asIs } = empty;
  Object.assign(draft, { kind: wanted, mode: way, fields, text, form, value, asIs, kmsKeyId });
  draft.passed.delete('value');
}

async function reviewOf(
  world: World,
  secret: NewSecret,
  nowMs: number,
  storing: Answered<never> | undefined,
) {
  const { rotation } = secret;
  const notes = storing ?? (await told(examine(world, secret)));
  return {
    notes,
    dates: rotation === undefined ? [] : nextDates(rotation.schedule, nowMs, DATES),
    scheduleWords: rotation && `${rotation.schedule.words}: ${rotation.schedule.expression}`,
    asCode: Object.values(secretAsCode(secret)),
  };
}

function samplesOf(name: string, arn: string) {
  return Object.values(codeSamples(name, regionOf(arn) ?? 'us-east-1'));
}
