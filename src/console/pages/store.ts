import type { SecretAsCode } from '../../create/as-code.ts';
import type { CodeSample } from '../../create/code-samples.ts';
import { type Kind, kinds } from '../../create/kinds.ts';
import { formsOfFields } from '../../render/form-names.ts';
import type { Run } from '../activity.ts';
import type { Answered } from '../answered.ts';
import { type Draft, kindOf, type Problems, type Screen, screens } from '../draft.ts';
import { html } from '../library.ts';
import {
  capital,
  card,
  codeBlock,
  facts,
  field,
  form,
  type Html,
  inputField,
  secretUrl,
  text,
  type View,
  when,
} from './parts.ts';
import { runView } from './run.ts';
import { datesView } from './secret.ts';

const screenWords: Readonly<Record<Screen, string>> = {
  value: 'Value',
  details: 'Details',
  rotation: 'Rotation',
  review: 'Review',
};

function frame(view: View, draft: Draft, screen: Screen, problems: Problems, body: Html): Html {
  const reached = screens.findIndex((name) => !draft.passed.has(name));
  const steps = screens.map((name, index) => {
    const label = html`<span class="number">${index + 1}</span>${screenWords[name]}`;
    const isOpen = reached < 0 || index <= reached;
    return html`<li ${name === screen ? html`aria-current="step"` : ''} class="${draft.passed.has(name) ? 'passed' : ''}">${isOpen && name !== screen ? html`<a href="${view.base}/store/${name}?draft=${draft.id}">${label}</a>` : html`<span>${label}</span>`}</li>`;
  });
  return html`<p class="trail"><a href="${view.base}/">Secrets</a></p><h1>Store a new secret</h1>
<div class="wizard"><nav aria-label="Steps"><ol class="wizard-steps">${steps}</ol></nav><div class="wizard-body">
${problems.size === 0 ? '' : html`<div class="notice bad" role="alert"><p>${problems.size === 1 ? 'One thing' : `${problems.size} things`} to correct. Nothing is stored yet.</p></div>`}
${body}</div></div>`;
}

/** The first screen: kind, value, encryption key. */
export function valueScreen(view: View, draft: Draft, problems: Problems): Html {
  const kind = kindOf(draft);
  const isDatabase = kind.engine !== undefined;
  const link = (name: string, mode: string): string =>
    `${view.base}/store/value?draft=${draft.id}&kind=${name}&mode=${mode}`;
  const isKept = draft.value !== undefined;
  return frame(
    view,
    draft,
    'value',
    problems,
    html`
<fieldset class="kinds"><legend>What kind of secret is it?</legend><div class="kind-grid">${kinds.map(({ name, title }) => html`<a class="kind" href="${link(name, name === kind.name ? draft.mode : 'fields')}" ${name === kind.name ? html`aria-current="true"` : ''}>${name === 'other' ? 'Anything else' : title}</a>`)}</div></fieldset>
<div class="tabs" role="navigation" aria-label="How it is given"><a href="${link(kind.name, 'fields')}" ${draft.mode === 'fields' ? html`aria-current="true"` : ''}>${isDatabase ? 'As fields' : 'Keys and values'}</a><a href="${link(kind.name, 'text')}" ${draft.mode === 'text' ? html`aria-current="true"` : ''}>${isDatabase ? 'As a connection string' : 'Plain text'}</a></div>
${form(
  view,
  `store/value?draft=${draft.id}`,
  html`<input type="hidden" name="kind" value="${kind.name}"><input type="hidden" name="mode" value="${draft.mode}">
${draft.mode === 'text' ? textField(view, kind, draft, problems, isKept) : isDatabase ? databaseFields(kind, draft, problems) : pairFields(draft, problems)}
${inputField({ name: 'kms', label: 'Encryption key', hint: 'An ARN, an id or an alias. Empty: aws/secretsmanager' }, draft.kmsKeyId)}
<p class="buttons"><button class="button primary">Next</button></p>`,
)}`,
  );
}

