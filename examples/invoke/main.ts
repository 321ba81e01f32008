import { readFile } from 'node:fs/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type RotationRequest, startLocalSecretsManager } from '../../src/local/index.ts';
import { createScreen, type Screen } from '../demo/screen.ts';
import { describeLabels } from '../demo/wording.ts';
import { rejectionOf, runProgram } from '../entry.ts';
import { buildFunction } from '../sam/function.ts';
import { type Invocation, invokeFunction } from '../sam/invoke.ts';
import { machine, openToContainers } from '../sam/reach.ts';
import { requireTools } from '../sam/tools.ts';
import { help, type InvokeArguments, readArguments } from './arguments.ts';
import { labelsOf, prepareStep } from './prepare.ts';
import { findTarget } from './targets.ts';

process.exitCode = await runProgram({ name: 'invoke', help, readArguments, run }, process.argv.slice(2));

async function run(args: InvokeArguments, ending: AbortSignal): Promise<number> {
  const screen = createScreen((line) => {
    if (!args.json && !ending.aborted) process.stdout.write(`${line}\n`);
  });
  await using resources = new AsyncDisposableStack();
  const result = await Promise.race([invoke(args, { screen, resources, ending }), rejectionOf(ending)]);
  if (args.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.error === undefined ? 0 : 1;
}

interface Surroundings {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly ending: AbortSignal;
}

type Labels = Readonly<Record<string, readonly string[]>>;

/** The result, as --json prints it. */
interface Result {
  readonly step: string;
  readonly rotator: string | undefined;
  readonly outcome: string | undefined;
  readonly durationMs: number | undefined;
  readonly error: Invocation['error'];
  readonly notes: readonly string[];
  readonly labelsBefore: Labels;
  readonly labelsAfter: Labels;
}

async function invoke(
  { step, rotator, built }: InvokeArguments,
  { screen, resources, ending }: Surroundings,
): Promise<Result> {
  await requireTools();
  screen.heading('Keyturn', `${step}, invoked in a container by sam local invoke`);
  screen.progress('starting the servers');
  const target = await findTarget(rotator, resources, ending);
  const local = await startLocalSecretsManager({ retryDelaysMs: [], hostNames: [machine] });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  screen.fact(target.name, target.description);
  screen.fact('Secrets Manager', `${local.url}, on this machine`);

  const secretsManagerPort = Number(new URL(local.url).port);
  const ports = [secretsManagerPort, target.localPort].flatMap((port) => port ?? []);
  await openToContainers(ports, resources);
  if (!built) screen.progress('building the function');
  const { ca, apis } = target;
  const samArguments = await buildFunction({ secretsManagerPort, ca, apis, built }, resources, ending);
  const event = await prepareStep({ local, client }, target, await readEvent(rotator, step));
  screen.fact('secret', event.SecretId);

  const labelsBefore = await labelsOf(client, event.SecretId);
  screen.progress('invoking the function');
  const invocation = await invokeFunction(event, samArguments, ending);
  const labelsAfter = await labelsOf(client, event.SecretId);
  show(screen, invocation, { before: labelsBefore, after: labelsAfter });
  const { report, notes, error } = invocation;
  return {
    step,
    rotator: report?.rotator,
    outcome: report?.outcome,
    durationMs: report?.durationMs,
    error: error && { errorType: error.errorType, errorMessage: error.errorMessage },
    notes,
    labelsBefore,
    labelsAfter,
  };
}

async function readEvent(rotator: string, step: string): Promise<RotationRequest> {
  const file = new URL(`../../events/${rotator}/${step}.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8'));
}

function show(
  screen: Screen,
  { report, notes, error }: Invocation,
  labels: { readonly before: Labels; readonly after: Labels },
): void {
  screen.gap();
  if (report !== undefined) screen.stepEnded(report);
  for (const note of notes) screen.note(note);
  screen.fact('answer', error === undefined ? 'null, as for every step that is done' : error.errorType);
  const versions = new Set(Object.values(labels).flatMap(Object.keys));
  const { before } = labels;
  screen.fact(
    'labels before',
    describeLabels(versions, { before, after: before }, (text) => text),
  );
  screen.fact(
    'labels after',
    describeLabels(versions, labels, (text) => `${text} (moved)`),
  );
}
