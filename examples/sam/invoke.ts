import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepReport } from '../../src/index.ts';
import type { RotationRequest } from '../../src/local/index.ts';
import { functionId, localEnvironment } from './function.ts';
import { readLogLine } from './log.ts';
import { run } from './program.ts';

/** The outcome of an invocation. */
export interface Invocation {
  /** Undefined if the function failed before the step. */
  readonly report: StepReport | undefined;
  readonly notes: readonly string[];
  /** Lambda's answer for a failed function. */
  readonly error: { readonly errorType: string; readonly errorMessage: string } | undefined;
}

/** Invokes the function with an event, by `sam local invoke`. @param samArguments what buildFunction returned */
export async function invokeFunction(
  event: RotationRequest,
  samArguments: readonly string[],
  signal: AbortSignal,
): Promise<Invocation> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-invoke-'));
  try {
    const file = join(folder, 'event.json');
    await writeFile(file, JSON.stringify(event));
    const { stdout, stderr } = await run(
      'sam',
      ['local', 'invoke', functionId, '--event', file, ...samArguments],
      {
        env: localEnvironment('function'),
        signal,
      },
    );
    const entries = stderr.split('\n').flatMap((line) => readLogLine(line) ?? []);
    const answer: Invocation['error'] | null = JSON.parse(stdout.trim().split('\n').at(-1) || 'null');
    return {
      report: entries.find((entry) => entry.kind === 'report')?.report,
      notes: entries.flatMap((entry) => (entry.kind === 'note' ? entry.message : [])),
      error: answer ?? undefined,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
