import type { RotationFixture } from '../support/rotation-fixture.ts';
import { type Ended, runKeyturnAlone } from './keyturn-process.ts';

/** The function that fixtures register. */
export const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:rotate';

/** An ended process, with the document that it has printed under --json. */
export interface JsonEnded extends Ended {
  readonly document: Record<string, unknown>;
}

/** Runs `keyturn ARGS` against the fixture's Secrets Manager, with no credentials and no region. */
export function runAt({ local }: Pick<RotationFixture, 'local'>, ...args: string[]): Promise<Ended> {
  return runKeyturnAlone({}, ...args, '--endpoint', local.url);
}

/** The same with --json: the output is one line, which holds the document. */
export async function runJsonAt(
  fixture: Pick<RotationFixture, 'local'>,
  ...args: string[]
): Promise<JsonEnded> {
  const ended = await runAt(fixture, ...args, '--json');
  const document: Record<string, unknown> = JSON.parse(ended.stdout);
  return { ...ended, document };
}
