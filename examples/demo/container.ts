import type { Telemetry } from '../../src/index.ts';
import { buildFunction, functionId, localEnvironment } from '../sam/function.ts';
import { readLogLine } from '../sam/log.ts';
import { openToContainers } from '../sam/reach.ts';
import { serveFunction } from '../sam/serve.ts';
import type { Environment } from './environment.ts';
import type { Screen } from './screen.ts';

/** What a function needs to start. */
export interface FunctionSurroundings {
  readonly environment: Environment;
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly ending: AbortSignal;
}

/**
 * Builds the function as for a deployment, and runs it by `sam local start-lambda` for the local Secrets Manager. Its
 * reports are read from its log.
 *
 * @returns the function's ARN
 */
export async function startContainer(
  { environment, screen, resources, ending }: FunctionSurroundings,
  lambdaPort: number,
  { telemetry, accessKeyId }: { readonly telemetry: Telemetry; readonly accessKeyId: string },
): Promise<string> {
  const { local, postgres } = environment;
  const secretsManagerPort = Number(new URL(local.url).port);
  screen.progress('building the function');
  const samArguments = await buildFunction({ secretsManagerPort, ca: postgres.ca ?? '' }, resources, ending);
  await openToContainers([secretsManagerPort, postgres.port], resources);
  screen.progress('starting its container');
  local.on((event) => {
    if (event.type === 'step-started') {
      telemetry.stepStarted({ secretArn: event.secretArn, versionId: event.token, step: event.step });
    }
  });
  const onLine = (line: string): void => {
    const entry = readLogLine(line);
    if (entry?.kind === 'report') telemetry.stepEnded(entry.report);
    if (entry?.kind === 'note') telemetry.note(entry.step, entry.message);
  };
  const env = localEnvironment(accessKeyId);
  await serveFunction({ port: lambdaPort, samArguments, env, onLine }, resources, ending);
  return `arn:aws:lambda:${local.clientConfig.region}:123456789012:function:${functionId}`;
}
