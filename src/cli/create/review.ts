import { type codeSamples, type SampleLanguage, sampleLanguages } from '../../create/code-samples.ts';
import { nextDates } from '../../create/schedule-dates.ts';
import { printable } from '../printable.ts';
import type { Screen } from '../rotation/screen.ts';
import type { Interview } from './interview.ts';
import type { Prompter } from './prompts.ts';
import type { CreateWork } from './work.ts';

const shownDates = 5;

/** The review for --json, without the value. */
export function describe({ secret, value }: Interview): object {
  const { rotation } = secret;
  return {
    name: secret.name,
    kind: value.kind.name,
    value: value.words.replace(/^it /, ''),
    key: secret.kmsKeyId ?? 'aws/secretsmanager',
    description: secret.description ?? null,
    tags: Object.fromEntries(secret.tags),
    resourcePolicy: secret.resourcePolicy === undefined ? null : JSON.parse(secret.resourcePolicy),
    replicas: secret.replicas.map(({ region, kmsKeyId }) => ({
      region,
      key: kmsKeyId ?? 'aws/secretsmanager',
    })),
    rotationPlan:
      rotation === undefined
        ? null
        : {
            function: rotation.functionArn,
            schedule: rotation.schedule.expression,
            window: rotation.schedule.duration ?? null,
            words: rotation.schedule.words,
            nextDates: nextDates(rotation.schedule, Date.now(), shownDates),
            immediately: rotation.immediately,
          },
  };
}

/** The review: all that will be stored, without the value. */
export function showReview(screen: Screen, { secret, value }: Interview, notes: readonly string[]): void {
  const { rotation } = secret;
  const fact = (name: string, text: string): void => screen.fact(name, printable(text));
  screen.heading(secret.name);
  fact('kind', value.kind.title);
  fact('value', value.words.replace(/^it /, ''));
  fact('key', secret.kmsKeyId ?? 'aws/secretsmanager');
  fact('description', secret.description ?? 'none');
  fact('tags', [...secret.tags].map((tag) => tag.join('=')).join(', ') || 'none');
  fact('policy', secret.resourcePolicy ?? 'none');
  fact(
    'replicas',
    secret.replicas
      .map(({ region, kmsKeyId }) => (kmsKeyId === undefined ? region : `${region} (${kmsKeyId})`))
      .join(', ') || 'none',
  );
  if (rotation === undefined) fact('rotation', 'off');
  else {
    fact('rotation', `by ${rotation.functionArn}`);
    fact('schedule', `${rotation.schedule.words}: ${rotation.schedule.expression}`);
    for (const date of nextDates(rotation.schedule, Date.now(), shownDates))
      fact('', `window from ${date.toISOString().replace(/:\d\d\.\d+Z$/, 'Z')}`);
    fact(
      'first rotation',
      rotation.immediately ? 'at once, after a test' : 'by the schedule; only a test now',
    );
  }
  for (const note of notes) fact('note', note);
}

/** Shows the code that reads the secret, in the languages that were chosen. */
export async function showCode(
  screen: Screen,
  { code, yes }: CreateWork,
  samples: ReturnType<typeof codeSamples>,
  prompter: Prompter | undefined,
): Promise<void> {
  const asked =
    code.length > 0 ? code : prompter === undefined || yes ? ['cli'] : [await askLanguage(prompter, samples)];
  const languages = sampleLanguages.filter((language) => asked.includes(language) || asked.includes('all'));
  for (const language of languages) {
    screen.heading(`Read it: ${samples[language].title}`);
    screen.say(samples[language].code);
  }
}

function askLanguage(
  prompter: Prompter,
  samples: ReturnType<typeof codeSamples>,
): Promise<SampleLanguage | 'all' | 'none'> {
  return prompter.choose<SampleLanguage | 'all' | 'none'>('Which code that reads it is to be shown?', [
    ...sampleLanguages.map((language) => [language, samples[language].title] as const),
    ['all', 'all of them'],
    ['none', 'none'],
  ]);
}
