import { readFunction } from '../cli/attach.ts';
import { isUsageError } from '../cli/command.ts';
import { makeSchedule } from '../cli/rotation/schedule.ts';
import { composeFields, type Kind, kindNamed } from '../create/kinds.ts';
import { type NewRotation, type NewSecret, nameProblem } from '../create/new-secret.ts';
import { previewValue } from '../create/value-preview.ts';
import { isKeyturnError } from '../errors.ts';
import { type FormOfFields, formOfFields } from '../render/form-names.ts';

/** How a value is given: the fields of a database, keys and values, or a text. */
export type ValueMode = 'fields' | 'text';

/**
 * A secret that is being put together, screen by screen. It is only in this process. So no page holds the value that was
 * given on an earlier page.
 */
export interface Draft {
  readonly id: string;
  kind: string;
  mode: ValueMode;
  /** The fields of the kind, or keys and values. */
  fields: ReadonlyMap<string, string>;
  text: string;
  form: FormOfFields | undefined;
  asIs: boolean;
  kmsKeyId: string;
  name: string;
  description: string;
  tags: readonly (readonly [key: string, value: string])[];
  policy: string;
  replicas: readonly (readonly [region: string, key: string])[];
  rotates: boolean;
  functionArn: string;
  every: string;
  atHour: string;
  window: string;
  immediately: boolean;
  /** The value as it will be stored; undefined until the first screen is complete. */
  value: { readonly text: string; readonly words: string } | undefined;
  /** The screens that were sent without a problem. */
  readonly passed: Set<Screen>;
  /** The problems of each screen, when it was sent last. */
  readonly problems: Map<Screen, Problems>;
  /** Gives the ARN when the secret is stored. Undefined: it is not being stored. */
  storing: Promise<string> | undefined;
  /** The error, if it could not be stored. */
  refusal: unknown;
}

/** The screens, in AWS's order. */
export const screens = ['value', 'details', 'rotation', 'review'] as const;

/** One of {@link screens}. */
export type Screen = (typeof screens)[number];

/** What is wrong with each field, by the field's name. */
export type Problems = ReadonlyMap<string, string>;

/** A form that a browser sent. */
export interface FormValues {
  get(name: string): string | null;
  getAll(name: string): string[];
}

export function newDraft(id: string): Draft {
  return {
    id,
    kind: 'other',
    mode: 'fields',
    fields: new Map(),
    text: '',
    form: undefined,
    asIs: false,
    kmsKeyId: '',
    name: '',
    description: '',
    tags: [],
    policy: '',
    replicas: [],
    rotates: false,
    functionArn: '',
    every: '30d',
    atHour: '',
    window: '',
    immediately: true,
    value: undefined,
    passed: new Set(),
    problems: new Map(),
    storing: undefined,
    refusal: undefined,
  };
}

export function kindOf({ kind }: Pick<Draft, 'kind'>): Kind {
  const found = kindNamed(kind) ?? kindNamed('other');
  if (found === undefined) throw new Error('There is no other kind.');
  return found;
}

/** Puts the form of a screen into the draft. @returns what is wrong with it */
export function takeForm(draft: Draft, screen: Screen, form: FormValues): Problems {
  const problems = takers[screen](draft, form);
  draft.problems.set(screen, problems);
  draft.refusal = undefined;
  if (problems.size === 0) draft.passed.add(screen);
  else draft.passed.delete(screen);
  return problems;
}

const takers: Readonly<Record<Screen, (draft: Draft, form: FormValues) => Problems>> = {
  value: takeValue,
  details: takeDetails,
  rotation: takeRotation,
  review: () => new Map(),
};

function takeValue(draft: Draft, form: FormValues): Problems {
  const kind = kindOf({ kind: form.get('kind') ?? draft.kind });
  const mode: ValueMode = form.get('mode') === 'text' ? 'text' : 'fields';
  const isSame = kind.name === draft.kind && mode === draft.mode;
  const before = isSame ? draft : newDraft(draft.id);
  draft.kind = kind.name;
  draft.mode = mode;
  draft.kmsKeyId = (form.get('kms') ?? '').trim();
  draft.asIs = form.get('as-is') === 'yes';
  draft.form = formOfFields(form.get('form') ?? '');
  if (mode === 'text') {
    // A browser sends line breaks as CR LF.
    const typed = (form.get('text') ?? '').replaceAll('\r\n', '\n');
    draft.text = typed === '' ? before.text : typed;
    draft.fields = new Map();
  } else {
    draft.text = '';
    draft.fields = kind.engine === undefined ? pairsOf(form, before) : fieldsOf(kind, form, before);
  }
  return compose(draft, kind);
}

/** An empty secret field keeps the value that was given before, because no page shows it again. */
function fieldsOf(kind: Kind, form: FormValues, before: Draft): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const { name, isSecret } of kind.fields) {
    const typed = form.get(`field-${name}`) ?? '';
    const value = typed === '' && isSecret === true ? (before.fields.get(name) ?? '') : typed;
    if (value !== '') fields.set(name, value);
  }
  return fields;
}

