import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, places } from './cases.ts';
import { type Contender, rotationEveryMs } from './contenders.ts';

/** The figures of an application. */
export interface Figures {
  readonly calls: number;
  /** Errors that reached the application. */
  readonly failures: number;
  readonly longestCallMs: number;
  readonly secretsManagerCalls: number;
  readonly secretsManagerCallsPerRotation: number;
}

export interface CaseFigures {
  readonly case: string;
  readonly server: string;
  readonly rotations: number;
  readonly contenders: Readonly<Record<string, Figures>>;
  /** The first error of each contender, by its code or message, if there was one. */
  readonly firstErrors: Readonly<Record<string, string>>;
}

/** Runs all contenders at the same time, with the same secret, while it rotates `rotations` times. */
export async function measureCase(
  { name, server, pauseMs, start }: Case,
  contenders: readonly Contender[],
  rotations: number,
): Promise<CaseFigures> {
  await using resources = new AsyncDisposableStack();
  const subject = await start(resources);
  const applications = await Promise.all(
    contenders.map(async (contender) => {
      const { client, calls } = subject.world.client();
      const work = await contender.start(subject, client, resources);
      await work();
      return { contender, work, calls, callsBefore: calls() };
    }),
  );
  let isOver = false;
  const running = applications.map(async ({ contender, work, calls, callsBefore }) => {
    let [done, failures, longestCallMs, firstError] = [0, 0, 0, ''];
    const place = async (): Promise<void> => {
      while (!isOver) {
        await sleep(2 * pauseMs * Math.random());
        const startedAt = performance.now();
        try {
          await work();
        } catch (error) {
          failures += 1;
          firstError ||= describeError(error);
        }
        done += 1;
        longestCallMs = Math.max(longestCallMs, performance.now() - startedAt);
      }
    };
    await Promise.all(Array.from({ length: places }, place));
    const secretsManagerCalls = calls() - callsBefore;
    const figures: Figures = {
      calls: done,
      failures,
      longestCallMs: Math.round(longestCallMs),
      secretsManagerCalls,
      secretsManagerCallsPerRotation: Math.round((100 * secretsManagerCalls) / rotations) / 100,
    };
    return { name: contender.name, figures, firstError };
  });
  try {
    for (let time = 0; time < rotations; time += 1) {
      const next = sleep(rotationEveryMs);
      await subject.world.rotate(subject.arn);
      await next;
    }
  } finally {
    isOver = true;
  }
  const outcomes = await Promise.all(running);
  return {
    case: name,
    server,
    rotations,
    contenders: Object.fromEntries(outcomes.map((outcome) => [outcome.name, outcome.figures])),
    firstErrors: Object.fromEntries(
      outcomes
        .filter(({ firstError }) => firstError !== '')
        .map((outcome) => [outcome.name, outcome.firstError]),
    ),
  };
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message}`;
}
