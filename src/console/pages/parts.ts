import { printable } from '../../cli/printable.ts';
import { isKeyturnError } from '../../errors.ts';
import { type SecretState, stateWords } from '../inventory.ts';
import { html } from '../library.ts';
import type { Flash } from '../sessions.ts';

/** HTML. Every text that was put into it is escaped. */
export type Html = ReturnType<typeof html>;

/** What every page shows, whatever its content. */
export interface View {
  /** The first part of all paths. */
  readonly base: string;
  readonly csrf: string;
  readonly place: PlaceView;
  /** The principal that the console acts as, and all principals; undefined if policies are not known. */
  readonly principals: { readonly current: string; readonly all: readonly string[] } | undefined;
  readonly readOnly: boolean;
  readonly flash: Flash | undefined;
  readonly nowMs: number;
}

/** The name of the Secrets Manager. Every page shows it, so that nobody confuses AWS with a local one. */
export interface PlaceView {
  readonly kind: 'local' | 'aws';
  readonly name: string;
}

/** A text of unknown origin. Control characters, and those that change the direction of writing, become escapes. */
export function text(value: string): string {
  return printable(value, '\n\t');
}

/** The address of a secret's page. The ARN is not in the path, which would lose `..` between slashes of a name. */
export function secretUrl({ base }: Pick<View, 'base'>, arn: string, page = 'secret'): string {
  return `${base}/${page}?id=${encodeURIComponent(arn)}`;
}

const units = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;
const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const absolute = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});
const dayOnly = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

/** `3 days ago`, `in 5 hours`. */
export function distance(date: Date, nowMs: number): string {
  const ms = date.getTime() - nowMs;
  const [unit, length] = units.find(([, unitMs]) => Math.abs(ms) >= unitMs) ?? [];
  if (unit === undefined) return ms > 0 ? 'in a moment' : 'just now';
  return words.format(Math.trunc(ms / length), unit);
}

/** `26 Nov 2026, 03:49 UTC`. */
export function dateWords(date: Date): string {
  return `${absolute.format(date)} UTC`;
}

/** `26 Nov 2026`. */
export function dayWords(date: Date): string {
  return dayOnly.format(date);
}

/** How far a date is from now, with the date as a tooltip. */
export function when(date: Date | undefined, nowMs: number, otherwise = 'never'): Html {
  if (date === undefined) return html`<span class="soft">${otherwise}</span>`;
  return html`<time datetime="${date.toISOString()}" title="${dateWords(date)}">${distance(date, nowMs)}</time>`;
}

const tones: Readonly<Record<SecretState, string>> = {
  failed: 'bad',
  stuck: 'bad',
  'no-value': 'bad',
  overdue: 'warn',
  rotating: 'live',
  due: 'info',
  healthy: 'good',
  off: 'mute',
  never: 'mute',
  deleted: 'mute',
};

/** A state, in words and a colour. */
export function badge(state: SecretState): Html {
  return html`<span class="badge ${tones[state]}">${stateWords[state]}</span>`;
}

/** A staging label, or any other short word. */
export function chip(label: string): Html {
  const known = { AWSCURRENT: 'current', AWSPENDING: 'pending', AWSPREVIOUS: 'previous' };
  const kind = Object.entries(known).find(([name]) => name === label)?.[1] ?? 'other';
  return html`<span class="chip ${kind}">${text(label)}</span>`;
}

/** A form that changes something. */
export function form(
  view: View,
  action: string,
  body: Html,
  attributes: { readonly id?: string; readonly className?: string; readonly isKept?: boolean } = {},
): Html {
  return html`<form method="post" action="${view.base}/${action}" class="${attributes.className ?? ''}" id="${attributes.id ?? `form-${action.replaceAll('/', '-')}`}" ${attributes.isKept ? html`data-kept` : ''}><input type="hidden" name="csrf" value="${view.csrf}">${body}</form>`;
}

/** The text of a field: what was typed, if the form was sent and not stored. Otherwise `otherwise`. */
export type TypedField = (name: string, otherwise: string) => string;

/**
 * A form of a secret's page behind a summary. If it was sent and not stored, it is open, and shows what was typed and
 * what is wrong.
 */
export function foldedForm(
  view: View,
  { action, arn, summary, isOpen = false }: FoldedFormParts,
  body: (typed: TypedField) => Html,
  more: Html | string = '',
): Html {
  const isTyped = view.flash?.typed?.action === action;
  return html`<details class="edit" ${isTyped || isOpen ? html`open` : ''}><summary>${summary}</summary>${secretForm(view, action, arn, body)}${more}</details>`;
}

/** What {@link foldedForm} needs besides its fields. */
export interface FoldedFormParts {
  readonly action: string;
  readonly arn: string;
  readonly summary: string;
  /** Whether it is always open. */
  readonly isOpen?: boolean;
}