/** A text area under a copy of its text, which shows the password as dots. */
function textField(view: View, kind: Kind, draft: Draft, problems: Problems, isKept: boolean): Html {
  const label = kind.engine === undefined ? 'The value' : 'Connection string';
  const hint = isKept
    ? 'A value is kept. Type another one to replace it.'
    : 'It is read while it is typed, and its password is shown as dots.';
  return html`${field({ name: 'text', label, hint, problem: problems.get('value') }, (attributes) => html`<div class="typed" data-typed="${view.base}/store/judge"><pre aria-hidden="true"></pre><textarea rows="5" autocomplete="off" autocapitalize="off" spellcheck="false" ${attributes}></textarea></div>`)}
<p class="verdict-line" data-verdict role="status"></p>
<p class="check"><input type="checkbox" id="as-is" name="as-is" value="yes" ${draft.asIs ? html`checked` : ''}><label for="as-is">Store it even if it looks malformed</label></p>`;
}

function databaseFields(kind: Kind, draft: Draft, problems: Problems): Html {
  const fields = kind.fields.map(({ name, title, isSecret, isOptional, byDefault }) => {
    const id = `field-${name}`;
    const isKept = isSecret === true && draft.fields.has(name);
    const hint = isKept
      ? 'Kept. Type another one to replace it.'
      : name === 'ssl'
        ? 'true: TLS with a valid certificate. false: plaintext. Empty: the default of the driver'
        : byDefault === undefined
          ? isOptional === true
            ? 'Optional'
            : undefined
          : `Empty: ${byDefault}`;
    const label = name === 'ssl' ? 'TLS' : title;
    const problem = problems.get(id);
    if (isSecret === true)
      return field(
        { name: id, label, hint, problem },
        (attributes) =>
          html`<span class="secret-input"><input type="password" autocomplete="new-password" spellcheck="false" value="" ${attributes}><button type="button" class="copy" data-unmask="${id}" aria-pressed="false">Show</button></span>`,
      );
    return inputField({ name: id, label, hint, problem }, draft.fields.get(name) ?? '');
  });
  const asForm = field(
    { name: 'form', label: 'Kept as', hint: 'JSON is what AWS’s own rotation functions read' },
    (attributes) =>
      html`<select ${attributes}><option value="">JSON, as AWS has it</option>${formsOfFields.filter((name) => name !== 'json').map((name) => html`<option value="${name}" ${draft.form === name ? html`selected` : ''}>${formWords[name]}</option>`)}</select>`,
  );
  return html`<div class="field-grid">${fields}</div>${asForm}${problems.has('value') ? html`<p class="problem">${text(capital(problems.get('value') ?? ''))}</p>` : ''}`;
}

const formWords: Readonly<Record<(typeof formsOfFields)[number], string>> = {
  url: 'A URL',
  'ado-net': 'An ADO.NET connection string',
  odbc: 'An ODBC connection string',
  libpq: 'A libpq connection string',
  jdbc: 'A JDBC URL',
  json: 'JSON',
};

function pairFields(draft: Draft, problems: Problems): Html {
  const rows = [...draft.fields.keys(), ...Array(Math.max(1, 3 - draft.fields.size)).fill('')];
  return html`<fieldset class="rows" data-rows><legend>Keys and values</legend>
${rows.map((key: string, index) => html`<div class="pair-row"><label class="hidden" for="key-${index}">Key ${index + 1}</label><input id="key-${index}" name="key" value="${key}" placeholder="Key" autocomplete="off" spellcheck="false"><label class="hidden" for="value-${index}">Value ${index + 1}</label><span class="secret-input"><input type="password" id="value-${index}" name="value" placeholder="${key === '' ? 'Value' : 'Kept. Type to replace'}" autocomplete="new-password" spellcheck="false"><button type="button" class="copy" data-unmask="value-${index}" aria-pressed="false">Show</button></span></div>`)}
<button type="button" class="button quiet" data-add-row>Add a row</button>${problems.has('field-value') || problems.has('value') ? html`<p class="problem">${text(capital(problems.get('field-value') ?? problems.get('value') ?? ''))}</p>` : ''}</fieldset>`;
}

