import type { IncomingMessage } from 'node:http';
import { isUsageError } from '../cli/command.ts';
import type { Tools } from '../cli/rotation/rotate.ts';
import { telling } from '../cli/rotation/tools.ts';
import { isKeyturnError, messageOf } from '../errors.ts';
import type { KnownPolicies } from '../local/access/explain.ts';
import { createRedactor } from '../redact.ts';
import type { Activity, Run } from './activity.ts';
import { isOwnForm } from './admission.ts';
import { told } from './answered.ts';
import type { Context, Hono } from './library.ts';
import { layout, type PageParts } from './pages/layout.ts';
import { describeUnexpected, type PlaceView, type View } from './pages/parts.ts';
import type { Flash, Session, Sessions } from './sessions.ts';
import type { SeenMove } from './timeline.ts';
import type { World, Worlds } from './worlds.ts';

/** What the pages need. */
export interface AppParts {
  readonly base: string;
  readonly place: PlaceView;
  readonly sessions: Sessions;
  readonly sessionOf: (request: IncomingMessage) => Session;
  readonly worlds: Worlds;
  readonly activity: Activity;
  /** The moves of a secret's labels that were seen. */
  readonly movesOf: (arn: string) => readonly SeenMove[];
  /** Whether events come from the Secrets Manager itself. */
  readonly isExact: boolean;
  readonly policies: KnownPolicies | undefined;
  readonly readOnly: boolean;
  /** The time of the Secrets Manager, in ms since the epoch. */
  readonly now: () => number;
  /** Says something on the terminal. */
  readonly note: (line: string) => void;
  /** Starts watching for changes, until the returned function is called. */
  readonly watch: () => () => void;
}

/** What Hono passes along with a request. */
export interface Env {
  readonly Bindings: { readonly incoming: IncomingMessage };
}

/** One request. */
export type Ctx = Context<Env>;

/** The application to which each page adds its routes. */
export type App = Hono<Env>;

/** What the routes of all pages use. */
export interface Routing extends Omit<AppParts, 'sessionOf'> {
  sessionOf(c: Ctx): Session;
  /** Secrets Manager as the session's principal sees it. */
  worldOf(c: Ctx): World;
  /** What a page shows besides its content. Takes the message out of the session, because it is shown once. */
  viewOf(c: Ctx): View;
  page(c: Ctx, view: View, content: PageParts, status?: 200 | 403): Promise<Response>;
  /**
   * The form that was sent.
   *
   * @param kind whether the form changes something
   * @throws Refused if it has no token of this session, or changes something in a read-only console
   */
  formOf(c: Ctx, kind?: 'changes' | 'reads'): Promise<URLSearchParams>;
  /** Makes the next page show a message. */
  flash(c: Ctx, message: Flash): void;
  /** Makes the next page show an error. */
  flashError(c: Ctx, error: unknown, more?: Partial<Flash>): void;
  /** Says on the terminal that the console itself failed. */
  noteUnexpected(error: unknown): void;
  /** Starts work that goes on after the request is answered. Pages show how far it is. */
  startRun(world: World, work: RunWork): void;
}

/** Work that goes on after a request is answered. */
export interface RunWork {
  /** The secret's ARN. */
  readonly arn: string;
  readonly title: string;
  /** Whether a rotation with its four steps is a part of it. */
  readonly rotates: boolean;
  readonly work: (tools: Tools) => Promise<{ readonly ok: boolean; readonly reason?: string | undefined }>;
}

/** A form that this session may not send. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** How long a page waits for the list of secrets, in ms. After that it shows how many are listed so far. */
export const listWaitMs = 1_500;

/** How long a rotation is followed, in ms. */
export const rotationTimeoutMs = 120_000;

/** How many dates of a schedule are shown. */
export const shownDates = 5;

/** Makes what the routes of all pages use. */
export function createRouting(parts: AppParts): Routing {
  const { base, activity, worlds, note, readOnly, now } = parts;
  const sessionOf = (c: Ctx): Session => parts.sessionOf(c.env.incoming);
  const worldOf = (c: Ctx): World => worlds.of(sessionOf(c).principal);
  const noteUnexpected = (error: unknown): void => note(`the console failed: ${describeUnexpected(error)}`);
  const flash = (c: Ctx, message: Flash): void => {
    sessionOf(c).flash = message;
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
  return {
    ...parts,
    sessionOf,
    worldOf,
    noteUnexpected,
    flash,
    viewOf: (c) => {
      const session = sessionOf(c);
      const message = session.flash;
      // The browser's request for an update must not use up the message for the next page.
      if (c.req.header('x-keyturn-live') === undefined) session.flash = undefined;
      const all = worlds.principals;
      return {
        base,
        csrf: session.csrf,
        place: parts.place,
        principals: all.length === 0 ? undefined : { current: worldOf(c).principal ?? '', all },
        readOnly,
        flash: message,
        nowMs: now(),
      };
    },
    page: async (c, view, content, status = 200) => c.html(await layout(view, content), status),
    formOf: async (c, kind = 'changes') => {
      const sent = new URLSearchParams(await c.req.text());
      const given = sent.get('csrf') ?? c.req.header('x-keyturn-csrf');
      if (!isOwnForm(sessionOf(c), given))
        throw new Refused('This form is not of this session. Load the page again.');
      if (kind === 'changes' && readOnly) throw new Refused('The console is read-only.');
      return sent;
    },
    flashError: (c, error, more = {}) => {
      const text = isUsageError(error) || isKeyturnError(error) ? messageOf(error) : undefined;
      if (text === undefined) noteUnexpected(error);
      flash(c, { tone: 'bad', text: text ?? 'Something went wrong in the console itself.', ...more });
    },
    startRun: (world, { arn, title, rotates, work }) => {
      const run = activity.begin(arn, title, rotates);
      void (async () => {
        const done = await told(work(toolsFor(world, run)));
        worlds.forget();
        if (done.ok) return activity.end(run, done.value.ok ? 'succeeded' : 'failed', done.value.reason);
        const { error } = done;
        if (!isKeyturnError(error)) noteUnexpected(error);
        const why = isKeyturnError(error) ? `${error.code}: ${error.message}` : 'Something went wrong.';
        return activity.end(run, 'failed', why);
      })();
    },
  };
}

/** The ARNs of all functions that rotate listed secrets, as suggestions. */
export async function functionsIn({ inventory }: World): Promise<readonly string[]> {
  const listing = await told(inventory.look(0));
  const secrets = listing.ok ? (listing.value?.secrets ?? []) : [];
  return [...new Set(secrets.flatMap(({ functionArn }) => functionArn ?? []))].sort();
}
