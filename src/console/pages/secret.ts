import { hasFailed } from '../../doctor/diagnosis.ts';
import type { Preflight } from '../../doctor/facts.ts';
import {
  describeSchedule,
  type SecretDetails,
  scheduleExpression,
  type VersionDetails,
} from '../../secrets-manager/port.ts';
import type { Run } from '../activity.ts';
import type { Answered } from '../answered.ts';
import type { Remedy, ShownDiagnosis } from '../diagnosis.ts';
import type { SecretState } from '../inventory.ts';
import { html } from '../library.ts';
import type { Timeline } from '../timeline.ts';
import {
  badge,
  buttonForm,
  capital,
  card,
  codeBlock,
  copyable,
  dateWords,
  dayWords,
  facts,
  foldedForm,
  type Html,
  inputField,
  problem,
  secretForm,
  type TypedField,
  text,
  type View,
  when,
} from './parts.ts';
import { runView } from './run.ts';
import { versionsPicture } from './versions.ts';

/** A function's answer to a preflight. */
export interface PreflightAnswer {
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly preflight: Preflight;
}

/** What the page of a secret shows. */
export interface SecretPageParts {
  readonly secret: SecretDetails;
  readonly state: SecretState;
  readonly verdict: Answered<ShownDiagnosis>;
  readonly versions: Answered<readonly VersionDetails[]>;
  readonly timeline: Timeline | undefined;
  readonly policy: Answered<string | undefined>;
  readonly run: Run | undefined;
  readonly preflight: PreflightAnswer | undefined;
  /** The next dates of the schedule; undefined if there is none. */
  readonly dates: Answered<readonly Date[]> | undefined;
  /** Functions that rotate other secrets, as suggestions. */
  readonly functions: readonly string[];
}

/** The page of one secret. */
export function secretPage(view: View, parts: SecretPageParts): Html {
  const { secret, state } = parts;
  const isDeleted = secret.deletedOn !== undefined;
  return html`
<p class="trail"><a href="${view.base}/">Secrets</a></p>
<div class="headline"><div><h1 class="name">${text(secret.name)}</h1><p class="subline" id="subline" data-live><span id="state">${badge(state)}</span> ${secret.description === undefined ? html`<span class="soft">No description</span>` : html`<span>${text(secret.description)}</span>`}</p></div>
<div id="headline-button" data-live>${view.readOnly || isDeleted || secret.rotationEnabled !== true ? '' : buttonForm(view, 'secret/rotate', { id: secret.arn }, 'Rotate now', 'primary')}</div></div>
<div class="columns"><div class="column">
<div id="verdict-card" data-live>${verdictCard(view, parts)}</div>
<div id="run-card" data-live>${isRecent(view, parts.run) ? runCard(view, parts.run) : ''}</div>
${isDeleted ? '' : valueCard(view, parts)}
${card('versions', 'Versions', html`<div id="versions-body" data-live>${versionsBody(view, parts)}</div>`)}
<div id="past-run-card" data-live>${isRecent(view, parts.run) ? '' : runCard(view, parts.run)}</div>
${isDeleted ? '' : html`<div id="rotation-card" data-live>${rotationCard(view, parts)}</div><div id="policy-card" data-live>${policyCard(view, parts)}</div>`}
</div><div class="column side">
<div id="details-card" data-live>${detailsCard(view, secret)}</div>
<div id="tags-card" data-live>${tagsCard(view, secret)}</div>
<div id="replicas-card" data-live>${replicasCard(view, secret)}</div>
<div id="deletion-card" data-live>${deletionCard(view, secret)}</div>
</div></div>`;
}

/** The causes, most likely first, with what is safe to do. */
function causesView({ state, causes }: ShownDiagnosis): Html | string {
  if (causes.length === 0) return '';
  const isOpen = state === 'preflight-failed' || state === 'would-fail';
  const isUnfinished = state.startsWith('unfinished');
  return html`<details class="causes" ${isOpen ? html`open` : ''}><summary>${isUnfinished || isOpen ? 'Why, and what is safe to do' : 'At the command line'}</summary>
<ol>${causes.map(
    ({ problem: what, likelihood, evidence, step, command }) =>
      html`<li><p><strong>${text(what)}</strong> <span class="soft">${capital(likelihood)}: ${text(evidence)}.</span></p><p>${text(step)}</p>${command === null ? '' : codeBlock(command, 'the command')}</li>`,
  )}</ol></details>`;
}