/** The second screen: name, description, tags, permissions, replicas. */
export function detailsScreen(view: View, draft: Draft, problems: Problems): Html {
  const rows = (items: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] => [
    ...items,
    ['', ''],
  ];
  return frame(
    view,
    draft,
    'details',
    problems,
    form(
      view,
      `store/details?draft=${draft.id}`,
      html`${inputField({ name: 'name', label: 'Name', hint: html`Such as <code>prod/shop/Postgres</code>. Letters, digits and <code>/_+=.@-</code>`, problem: problems.get('name') }, draft.name, html`required maxlength="512"`)}
${field({ name: 'description', label: 'Description', hint: 'Optional', problem: problems.get('description') }, (attributes) => html`<textarea rows="2" maxlength="2048" ${attributes}>${draft.description}</textarea>`)}
<fieldset class="rows" data-rows><legend>Tags</legend>${rows(draft.tags).map(([key, value], index) => html`<div class="pair-row"><label class="hidden" for="tag-key-${index}">Key of tag ${index + 1}</label><input id="tag-key-${index}" name="tag-key" value="${key}" placeholder="Key" autocomplete="off"><label class="hidden" for="tag-value-${index}">Value of tag ${index + 1}</label><input id="tag-value-${index}" name="tag-value" value="${value}" placeholder="Value" autocomplete="off"></div>`)}<button type="button" class="button quiet" data-add-row>Add a row</button>${problems.has('tags') ? html`<p class="problem">${capital(problems.get('tags') ?? '')}</p>` : ''}</fieldset>
<details class="edit" ${draft.policy !== '' || problems.has('policy') ? html`open` : ''}><summary>Resource permissions</summary>${field({ name: 'policy', label: 'Resource policy, as JSON', hint: 'Optional. One that lets everybody in is refused.', problem: problems.get('policy') }, (attributes) => html`<textarea rows="8" spellcheck="false" class="code-input" ${attributes}>${draft.policy}</textarea>`)}</details>
<details class="edit" ${draft.replicas.length > 0 || problems.has('replicas') ? html`open` : ''}><summary>Replication to other regions</summary><fieldset class="rows" data-rows><legend class="hidden">Regions</legend>${rows(draft.replicas).map(([region, key], index) => html`<div class="pair-row"><label class="hidden" for="replica-region-${index}">Region ${index + 1}</label><input id="replica-region-${index}" name="replica-region" value="${region}" placeholder="eu-west-1" autocomplete="off"><label class="hidden" for="replica-key-${index}">Encryption key in region ${index + 1}</label><input id="replica-key-${index}" name="replica-key" value="${key}" placeholder="aws/secretsmanager" autocomplete="off"></div>`)}<button type="button" class="button quiet" data-add-row>Add a row</button>${problems.has('replicas') ? html`<p class="problem">${capital(problems.get('replicas') ?? '')}</p>` : ''}</fieldset></details>
<p class="buttons"><button class="button primary">Next</button><a class="button quiet" href="${view.base}/store/value?draft=${draft.id}">Back</a></p>`,
    ),
  );
}

/** The third screen: rotation. */
export function rotationScreen(
  view: View,
  draft: Draft,
  problems: Problems,
  functions: readonly string[],
): Html {
  return frame(
    view,
    draft,
    'rotation',
    problems,
    form(
      view,
      `store/rotation?draft=${draft.id}`,
      html`<p class="check"><input type="checkbox" id="rotates" name="rotates" value="yes" data-reveals="rotation-fields" ${draft.rotates ? html`checked` : ''}><label for="rotates">Have it rotated</label></p>
<div id="rotation-fields" class="revealed">
${inputField({ name: 'function', label: 'Rotation function', hint: 'The ARN of a Lambda function that Secrets Manager may invoke', problem: problems.get('function') }, draft.functionArn, html`list="functions"`)}
<datalist id="functions">${functions.map((arn) => html`<option value="${arn}"></option>`)}</datalist>
<div class="row">${inputField({ name: 'every', label: 'How often', hint: html`Such as <code>30d</code> or <code>12h</code>` }, draft.every, html`size="6"`)}
${inputField({ name: 'at-hour', label: 'Hour in UTC', hint: '0 to 23; empty: any' }, draft.atHour, html`size="4"`)}
${inputField({ name: 'window', label: 'Window', hint: html`Such as <code>2h</code>; empty: as AWS makes it` }, draft.window, html`size="6"`)}</div>
${problems.has('schedule') ? html`<p class="problem">${text(capital(problems.get('schedule') ?? ''))}</p>` : ''}
<p class="check"><input type="checkbox" id="immediately" name="immediately" value="yes" ${draft.immediately ? html`checked` : ''}><label for="immediately">Rotate at once, after a test. Otherwise the first rotation is by the schedule.</label></p></div>
<p class="buttons"><button class="button primary">Next</button><a class="button quiet" href="${view.base}/store/details?draft=${draft.id}">Back</a></p>`,
    ),
  );
}

