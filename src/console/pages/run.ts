import type { Run, StepView } from '../activity.ts';
import { html } from '../library.ts';
import { capital, type Html, text, type View, when } from './parts.ts';

const stateWords: Readonly<Record<Run['state'], string>> = {
  running: 'Under way',
  retrying: 'Failed, and is tried again',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Given up',
};
const stateTones: Readonly<Record<Run['state'], string>> = {
  running: 'live',
  retrying: 'warn',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'mute',
};
const stepWords: Readonly<Record<StepView['state'], string>> = {
  waiting: 'waits',
  running: 'under way',
  done: 'done',
  failed: 'failed',
  unseen: 'not seen',
};
const stepMeaning: Readonly<Record<StepView['step'], string>> = {
  createSecret: 'A new credential is stored',
  setSecret: 'The target learns it',
  testSecret: 'A login proves it',
  finishSecret: 'AWSCURRENT moves',
};

/** A rotation, step by step. */
export function runView(view: View, run: Run): Html {
  return html`<div class="run" data-state="${run.state}">
<p class="run-state"><span class="badge ${stateTones[run.state]}">${stateWords[run.state]}</span> ${text(run.title)}, begun ${when(new Date(run.startedAt), view.nowMs)}${run.attempt > 1 ? `, attempt ${run.attempt}` : ''}${run.tookMs === undefined ? '' : `, took ${seconds(run.tookMs)}`}</p>
<ol class="steps">${run.steps.map(stepView)}</ol>
${run.error === undefined || run.state === 'succeeded' ? '' : html`<div class="notice bad"><p>${text(capital(run.error))}</p></div>`}
${run.lines.length === 0 ? '' : html`<details class="log"><summary>What Keyturn said</summary><ul>${run.lines.map(({ tone, text: line }) => html`<li class="${tone}">${text(line)}</li>`)}</ul></details>`}
</div>`;
}

function stepView({ step, state, afterMs, note }: StepView): Html {
  return html`<li class="${state}"><span class="step-name">${step}</span><span class="step-meaning">${stepMeaning[step]}</span><span class="step-state">${stepWords[state]}${afterMs === undefined ? '' : ` · ${seconds(afterMs)}`}</span>${note === undefined ? '' : html`<span class="step-note">${text(note)}</span>`}</li>`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