const recentMs = 600_000;

/** Whether a run is shown near the top of the page: it goes on, did not succeed, or has just ended. */
function isRecent({ nowMs }: View, run: Run | undefined): boolean {
  return run?.state !== 'succeeded' || nowMs - (run.endedAt ?? nowMs) < recentMs;
}

function runCard(view: View, run: Run | undefined): Html | string {
  return run === undefined ? '' : card('run', 'Last rotation seen', runView(view, run));
}

function versionsBody(view: View, { versions, timeline }: SecretPageParts): Html {
  if (!versions.ok) return problem(versions.error);
  if (timeline === undefined || versions.value.length === 0)
    return html`<div class="empty"><p>There is no version yet.</p></div>`;
  return versionsPicture(view, timeline);
}

const remedyWords: Readonly<Record<Remedy, string>> = {
  rotate: 'Have it tried again',
  'clear-pending': 'Take AWSPENDING off',
  restore: 'Restore the secret',
  attach: 'Turn rotation on',
  preflight: 'Ask the function again',
};

function verdictCard(view: View, { secret, verdict }: SecretPageParts): Html {
  if (!verdict.ok) return card('verdict', 'How it stands', problem(verdict.error));
  const { title, tone, findings, remedies, pending, state } = verdict.value;
  if (tone === 'good')
    return html`<section class="verdict good" id="verdict"><h2>${title}</h2>${findings.map((line) => html`<p>${text(line)}</p>`)}</section>`;
  const remedy = (name: Remedy, isFirst: boolean): Html => {
    if (name === 'attach')
      return html`<a class="button ${isFirst ? 'primary' : ''}" href="#rotation">${remedyWords[name]}</a>`;
    const fields = { id: secret.arn, ...(name === 'clear-pending' ? { version: pending ?? '' } : {}) };
    const label = state === 'overdue' && name === 'rotate' ? 'Rotate now' : remedyWords[name];
    return buttonForm(view, `secret/${name}`, fields, label, isFirst ? 'primary' : '');
  };
  return html`<section class="verdict ${tone}" id="verdict"><h2>${title}</h2>
${findings.map((line) => html`<p>${text(line)}</p>`)}
${view.readOnly || remedies.length === 0 ? '' : html`<div class="buttons">${remedies.map((name, index) => remedy(name, index === 0))}</div>`}
${causesView(verdict.value)}</section>`;
}

function valueCard(view: View, { secret, versions }: SecretPageParts): Html {
  // If versions may not be listed, DescribeSecret still tells those with a label.
  const labelled = versions.ok
    ? versions.value
    : Object.entries(secret.stages).map(([id, labels]) => ({ id, labels }));
  const body = html`<form class="reveal" data-reveal="${view.base}/secret/reveal"><input type="hidden" name="id" value="${secret.arn}">
<label for="reveal-version">Version</label>
<span id="reveal-versions" data-live><select id="reveal-version" name="version">${labelled.map(({ id, labels }) => html`<option value="${id}" ${labels.includes('AWSCURRENT') ? html`selected` : ''}>${text(id.slice(0, 8))}${labels.length === 0 ? ', no label' : `, ${text(labels.join(' '))}`}</option>`)}</select></span>
<button class="button" data-reveal-button aria-expanded="false" aria-controls="shown-value">Show the value</button></form>
<div id="shown-value" class="shown-value" hidden></div>
<p class="hint">Each reading is noted on the terminal. The value is hidden again after a minute.</p><noscript><p class="hint">Showing a value needs JavaScript. Without it, the value would be in a page that the browser may keep.</p></noscript>`;
  if (versions.ok && labelled.length === 0)
    return card('value', 'Value', html`<div class="empty"><p>There is no value yet.</p></div>`);
  return card('value', 'Value', body);
}