/** What the review shows besides the draft. */
export interface ReviewParts {
  readonly notes: Answered<readonly string[]>;
  readonly dates: readonly Date[];
  readonly scheduleWords: string | undefined;
  readonly asCode: readonly SecretAsCode[];
}

/** The last screen: everything that will be stored, except for the value. */
export function reviewScreen(
  view: View,
  draft: Draft,
  { notes, dates, scheduleWords, asCode }: ReviewParts,
): Html {
  const list = (items: readonly (readonly [string, string])[], joiner: string): Html | string =>
    items.length === 0
      ? 'None'
      : html`<ul class="plain">${items.map(([key, value]) => html`<li>${text(value === '' ? key : `${key}${joiner}${value}`)}</li>`)}</ul>`;
  return frame(
    view,
    draft,
    'review',
    new Map(),
    html`
${notes.ok ? notes.value.map((note) => html`<div class="notice"><p>${text(note)}</p></div>`) : html`<div class="notice bad" role="alert"><p>${text(notes.error instanceof Error ? notes.error.message : 'It could not be looked at.')}</p></div>`}
${facts([
  ['Name', draft.name],
  ['Kind', kindOf(draft).title],
  ['Value', capital(draft.value?.words ?? 'missing')],
  ['Encryption key', draft.kmsKeyId || 'aws/secretsmanager'],
  ['Description', draft.description || 'None'],
  ['Tags', list(draft.tags, ' = ')],
  [
    'Resource policy',
    draft.policy.trim() === ''
      ? 'None'
      : html`<pre class="policy" tabindex="0"><code>${text(draft.policy)}</code></pre>`,
  ],
  ['Replicas', list(draft.replicas, ', under ')],
  ['Rotation', draft.rotates ? html`<code>${text(draft.functionArn)}</code>` : 'Off'],
  ...(draft.rotates
    ? [
        ['Schedule', capital(scheduleWords ?? '')] as const,
        ['Next windows', datesView(view, { ok: true, value: dates })] as const,
        [
          'First rotation',
          draft.immediately ? 'At once, after a test' : 'By the schedule; only a test now',
        ] as const,
      ]
    : []),
])}
${form(view, `store/review?draft=${draft.id}`, html`<p class="buttons"><button class="button primary">Store it</button><a class="button quiet" href="${view.base}/store/rotation?draft=${draft.id}">Back</a></p>`)}
${card('as-code', 'The same by other means', html`${asCode.map(({ title, note, code }, index) => html`<details class="edit" ${index === 0 ? html`open` : ''}><summary>${title}</summary><p class="hint">${note}</p>${codeBlock(code, title)}</details>`)}`)}`,
  );
}

/** The page after a secret was stored. */
export function storedPage(
  view: View,
  {
    name,
    arn,
    run,
    samples,
  }: {
    readonly name: string;
    readonly arn: string;
    readonly run: Run | undefined;
    readonly samples: readonly CodeSample[];
  },
): Html {
  return html`<p class="trail"><a href="${view.base}/">Secrets</a></p>
<div class="headline"><div><h1 class="name">${text(name)} is stored</h1><p class="subline">${when(new Date(view.nowMs), view.nowMs)}</p></div><a class="button primary" href="${secretUrl(view, arn)}">Look at it</a></div>
<div id="run-card" data-live>${run === undefined ? '' : card('run', 'Its rotation', runView(view, run))}</div>
${card('samples', 'Code that reads it', html`${samples.map(({ title, code }, index) => html`<details class="edit" ${index === 0 ? html`open` : ''}><summary>${title}</summary>${codeBlock(code, `the code for ${title}`)}</details>`)}`)}`;
}
