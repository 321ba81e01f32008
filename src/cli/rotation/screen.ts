import { styleText } from 'node:util';
import { KeyturnError } from '../../errors.ts';
import { EXIT } from '../command.ts';
import type { Followed, SeenStep, Sighting } from './follow.ts';

/** Where a command says what it does. No secret value is ever given to it. */
export interface Screen {
  heading(text: string): void;
  fact(name: string, value: string): void;
  /** Something that takes a while has begun. */
  progress(text: string): void;
  good(text: string): void;
  bad(text: string): void;
  /** Plain text: a sentence, or a command to be copied. */
  say(text: string): void;
}

/** What a command came to: its exit code follows from `ok`, and --json prints the document. */
export interface Answer {
  readonly ok: boolean;
  readonly document: object;
}

const factWidth = 16;

/** Colours for a terminal only, and not where NO_COLOR is set: styleText looks at both. */
function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const forPeople: Screen = {
  heading: (text) => print(styled('bold', text)),
  fact: (name, value) => print(`  ${name.padEnd(factWidth)}${value}`),
  progress: (text) => print(styled('dim', `  ${text} ...`)),
  good: (text) => print(styled('green', text)),
  bad: (text) => print(styled('red', text)),
  say: (text) => print(text),
};

const silent: Screen = {
  heading: () => undefined,
  fact: () => undefined,
  progress: () => undefined,
  good: () => undefined,
  bad: () => undefined,
  say: () => undefined,
};

/**
 * Runs a command's work with a screen for people, or prints the one document that --json promises, also for an error.
 *
 * @returns the exit code
 */
export async function showing(json: boolean, work: (screen: Screen) => Promise<Answer>): Promise<number> {
  // Whoever read our output may go before we do.
  process.stdout.on('error', () => undefined);
  if (!json) return exitCode(await work(forPeople));
  try {
    const answer = await work(silent);
    print(JSON.stringify(answer.document));
    return exitCode(answer);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    print(JSON.stringify({ outcome: 'failed', error: { code: error.code, message: error.message } }));
    return EXIT.failed;
  }
}

function exitCode({ ok }: Answer): number {
  return ok ? EXIT.done : EXIT.failed;
}

const sightings: Readonly<Record<SeenStep, string>> = {
  createSecret: 'the new version has a value',
  setSecret: 'AWSCURRENT has moved to the new version',
  finishSecret: 'Secrets Manager has noted the rotation',
};

/** A step, as it is seen to be done. */
export function showStep(screen: Screen, { step, afterMs }: Sighting): void {
  screen.fact(step, `${seconds(afterMs)}  ${sightings[step]}`);
}

/** The last line of a rotation. */
export function showOutcome(screen: Screen, { outcome, version, steps, durationMs, reason }: Followed): void {
  const id = shortId(version);
  const hasMoved = steps.some(({ step }) => step === 'setSecret');
  if (outcome === 'succeeded') screen.good(`Rotated: ${id} is AWSCURRENT, after ${seconds(durationMs)}.`);
  else if (outcome === 'failed') screen.bad(`Failed after ${seconds(durationMs)}. ${reason}`);
  else {
    const where = hasMoved
      ? `${id} is AWSCURRENT, but the rotation is not noted yet`
      : `${id} is still AWSPENDING`;
    screen.bad(`Not done after ${seconds(durationMs)}: ${where}.`);
  }
}

/** Enough of a version's id to tell it from the others of a secret. */
export function shortId(versionId: string): string {
  return versionId.slice(0, 8);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
