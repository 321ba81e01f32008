import { examine, finish, store } from '../../cli/create/store.ts';
import { printable } from '../../cli/printable.ts';
import { regionOf } from '../../cli/rotation/clients.ts';
import { silentScreen } from '../../cli/rotation/screen.ts';
import { secretAsCode } from '../../create/as-code.ts';
import { codeSamples } from '../../create/code-samples.ts';
import type { NewSecret } from '../../create/new-secret.ts';
import { nextDates } from '../../create/schedule-dates.ts';
import { maskTyped } from '../../create/typed-mask.ts';
import { previewValue } from '../../create/value-preview.ts';
import { isKeyturnError } from '../../errors.ts';
import { type Answered, told } from '../answered.ts';
import {
  type Draft,
  kindOf,
  newDraft,
  newSecretOf,
  nextScreen,
  type Problems,
  type Screen,
  screens,
  takeForm,
} from '../draft.ts';
import {
  type App,
  type Ctx,
  functionsIn,
  Refused,
  type Routing,
  rotationTimeoutMs,
  shownDates,
} from '../routing.ts';
import { secret as makeSecret } from '../sessions.ts';
import type { World } from '../worlds.ts';
import { type Html, secretUrl } from './parts.ts';
import { detailsScreen, reviewScreen, rotationScreen, storedPage, valueScreen } from './store.ts';

const mostDrafts = 20;

/** Adds the screens that store a new secret. */
export function addStore(app: App, routing: Routing): void {
  const { base, worlds, activity, readOnly, now, note } = routing;
  const { sessionOf, worldOf, viewOf, page, formOf, startRun } = routing;

  app.get('/store', (c) => {
    if (readOnly) throw new Refused('The console is read-only.');
    const { drafts } = sessionOf(c);
    const draft = newDraft(makeSecret().slice(0, 16));
    keep(drafts, draft.id, draft);
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
    return showScreen(c, draft, screen);
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
    const id = c.req.query('draft') ?? '';
    const { drafts, stored } = sessionOf(c);
    const arn = stored.get(id);
    // A second click may come when the first has stored the secret already.
    if (arn !== undefined) return c.redirect(secretUrl({ base }, arn, 'store/done'), 303);
    const draft = drafts.get(id);
    const screen = screens.find((name) => name === c.req.param('screen'));
    if (draft === undefined || screen === undefined) return c.redirect(`${base}/store`, 303);
    if (screen === 'review') return storeDraft(c, draft);
    const isRight = takeForm(draft, screen, sent).size === 0;
    // Always a redirect: if a form were answered with a page, going back to it would make browsers ask to send it again.
    const shown = isRight ? screens[screens.indexOf(screen) + 1] : screen;
    return c.redirect(`${base}/store/${shown}?draft=${draft.id}`, 303);
  });

  const showScreen = async (c: Ctx, draft: Draft, screen: Screen) => {
    const world = worldOf(c);
    const problems: Problems = draft.problems.get(screen) ?? new Map();
    const functions = screen === 'rotation' ? await functionsIn(world) : [];
    const reviewed = screen === 'review' ? await reviewOf(world, draft, now()) : undefined;
    const view = viewOf(c);
    const bodies: Readonly<Record<Screen, () => Html>> = {
      value: () => valueScreen(view, draft, problems),
      details: () => detailsScreen(view, draft, problems),
      rotation: () => rotationScreen(view, draft, problems, functions),
      review: () =>
        reviewed === undefined ? valueScreen(view, draft, problems) : reviewScreen(view, draft, reviewed),
    };
    return page(c, view, { title: 'Store a new secret', active: 'store', body: bodies[screen]() });
  };

  /** Stores the secret as `keyturn create` does. */
  const storeDraft = async (c: Ctx, draft: Draft) => {
    if (nextScreen(draft) !== 'review')
      return c.redirect(`${base}/store/${nextScreen(draft)}?draft=${draft.id}`, 303);
    // A second click waits for the first.
    draft.storing ??= storeSecret(worldOf(c), newSecretOf(draft));
    const stored = await told(draft.storing);
    if (stored.ok) {
      const session = sessionOf(c);
      session.drafts.delete(draft.id);
      keep(session.stored, draft.id, stored.value);
      return c.redirect(secretUrl({ base }, stored.value, 'store/done'), 303);
    }
    draft.storing = undefined;
    if (!isKeyturnError(stored.error)) throw stored.error;
    draft.refusal = stored.error;
    return c.redirect(`${base}/store/review?draft=${draft.id}`, 303);
  };
  const storeSecret = async (world: World, secret: NewSecret): Promise<string> => {
    await examine(world, secret);
    const { arn } = await store({ secrets: world.secrets, screen: silentScreen }, secret);
    note(`stored ${printable(secret.name)}`);
    worlds.forget();
    if (secret.rotation !== undefined || secret.resourcePolicy !== undefined) {
      startRun(world, {
        arn,
        title: secret.rotation === undefined ? 'Putting its policy' : 'Turning rotation on',
        rotates: secret.rotation !== undefined,
        work: (tools) => finish(tools, { secret, arn, timeoutMs: rotationTimeoutMs }),
      });
    }
    return arn;
  };
}

/** Adds to a map, which forgets what was added first when there is too much. */
function keep<Value>(map: Map<string, Value>, id: string, value: Value): void {
  map.set(id, value);
  const [oldest] = map.keys();
  if (map.size > mostDrafts && oldest !== undefined) map.delete(oldest);
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
  draft.problems.delete('value');
}

async function reviewOf(world: World, draft: Draft, nowMs: number) {
  const secret = newSecretOf(draft);
  const { rotation } = secret;
  const { refusal } = draft;
  const notes: Answered<readonly string[]> =
    refusal === undefined ? await told(examine(world, secret)) : { ok: false, error: refusal };
  return {
    notes,
    dates: rotation === undefined ? [] : nextDates(rotation.schedule, nowMs, shownDates),
    scheduleWords: rotation && `${rotation.schedule.words}: ${rotation.schedule.expression}`,
    asCode: Object.values(secretAsCode(secret)),
  };
}

function samplesOf(name: string, arn: string) {
  return Object.values(codeSamples(name, regionOf(arn) ?? 'us-east-1'));
}
