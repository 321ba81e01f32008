import { constants } from 'node:os';
import { type DemoArguments, help, readArguments } from './arguments.ts';
import { createScreen } from './screen.ts';

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Somebody ended the demo before its end. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(signal: (typeof endingSignals)[number]) {
    super(`Ended by ${signal}.`);
    // What shells report for a process that a signal has ended.
    this.exitCode = 128 + constants.signals[signal];
  }
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let demoArguments: DemoArguments;
  try {
    demoArguments = readArguments(args);
  } catch (error) {
    return complain(error, 2);
  }
  if (demoArguments.help) {
    process.stdout.write(help);
    return 0;
  }
  const ending = listenForTheEnd();
  try {
    return await run(demoArguments, ending);
  } catch (error) {
    // Nothing is left but a scenario that waits for answers which no longer come.
    if (error instanceof Interrupted) process.exit(error.exitCode);
    return complain(error, 1);
  }
}

/** Each signal is heard for good: npm passes a Ctrl-C on that the terminal has sent already. */
function listenForTheEnd(): AbortSignal {
  const ending = new AbortController();
  for (const signal of endingSignals) process.on(signal, () => ending.abort(new Interrupted(signal)));
  process.on('uncaughtException', (error) => ending.abort(error));
  // Whoever read our output may go before we do.
  process.stdout.on('error', () => undefined);
  return ending.signal;
}

async function run(
  { alternating, document, keep, json }: DemoArguments,
  ending: AbortSignal,
): Promise<number> {
  const screen = createScreen((line) => {
    if (!json && !ending.aborted) process.stdout.write(`${line}\n`);
  });
  await using resources = new AsyncDisposableStack();
  screen.heading('Keyturn', `rotates a PostgreSQL login${alternating ? ' between two users' : ''}`);
  screen.progress('starting PostgreSQL and the local Secrets Manager');
  // Loaded only now, so that a signal finds its listener from the start.
  const [{ startEnvironment }, { playScenario }, { showHowToReach }] = await Promise.all([
    import('./environment.ts'),
    import('./scenario.ts'),
    import('./kept.ts'),
  ]);
  const environment = await startEnvironment(resources, ending);
  const ended = rejectionOf(ending);
  const form = document ? 'connection-string' : 'json';
  const outcome = await Promise.race([
    playScenario(environment, { alternating, form, screen, resources }),
    ended,
  ]);
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  if (!outcome.newPasswordAccepted) throw new Error('PostgreSQL refuses the new password.');
  if (!outcome.oldPasswordRefused) throw new Error('PostgreSQL still accepts the old password.');
  if (keep) {
    showHowToReach(environment, screen);
    await ended;
  }
  return 0;
}

/** Rejects with the reason when the signal is aborted. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

function complain(error: unknown, exitCode: number): number {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  return exitCode;
}
