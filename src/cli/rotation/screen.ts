import { styleText } from 'node:util';
import { KeyturnError } from '../../errors.ts';
import type { Redactor } from '../../redact.ts';
import { exitCodes } from '../command.ts';
import { withoutSteering } from '../printable.ts';
import type { Followed, SeenStep, Sighting } from './follow.ts';

/** Shows people what a command does. No secret value is ever given to it. */
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

/** The result of a command. */
export interface CommandResult {
  /** Gives the exit code 0 or 1, unless `needsAttention` is true. */
  readonly ok: boolean;
  /** Whether somebody must look after a secret. Gives the exit code 3, whatever `ok` is. */
  readonly needsAttention?: boolean;
  /** What --json prints. */
  readonly document: object;
}

const factWidth = 16;

/** Adds colours only on a terminal, and not if NO_COLOR is set: styleText checks both. */
function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a function says may hold a value, or characters that steer the terminal. */
function forPeople(redactor: Redactor): Screen {
  const safe = (text: string): string => withoutSteering(redactor.text(text), '\n');
  return {
    heading: (text) => print(styled('bold', safe(text))),
    fact: (name, value) => print(`  ${safe(name).padEnd(factWidth)}${safe(value)}`),
    progress: (text) => print(styled('dim', `  ${safe(text)} ...`)),
    good: (text) => print(styled('green', safe(text))),
    bad: (text) => print(styled('red', safe(text))),
    say: (text) => print(safe(text)),
  };
}

/** A screen on which nothing is shown. */
export const silentScreen: Screen = {
  heading: () => undefined,
  fact: () => undefined,
  progress: () => undefined,
  good: () => undefined,
  bad: () => undefined,
  say: () => undefined,
};

/** How a command's work is shown. */
export interface Showing {
  readonly json: boolean;
  /** Masks every value that was read. */
  readonly redactor: Redactor;
}

/**
 * Runs a command's work with a screen for people, or prints the one document that --json promises, also for an error.
 *
 * @returns the exit code
 * @throws the error of the work, masked, unless --json has printed it
 */
export async function runWithScreen(
  { json, redactor }: Showing,
  work: (screen: Screen) => Promise<CommandResult>,
): Promise<number> {
  // A reader such as `head` may close the pipe before we end.
  process.stdout.on('error', () => undefined);
  const printDocument = (document: object): void => {
    // As JSON first: dates become texts, which the redactor can mask.
    const plain: unknown = JSON.parse(JSON.stringify(document));
    print(JSON.stringify(redactor.value(plain)));
  };
  try {
    const answer = await work(json ? silentScreen : forPeople(redactor));
    if (json) printDocument(answer.document);
    return exitCode(answer);
  } catch (error) {
    if (!json || !(error instanceof KeyturnError)) throw redactor.error(error);
    printDocument({ outcome: 'failed', error: { code: error.code, message: error.message } });
    return exitCodes.failed;
  }
}

function exitCode({ ok, needsAttention = false }: CommandResult): number {
  if (needsAttention) return exitCodes.attention;
  return ok ? exitCodes.done : exitCodes.failed;
}

const sightings: Readonly<Record<SeenStep, string>> = {
  createSecret: 'the new version has a value',
  setSecret: 'AWSCURRENT has moved to the new version',
  finishSecret: 'Secrets Manager has noted the rotation',
};

/** Shows that a step is done. */
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
