import { codeSamples } from '../../create/code-samples.ts';
import { createRedactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import { connect, regionOf } from '../rotation/clients.ts';
import { createFunctionApi } from '../rotation/function.ts';
import type { Tools } from '../rotation/rotate.ts';
import { type CommandResult, runWithScreen, type Screen } from '../rotation/screen.ts';
import { type Interview, interview } from './interview.ts';
import { Cancelled, createPrompter, type Prompter } from './prompts.ts';
import { describe, showCode, showReview } from './review.ts';
import { examine, finish, store } from './store.ts';
import type { CreateWork } from './work.ts';

const cancelledExitCode = 130;

/** `keyturn create`: stores a secret as options and answers say. @returns the exit code */
export async function create(work: CreateWork): Promise<number> {
  // If standard input is a file's content, nobody can answer there.
  const isInputTaken = [work.valueFile, work.policyFile, ...work.fieldFiles.values()].includes('-');
  const prompter = isInputTaken ? undefined : createPrompter();
  try {
    return await runWithScreen({ json: work.json, redactor: createRedactor() }, async (screen) => {
      const found = await interview(work, prompter, !work.yes);
      return reviewAndStore(work, found, screen, prompter);
    });
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    process.stderr.write('keyturn create: nothing was stored\n');
    return cancelledExitCode;
  } finally {
    prompter?.close();
  }
}

async function reviewAndStore(
  work: CreateWork,
  found: Interview,
  screen: Screen,
  prompter: Prompter | undefined,
): Promise<CommandResult> {
  const clients = connect({ secret: '', endpoint: work.endpoint, region: work.region }, process.env);
  const tools: Tools = {
    clients,
    secrets: createAwsSecretsManagement({ client: clients.secretsManager, reader: 'person' }),
    functions: createFunctionApi(clients.lambda),
    screen,
  };
  const notes = await examine(tools, found.secret);
  const review = { ...describe(found), notes };
  showReview(screen, found, notes);
  if (work.dryRun) return { ok: true, document: { outcome: 'reviewed', ...review } };
  if (prompter !== undefined && !work.yes && !(await prompter.confirm('Store it?', true)))
    throw new Cancelled();
  const stored = await store(tools, found.secret);
  const { timeoutMs } = work;
  const done = await finish(tools, { secret: found.secret, arn: stored.arn, timeoutMs });
  const samples = codeSamples(found.secret.name, regionOf(stored.arn) ?? 'us-east-1');
  const document = { ...review, secret: stored.arn, versionId: stored.versionId, ...done.document };
  await showCode(screen, work, samples, prompter);
  const code = Object.fromEntries(
    Object.entries(samples).map(([language, sample]) => [language, sample.code]),
  );
  return { ok: done.ok, document: { outcome: done.ok ? 'created' : 'incomplete', ...document, code } };
}