function pairsOf(form: FormValues, before: Draft): ReadonlyMap<string, string> {
  const [keys, values] = [form.getAll('key'), form.getAll('value')];
  const fields = new Map<string, string>();
  for (const [index, key] of keys.entries()) {
    const value = values[index] || before.fields.get(key) || '';
    if (key !== '') fields.set(key, value);
  }
  return fields;
}

function compose(draft: Draft, kind: Kind): Problems {
  const problems = new Map<string, string>();
  draft.value = undefined;
  try {
    const text = draft.mode === 'text' ? draft.text : composeFields(kind, draft.fields, draft.form);
    const { ok, words } = previewValue(text, kind.engine);
    if (ok || (draft.asIs && text !== '')) draft.value = { text, words: words.replace(/^it /, '') };
    else problems.set('value', words);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    problems.set(
      error.field === undefined ? 'value' : `field-${error.field}`,
      error.message.replace(' Nothing was stored.', ''),
    );
  }
  return problems;
}

function takeDetails(draft: Draft, form: FormValues): Problems {
  const problems = new Map<string, string>();
  draft.name = (form.get('name') ?? '').trim();
  draft.description = (form.get('description') ?? '').replaceAll('\r\n', '\n');
  draft.tags = rowsOf(form, 'tag-key', 'tag-value');
  draft.policy = form.get('policy') ?? '';
  draft.replicas = rowsOf(form, 'replica-region', 'replica-key');
  const problem = nameProblem(draft.name);
  if (problem !== undefined) problems.set('name', problem);
  // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
  if (draft.description.length > 2048) problems.set('description', 'it has at most 2,048 characters');
  if (new Set(draft.tags.map(([key]) => key)).size < draft.tags.length)
    problems.set('tags', 'two tags have the same key');
  if (draft.replicas.some(([region]) => !/^[a-z]+(-[a-z]+)+-\d+$/.test(region)))
    problems.set('replicas', 'a region is named like eu-west-1');
  if (draft.policy.trim() !== '' && compactJson(draft.policy) === undefined)
    problems.set('policy', 'it is not JSON');
  return problems;
}

/** Rows whose first field was filled in. */
function rowsOf(form: FormValues, first: string, second: string): (readonly [string, string])[] {
  const seconds = form.getAll(second);
  return form
    .getAll(first)
    .map((text, index) => [text.trim(), seconds[index] ?? ''] as const)
    .filter(([text]) => text !== '');
}

function takeRotation(draft: Draft, form: FormValues): Problems {
  const problems = new Map<string, string>();
  draft.rotates = form.get('rotates') === 'yes';
  draft.functionArn = (form.get('function') ?? '').trim();
  draft.every = (form.get('every') ?? '').trim();
  draft.atHour = (form.get('at-hour') ?? '').trim();
  draft.window = (form.get('window') ?? '').trim();
  draft.immediately = form.get('immediately') === 'yes';
  if (!draft.rotates) return problems;
  const functionProblem = problemOf(() => readFunction(draft.functionArn));
  if (functionProblem !== undefined) problems.set('function', functionProblem);
  const scheduleProblem = problemOf(() => scheduleOf(draft));
  if (scheduleProblem !== undefined) problems.set('schedule', scheduleProblem);
  return problems;
}

/** Makes the schedule from its three fields. @throws UsageError */
export function scheduleOf({ every, atHour, window }: Pick<Draft, 'every' | 'atHour' | 'window'>) {
  return makeSchedule({
    every: every || undefined,
    atHour: atHour || undefined,
    window: window || undefined,
  });
}

/** The UsageError of `read`, in the words of a page instead of the command line. Undefined if there is none. */
export function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!isUsageError(error)) throw error;
    return error.message
      .replace(/^say how often to rotate, such as --every 30d/, 'say how often to rotate, such as 30d')
      .replaceAll('--every', 'the period')
      .replaceAll('--at-hour', 'the hour')
      .replaceAll('--window', 'the window')
      .replaceAll('--function', 'the function');
  }
}

/** JSON without spaces; undefined if the text is not JSON. */
export function compactJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The first screen that is not complete yet, or the review. */
export function nextScreen(draft: Draft): Screen {
  return screens.find((screen) => screen !== 'review' && !draft.passed.has(screen)) ?? 'review';
}

/** The secret as `keyturn create` stores it. @throws Error if the draft has no value yet */
export function newSecretOf(draft: Draft): NewSecret {
  if (draft.value === undefined) throw new Error('The draft has no value yet.');
  return {
    name: draft.name,
    value: draft.value.text,
    description: draft.description || undefined,
    kmsKeyId: draft.kmsKeyId || undefined,
    tags: new Map(draft.tags),
    resourcePolicy: draft.policy.trim() === '' ? undefined : compactJson(draft.policy),
    replicas: draft.replicas.map(([region, kmsKeyId]) => ({ region, kmsKeyId: kmsKeyId || undefined })),
    rotation: rotationOf(draft),
  };
}

function rotationOf(draft: Draft): NewRotation | undefined {
  if (!draft.rotates) return undefined;
  return {
    functionArn: readFunction(draft.functionArn),
    schedule: scheduleOf(draft),
    immediately: draft.immediately,
  };
}