/** A form of a secret's page. If it was sent and not stored, it shows what was typed and what is wrong. */
export function secretForm(view: View, action: string, arn: string, body: (typed: TypedField) => Html): Html {
  const { flash } = view;
  const sent = flash?.typed?.action === action ? flash.typed.fields : undefined;
  const why =
    sent === undefined || flash?.tone !== 'bad' ? '' : html`<p class="problem">${text(flash.text)}</p>`;
  const fields = body((name, otherwise) => sent?.get(name) ?? otherwise);
  return form(view, action, html`<input type="hidden" name="id" value="${arn}">${fields}${why}`, {
    isKept: sent !== undefined,
  });
}

/** One button that changes something at once. */
export function buttonForm(
  view: View,
  action: string,
  fields: Readonly<Record<string, string>>,
  label: string,
  className = '',
): Html {
  return html`<form method="post" action="${view.base}/${action}" class="inline"><input type="hidden" name="csrf" value="${view.csrf}">${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button class="button ${className}">${label}</button></form>`;
}

/** A field: its name, its label, and what is written below it. */
export interface FieldParts {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | Html | undefined;
  readonly problem?: string | undefined;
}

/** A field with its label, its hint and its problem. @param control makes the input, with the attributes that refer to them */
export function field({ name, label, hint, problem }: FieldParts, control: (attributes: Html) => Html): Html {
  const described = [
    ...(hint === undefined ? [] : [`${name}-hint`]),
    ...(problem === undefined ? [] : [`${name}-problem`]),
  ];
  const attributes = html`id="${name}" name="${name}" ${described.length === 0 ? '' : html`aria-describedby="${described.join(' ')}"`} ${problem === undefined ? '' : html`aria-invalid="true"`}`;
  return html`<div class="field"><label for="${name}">${label}</label>${control(attributes)}${hint === undefined ? '' : html`<p class="hint" id="${name}-hint">${hint}</p>`}${problem === undefined ? '' : html`<p class="problem" id="${name}-problem">${text(capital(problem))}</p>`}</div>`;
}

/** A field for one line. */
export function inputField(parts: FieldParts, value: string, more: Html | string = ''): Html {
  return field(
    parts,
    (attributes) =>
      html`<input type="text" autocomplete="off" autocapitalize="off" spellcheck="false" value="${value}" ${attributes} ${more}>`,
  );
}

/** A section of a page, with a title. */
export function card(id: string, title: string, body: Html, aside: Html | string = ''): Html {
  return html`<section class="card" id="${id}" aria-labelledby="${id}-title"><header><h2 id="${id}-title">${title}</h2>${aside}</header>${body}</section>`;
}

/** A list of names and values. Rows without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Html | string | undefined])[]): Html {
  return html`<dl class="facts">${rows.map(([name, value]) => (value === undefined ? '' : html`<div><dt>${name}</dt><dd>${typeof value === 'string' ? text(value) : value}</dd></div>`))}</dl>`;
}

/** A text in the font of code, with a button that copies it. */
export function copyable(value: string, label: string): Html {
  return html`<span class="copyable"><code>${text(value)}</code><button type="button" class="copy" data-copy="${value}" aria-label="Copy ${label}">Copy</button></span>`;
}

/** A block of code that can be copied. */
export function codeBlock(code: string, label: string): Html {
  return html`<div class="code"><button type="button" class="copy" data-copy="${code}" aria-label="Copy ${label}">Copy</button><pre tabindex="0"><code>${text(code)}</code></pre></div>`;
}

/** An error, in place of what could not be shown. */
export function problem(error: unknown): Html {
  const code = isKeyturnError(error) ? error.code : 'InternalError';
  const message = isKeyturnError(error) ? error.message : 'Something went wrong in the console itself.';
  return html`<div class="notice bad"><p><strong>${code}</strong></p><p>${text(message)}</p></div>`;
}

/** The message of what was done, or what went wrong. */
export function notice(flash: Flash): Html {
  return html`<div class="notice ${flash.tone}" role="${flash.tone === 'bad' ? 'alert' : 'status'}"><p>${text(flash.text)}</p></div>`;
}

/** The sentence with a capital first letter. */
export function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** `1 secret`, `10,000 secrets`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** The name and the place of an unexpected error, for the terminal. Its message may hold a value, so it is left out. */
export function describeUnexpected(error: unknown): string {
  if (!(error instanceof Error)) return 'an error';
  const place = /\/((?:src|dist|rotators)\/[\w/.-]+:\d+)/.exec(error.stack ?? '')?.[1];
  return place === undefined ? error.name : `${error.name} at ${place}`;
}
