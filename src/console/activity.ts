import { randomUUID } from 'node:crypto';
import type { Screen } from '../cli/rotation/screen.ts';
import { type LocalEvent, type RotationStep, rotationSteps } from '../local/events.ts';

/** How far a step of a rotation is. `unseen`: Secrets Manager does not tell. */
export type StepState = 'waiting' | 'running' | 'done' | 'failed' | 'unseen';

/** A step of a rotation. */
export interface StepView {
  readonly step: RotationStep;
  state: StepState;
  /** In ms. With events: how long the step took. Without: when it was seen to be done, since the rotation began. */
  afterMs?: number | undefined;
  note?: string | undefined;
}

/** A line of output of the work on a secret. */
export interface Line {
  readonly tone: 'plain' | 'good' | 'bad' | 'quiet';
  readonly text: string;
}

/** A rotation of a secret, or other work on it, while it goes on and after its end. Dates are in ms since the epoch. */
export interface Run {
  readonly id: string;
  readonly arn: string;
  readonly title: string;
  readonly startedAt: number;
  readonly steps: readonly StepView[];
  readonly lines: Line[];
  /** Whether the console began it. Such a run may have two parts: a test of the function, then a rotation. */
  readonly isOwn: boolean;
  /** Whether the last rotation that began in it is a test of the function. */
  isTest: boolean;
  state: 'running' | 'retrying' | 'succeeded' | 'failed' | 'cancelled';
  attempt: number;
  error: string | undefined;
  endedAt: number | undefined;
  /** How long it took, in ms of real time. The clock of the Secrets Manager may be another. */
  tookMs: number | undefined;
}

/** Something that happened. */
export interface FeedEntry {
  /** In ms since the epoch. */
  readonly at: number;
  readonly arn: string;
  readonly tone: Line['tone'];
  readonly title: string;
  readonly detail: string;
}

/** What happens to secrets: from events of a local Secrets Manager, from lists, and from the console's own work. */
export interface Activity {
  /** The last run of a secret. */
  runOf(arn: string): Run | undefined;
  /** Newest first. */
  readonly feed: readonly FeedEntry[];
  /** Begins work on a secret. @param rotates whether it is a rotation */
  begin(arn: string, title: string, rotates: boolean): Run;
  /** A screen for the code of the commands. Its output becomes the run's lines and steps. */
  screenOf(run: Run, masked: (text: string) => string): Screen;
  end(run: Run, state: 'succeeded' | 'failed', error?: string): void;
  /** Takes an event of a local Secrets Manager that runs in this process. */
  take(event: LocalEvent): void;
  /** Adds to the feed what was seen at a secret without an event. */
  saw(entry: Omit<FeedEntry, 'at'>): void;
  /** Tells the listeners that a secret has changed. @param id its ARN or its name; empty if the call has named none */
  changed(id: string): void;
  /** Calls the listener when something happens to a secret, with what `changed` got. Returns a function that stops it. */
  on(listener: (arn: string) => void): () => void;
}

const mostEntries = 200;
const mostLines = 200;