function rotationCard(view: View, parts: SecretPageParts): Html {
  const { secret, dates } = parts;
  const isOn = secret.rotationEnabled === true;
  if (secret.functionArn === undefined || !isOn) {
    const lead =
      secret.rotationEnabled === undefined
        ? 'Nothing rotates this secret yet.'
        : 'Rotation was turned off. The secret keeps its value until somebody changes it.';
    return card('rotation', 'Rotation', html`<p>${lead}</p>${view.readOnly ? '' : attachForm(view, parts)}`);
  }
  return card(
    'rotation',
    'Rotation',
    html`${facts([
      ['Function', copyable(secret.functionArn, 'the ARN of the function')],
      ['Schedule', describeSchedule(secret.rules)],
      ['Last rotated', html`<span id="last-rotated">${when(secret.lastRotated, view.nowMs)}</span>`],
      [
        'Next, at the latest',
        html`<span id="next-rotation">${when(secret.nextRotation, view.nowMs, 'not planned')}</span>`,
      ],
    ])}
<div class="two"><div><h3>The next five windows</h3><div id="next-dates">${datesView(view, dates)}</div></div>
<div><h3>Preflight</h3>${preflightView(view, parts)}</div></div>
${
  view.readOnly
    ? ''
    : html`${scheduleForm(view, secret)}
<details class="edit"><summary>Turn rotation off</summary><p>Nothing rotates the secret from then on. A rotation that is under way is given up where it is.</p>${buttonForm(view, 'secret/turn-off', { id: secret.arn }, 'Turn rotation off', 'danger')}</details>`
}`,
  );
}

/** The dates at which windows open. */
export function datesView(view: Pick<View, 'nowMs'>, dates: Answered<readonly Date[]> | undefined): Html {
  if (dates === undefined) return html`<p class="soft">None is planned.</p>`;
  if (!dates.ok) return problem(dates.error);
  return html`<ol class="dates">${dates.value.map((date) => html`<li>${dateWords(date)} <span class="soft">${when(date, view.nowMs)}</span></li>`)}</ol>`;
}

function preflightView(view: View, { secret, preflight }: SecretPageParts): Html {
  const ask = view.readOnly
    ? ''
    : buttonForm(view, 'secret/preflight', { id: secret.arn }, 'Ask the function', '');
  if (preflight === undefined)
    return html`<p class="soft">The function looks at everything that a rotation needs, and changes nothing.</p>${ask}`;
  return html`<div class="preflight">${preflightWords(preflight.preflight)}<p class="soft">Asked ${when(new Date(preflight.at), view.nowMs)}</p></div>${ask}`;
}

function preflightWords(preflight: Preflight): Html {
  switch (preflight.outcome) {
    case 'passed':
      return html`<p>${hasFailed(preflight) ? html`<span class="badge bad">A rotation would fail</span>` : html`<span class="badge good">A rotation would succeed</span>`}</p><ul class="findings">${preflight.findings.map(({ check, ok, detail }) => html`<li><strong>${ok ? '' : 'Not in order: '}${text(check)}</strong> ${text(detail)}</li>`)}</ul>`;
    case 'failed':
      return html`<p><span class="badge bad">A rotation would fail</span></p><p><strong>${text(preflight.code)}</strong> ${text(preflight.message)}</p>`;
    case 'unknown':
      return html`<p><span class="badge mute">Not known</span></p><p>${text(preflight.reason)}</p>`;
  }
}

function scheduleForm(view: View, { arn, rules }: SecretDetails): Html {
  const expression = scheduleExpression(rules) ?? '';
  return foldedForm(
    view,
    { action: 'secret/schedule', arn, summary: 'Change the schedule' },
    (
      typed,
    ) => html`<div class="row">${inputField({ name: 'expression', label: 'Schedule expression', hint: html`<code>rate(30 days)</code>, or <code>cron(0 4 1 * ? *)</code>, in UTC` }, typed('expression', expression), html`required data-schedule`)}
${inputField({ name: 'duration', label: 'Window', hint: html`Such as <code>2h</code>; empty: as long as AWS makes it` }, typed('duration', rules?.Duration ?? ''), html`size="6" data-schedule`)}</div>
<div class="preview" data-preview="${view.base}/schedule-dates" aria-live="polite"></div>
<p class="buttons"><button class="button primary">Save the schedule</button></p><p class="hint">The function tests itself. Nothing is rotated before the next window.</p>`,
  );
}

