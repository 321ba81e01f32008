import { codeSamples } from '../../create/code-samples.ts';
import { type NewSecret, nameNote } from '../../create/new-secret.ts';
import { isKeyturnError } from '../../errors.ts';
import { createRedactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import type { CreateWork } from '../create.ts';
import { printable } from '../printable.ts';
import { attach } from '../rotation/attach.ts';
import { connect, regionOf } from '../rotation/clients.ts';
import { createFunctionApi } from '../rotation/function.ts';
import type { Tools } from '../rotation/rotate.ts';
import { type Answer, type Screen, showing } from '../rotation/screen.ts';
import { type Interview, interview } from './interview.ts';
import { Cancelled, createPrompter, type Prompter } from './prompts.ts';
import { describe, showCode, showReview } from './review.ts';
import { validatePolicy } from './validate-policy.ts';

const CANCELLED = 130;

/** Stores a secret as the command line and the answers say. @returns the exit code */
export async function create(work: CreateWork): Promise<number> {
  // Standard input is either a value or answers.
  const isInputTaken = [work.valueFile, work.policyFile, ...work.fieldFiles.values()].includes('-');
  const prompter = isInputTaken ? undefined : createPrompter();
  try {
    return await showing({ json: work.json, redactor: createRedactor() }, async (screen) => {
      const found = await interview(work, prompter, !work.yes);
      return reviewAndStore(work, found, screen, prompter);
    });
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    process.stderr.write('keyturn create: nothing was stored\n');
    return CANCELLED;
  } finally {
    prompter?.close();
  }
}

async function reviewAndStore(
  work: CreateWork,
  found: Interview,
  screen: Screen,
  prompter: Prompter | undefined,
): Promise<Answer> {
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
  const stored = await tools.secrets.create(found.secret);
  screen.good(`Stored: ${found.secret.name}`);
  screen.fact('secret', stored.arn);
  const done = await finish(tools, work, { secret: found.secret, arn: stored.arn });
  const samples = codeSamples(found.secret.name, regionOf(stored.arn) ?? 'us-east-1');
  const document = { ...review, secret: stored.arn, versionId: stored.versionId, ...done.document };
  await showCode(screen, work, samples, prompter);
  const code = Object.fromEntries(
    Object.entries(samples).map(([language, sample]) => [language, sample.code]),
  );
  return { ok: done.ok, document: { outcome: done.ok ? 'created' : 'incomplete', ...document, code } };
}

/** Looks at what can be wrong before anything is stored. */
async function examine(
  { secrets, functions }: Tools,
  { name, resourcePolicy, rotation }: NewSecret,
): Promise<readonly string[]> {
  const notes = [nameNote(name)].filter((note) => note !== undefined);
  if (resourcePolicy !== undefined) notes.push(...(await validatePolicy(secrets, resourcePolicy)));
  if (rotation !== undefined) notes.push(...(await functions.look(rotation.functionArn)).notes);
  return notes;
}

/** Policy and rotation. The secret is stored by now, so that what fails here is told beside it. */
async function finish(
  tools: Tools,
  work: CreateWork,
  { secret: { resourcePolicy, rotation }, arn }: { readonly secret: NewSecret; readonly arn: string },
): Promise<Answer> {
  const { screen } = tools;
  try {
    if (resourcePolicy !== undefined) {
      await tools.secrets.putPolicy(arn, resourcePolicy);
      screen.good('Its resource policy is put.');
    }
    if (rotation === undefined) return { ok: true, document: {} };
    const attached = await attach(tools, { secret: arn, ...rotation, timeoutMs: work.timeoutMs });
    return { ok: attached.ok, document: { rotation: attached.document } };
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    screen.bad(`The secret is stored, and the rest is not done. ${error.code}: ${printable(error.message)}`);
    return { ok: false, document: { error: { code: error.code, message: error.message } } };
  }
}