/** @param now ms since the epoch */
export function createActivity(now: () => number): Activity {
  const runs = new Map<string, Run>();
  const feed: FeedEntry[] = [];
  const listeners = new Set<(arn: string) => void>();
  const begun = new WeakMap<Run, number>();
  /** Whether there are events, which tell exactly when steps end. */
  let hasEvents = false;

  const changed = (arn: string): void => {
    for (const listener of listeners) listener(arn);
  };
  const tell = (arn: string, tone: Line['tone'], title: string, detail = ''): void => {
    feed.unshift({ at: now(), arn, tone, title, detail });
    feed.splice(mostEntries);
    changed(arn);
  };
  const begin = (
    arn: string,
    title: string,
    { isOwn, isTest, steps }: Pick<Run, 'isOwn' | 'isTest'> & { readonly steps: readonly RotationStep[] },
  ): Run => {
    const run: Run = {
      id: randomUUID(),
      arn,
      title,
      startedAt: now(),
      steps: steps.map((step) => ({ step, state: 'waiting' })),
      lines: [],
      isOwn,
      isTest,
      state: 'running',
      attempt: 1,
      error: undefined,
      endedAt: undefined,
      tookMs: undefined,
    };
    begun.set(run, performance.now());
    runs.set(arn, run);
    changed(arn);
    return run;
  };
  const current = (arn: string, isTest = false): Run => {
    const known = runs.get(arn);
    if (known !== undefined && known.endedAt === undefined) return known;
    return isTest
      ? begin(arn, 'Test of the function', { isOwn: false, isTest, steps: ['testSecret'] })
      : begin(arn, 'Rotation', { isOwn: false, isTest, steps: rotationSteps });
  };
  const end = (run: Run, state: 'succeeded' | 'failed' | 'cancelled', error?: string): void => {
    run.state = state;
    run.error = error ?? (state === 'succeeded' ? undefined : run.error);
    run.endedAt = now();
    run.tookMs = performance.now() - (begun.get(run) ?? 0);
    changed(run.arn);
  };
  const set = (run: Run, step: RotationStep, view: Partial<StepView>): void => {
    const found = run.steps.find((known) => known.step === step);
    if (found !== undefined) Object.assign(found, view);
    changed(run.arn);
  };

  const take = (event: LocalEvent): void => {
    hasEvents = true;
    switch (event.type) {
      case 'rotation-started': {
        const isTest = event.kind === 'test';
        const run = current(event.secretArn, isTest);
        run.isTest = isTest;
        run.state = 'running';
        run.attempt = event.attempt;
        for (const { step } of run.steps)
          set(run, step, { state: 'waiting', afterMs: undefined, note: undefined });
        const what = event.kind === 'test' ? 'A test of the function began' : 'A rotation began';
        const why = { request: 'asked for', schedule: 'by its schedule', restart: 'after a restart' }[
          event.cause
        ];
        tell(event.secretArn, 'plain', what, event.attempt === 1 ? why : `attempt ${event.attempt}`);
        break;
      }
      case 'step-started':
        set(current(event.secretArn), event.step, { state: 'running' });
        break;
      case 'step-ended': {
        const run = current(event.secretArn);
        const failed = event.error !== undefined;
        set(run, event.step, {
          state: failed ? 'failed' : 'done',
          afterMs: event.durationMs,
          note: event.error,
        });
        if (failed) run.error = event.error;
        tell(
          event.secretArn,
          failed ? 'bad' : 'quiet',
          `${event.step} ${failed ? 'failed' : 'done'}`,
          event.error ?? `${Math.round(event.durationMs)} ms`,
        );
        break;
      }
      case 'rotation-succeeded': {
        const run = current(event.secretArn);
        const title = run.isTest ? 'The test passed' : 'Succeeded';
        tell(event.secretArn, 'good', title, `after ${Math.round(event.durationMs)} ms`);
        if (!isOwnTest(run)) end(run, 'succeeded');
        break;
      }
      case 'rotation-failed': {
        const run = current(event.secretArn);
        run.error = event.error;
        tell(event.secretArn, 'bad', event.willRetry ? 'Failed, and is tried again' : 'Failed', event.error);
        if (event.willRetry) run.state = 'retrying';
        else if (!isOwnTest(run)) end(run, 'failed', event.error);
        break;
      }
      case 'rotation-cancelled': {
        const run = current(event.secretArn);
        tell(event.secretArn, 'bad', 'The rotation was given up', '');
        if (!isOwnTest(run)) end(run, 'cancelled');
        break;
      }
      case 'labels-moved':
        tell(event.secretArn, 'quiet', 'Labels moved', labelsIn(event.after));
        break;
      case 'call':
        break;
    }
  };

  const screenOf = (run: Run, masked: (text: string) => string): Screen => {
    const say = (tone: Line['tone'], text: string): void => {
      run.lines.push({ tone, text: masked(text) });
      if (run.lines.length > mostLines) run.lines.shift();
      changed(run.arn);
    };
    return {
      heading: () => undefined,
      fact: (name, value) => {
        const step = rotationSteps.find((known) => known === name);
        if (step === undefined) say('quiet', `${name}: ${value}`);
        else if (!hasEvents) seen(run, step, { note: masked(value), now: now(), set });
      },
      progress: (text) => say('quiet', `${text} ...`),
      good: (text) => say('good', text),
      bad: (text) => say('bad', text),
      say: (text) => say('plain', text),
    };
  };

  return {
    runOf: (arn) => runs.get(arn),
    feed,
    begin: (arn, title, rotates) =>
      begin(arn, title, { isOwn: true, isTest: false, steps: rotates ? rotationSteps : [] }),
    screenOf,
    end: (run, state, error) => {
      // An event has already ended this run, and is more exact.
      if (run.endedAt === undefined || !hasEvents) end(run, state, error);
      else changed(run.arn);
    },
    take,
    saw: ({ arn, tone, title, detail }) => tell(arn, tone, title, detail),
    changed,
    on: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Whether a run is in the test before its rotation. The end of the test is not the end of the run. */
function isOwnTest({ isOwn, isTest }: Run): boolean {
  return isOwn && isTest;
}

/** Marks a step that was seen at the secret. testSecret can't be seen, so it becomes `unseen` when finishSecret is seen. */
function seen(
  run: Run,
  step: RotationStep,
  {
    note,
    now,
    set,
  }: {
    readonly note: string;
    readonly now: number;
    readonly set: (run: Run, step: RotationStep, view: Partial<StepView>) => void;
  },
): void {
  const afterMs = now - run.startedAt;
  if (step === 'finishSecret')
    set(run, 'testSecret', { state: 'unseen', note: 'Secrets Manager does not tell of it' });
  set(run, step, { state: 'done', afterMs, note });
  const next = rotationSteps[rotationSteps.indexOf(step) + 1];
  if (next !== undefined) set(run, next, { state: 'running' });
}

function labelsIn(after: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(after)
    .map(([version, labels]) => `${labels.join(' and ')} on ${version.slice(0, 8)}`)
    .join(', ');
}