/** Turns rotation on. */
function attachForm(view: View, { secret, functions }: SecretPageParts): Html {
  const isImmediate = (typed: TypedField): boolean =>
    view.flash?.typed?.action !== 'secret/attach' || typed('immediately', '') === 'yes';
  return secretForm(
    view,
    'secret/attach',
    secret.arn,
    (
      typed,
    ) => html`${inputField({ name: 'function', label: 'Rotation function', hint: 'The ARN of a Lambda function that Secrets Manager may invoke' }, typed('function', secret.functionArn ?? ''), html`list="functions" required`)}
<datalist id="functions">${functions.map((arn) => html`<option value="${arn}"></option>`)}</datalist>
<div class="row">${inputField({ name: 'every', label: 'How often', hint: html`Such as <code>30d</code> or <code>12h</code>` }, typed('every', '30d'), html`size="6" required`)}
${inputField({ name: 'at-hour', label: 'Hour in UTC', hint: '0 to 23; empty: any' }, typed('at-hour', ''), html`size="4"`)}
${inputField({ name: 'window', label: 'Window', hint: html`Such as <code>2h</code>` }, typed('window', ''), html`size="6"`)}</div>
<p class="check"><input type="checkbox" id="immediately" name="immediately" value="yes" ${isImmediate(typed) ? html`checked` : ''}><label for="immediately">Rotate at once, after a test</label></p>
<p class="buttons"><button class="button primary">Turn rotation on</button></p><p class="hint">The function is tested first. When it says that a rotation would fail, nothing is changed.</p>`,
  );
}

function policyCard(view: View, { secret, policy }: SecretPageParts): Html {
  if (!policy.ok) return card('policy', 'Resource policy', problem(policy.error));
  const stored = policy.value === undefined ? undefined : pretty(policy.value);
  if (view.readOnly)
    return card(
      'policy',
      'Resource policy',
      stored === undefined
        ? html`<p class="soft">None. Identity policies decide alone.</p>`
        : html`<pre class="policy" tabindex="0"><code>${text(stored)}</code></pre>`,
    );
  const body = html`${stored === undefined ? html`<p class="soft">None. Identity policies decide alone.</p>` : ''}
${foldedForm(
  view,
  {
    action: 'secret/policy',
    arn: secret.arn,
    summary: stored === undefined ? 'Write one' : 'The policy',
    isOpen: stored !== undefined,
  },
  (typed) => {
    const shown = typed('policy', stored ?? '');
    return html`<div class="field"><label for="policy-text" class="hidden">The resource policy, as JSON</label><textarea id="policy-text" name="policy" rows="${Math.min(24, Math.max(8, shown.split('\n').length + 1))}" spellcheck="false" class="code-input" required>${shown}</textarea></div>
<p class="buttons"><button class="button primary" name="do" value="save">Save the policy</button><button class="button" name="do" value="validate">Validate</button></p><p class="hint">A policy that lets everybody in is refused.</p>`;
  },
  stored === undefined
    ? ''
    : html`<p class="buttons">${buttonForm(view, 'secret/remove-policy', { id: secret.arn }, 'Remove the policy', 'danger')}</p>`,
)}`;
  return card('policy', 'Resource policy', body);
}

function pretty(policy: string): string {
  try {
    return JSON.stringify(JSON.parse(policy), undefined, 2);
  } catch {
    return policy;
  }
}

function detailsCard(view: View, secret: SecretDetails): Html {
  return card(
    'details',
    'Details',
    html`${facts([
      ['ARN', copyable(secret.arn, 'the ARN')],
      ['Encryption key', secret.kmsKeyId ?? 'aws/secretsmanager'],
      ['Created', when(secret.created, view.nowMs, 'unknown')],
      ['Changed', when(secret.changed, view.nowMs, 'never')],
      [
        'Last read',
        secret.accessed === undefined
          ? html`<span class="soft">never</span>`
          : html`<time datetime="${secret.accessed.toISOString()}">${dayWords(secret.accessed)}</time>`,
      ],
      ['Rotated', when(secret.lastRotated, view.nowMs)],
      ['Kind', secret.type],
      ['Managed by', secret.owningService],
      ['Primary region', secret.primaryRegion],
    ])}<details class="edit"><summary>All that describe-secret tells</summary><pre class="policy" tabindex="0"><code>${text(secret.json)}</code></pre></details>${view.readOnly || secret.deletedOn !== undefined ? '' : foldedForm(view, { action: 'secret/describe', arn: secret.arn, summary: 'Change the description' }, (typed) => html`<div class="field"><label for="description">Description</label><textarea id="description" name="description" rows="3" maxlength="2048">${typed('description', secret.description ?? '')}</textarea></div><p class="buttons"><button class="button primary">Save</button></p>`)}`,
  );
}

function tagsCard(view: View, { arn, tags, deletedOn }: SecretDetails): Html {
  const isFixed = view.readOnly || deletedOn !== undefined;
  const rows = [...tags].map(
    ([key, value]) =>
      html`<li><span class="pair"><span class="key">${text(key)}</span><span class="value">${text(value)}</span></span>${isFixed || key.startsWith('aws:') ? '' : buttonForm(view, 'secret/untag', { id: arn, key }, 'Remove', 'quiet small')}</li>`,
  );
  return card(
    'tags',
    'Tags',
    html`${tags.size === 0 ? html`<p class="soft">None.</p>` : html`<ul class="pairs">${rows}</ul>`}${isFixed ? '' : foldedForm(view, { action: 'secret/tag', arn, summary: 'Add a tag' }, (typed) => html`${inputField({ name: 'tag-key', label: 'Key' }, typed('tag-key', ''), html`required maxlength="128"`)}${inputField({ name: 'tag-value', label: 'Value' }, typed('tag-value', ''), html`maxlength="256"`)}<p class="buttons"><button class="button primary">Add</button></p>`)}`,
  );
}

function replicasCard(view: View, { arn, replicas, deletedOn, primaryRegion }: SecretDetails): Html {
  const isFixed = view.readOnly || deletedOn !== undefined;
  const home = arn.split(':')[3];
  if (primaryRegion !== undefined && primaryRegion !== home)
    return card(
      'replicas',
      'Replicas',
      html`<p class="soft">This is a replica of the secret in ${primaryRegion}.</p>`,
    );
  return card(
    'replicas',
    'Replicas',
    html`${replicas.length === 0 ? html`<p class="soft">None.</p>` : html`<ul class="pairs">${replicas.map(({ region, status, message, kmsKeyId }) => html`<li><span class="pair"><span class="key">${text(region)}</span><span class="value">${text(status)}${kmsKeyId === undefined ? '' : `, ${text(kmsKeyId)}`}${message === undefined ? '' : html`<br>${text(message)}`}</span></span>${isFixed ? '' : buttonForm(view, 'secret/remove-replica', { id: arn, region }, 'Remove', 'quiet small')}</li>`)}</ul>`}${isFixed ? '' : foldedForm(view, { action: 'secret/replicate', arn, summary: 'Replicate to a region' }, (typed) => html`${inputField({ name: 'region', label: 'Region', hint: 'Such as eu-west-1' }, typed('region', ''), html`required`)}${inputField({ name: 'key', label: 'Encryption key there', hint: 'Empty: aws/secretsmanager' }, typed('key', ''))}<p class="buttons"><button class="button primary">Replicate</button></p>`)}`,
  );
}

function deletionCard(view: View, { arn, name, deletedOn }: SecretDetails): Html {
  if (deletedOn !== undefined) {
    return card(
      'deletion',
      'Deletion',
      html`<p>Asked for ${when(deletedOn, view.nowMs)}. The secret can be restored until the recovery window ends.</p>${view.readOnly ? '' : buttonForm(view, 'secret/restore', { id: arn }, 'Restore the secret', 'primary')}`,
    );
  }
  if (view.readOnly) return html``;
  return card(
    'deletion',
    'Delete',
    foldedForm(
      view,
      { action: 'secret/delete', arn, summary: 'Delete this secret' },
      (
        typed,
      ) => html`<p>From then on nobody can read the secret. It can be restored until the recovery window ends.</p>
${inputField({ name: 'days', label: 'Recovery window in days', hint: '7 to 30' }, typed('days', '30'), html`inputmode="numeric" size="4" required`)}
${inputField({ name: 'confirm', label: 'Type its name', hint: text(name) }, typed('confirm', ''), html`required`)}
<p class="buttons"><button class="button danger">Schedule the deletion</button></p>`,
    ),
  );
}
