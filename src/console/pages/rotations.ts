import type { FeedEntry } from '../activity.ts';
import type { Row } from '../inventory.ts';
import { html } from '../library.ts';
import { badge, count, dateWords, type Html, secretUrl, text, type View, when } from './parts.ts';

const dayMs = 86_400_000;
const shownWeeks = 5;
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' });
const monthAndYear = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
const dayName = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  timeZone: 'UTC',
});

/** The page with the calendar of rotations, what needs a person, and the feed of what happens. */
export function rotationsPage(
  view: View,
  rows: readonly Row[],
  feed: readonly FeedEntry[],
  names: ReadonlyMap<string, string>,
  isExact: boolean,
): Html {
  const late = rows.filter(({ state }) => ['failed', 'stuck', 'overdue'].includes(state));
  return html`<div class="headline"><h1>Rotations</h1></div>
<div class="columns"><div class="column">
<section class="card" id="calendar" aria-labelledby="calendar-title"><header><h2 id="calendar-title">The next five weeks</h2><span class="soft">in UTC, at the latest</span></header><div id="calendar-body" data-live>${calendar(view, rows)}</div></section>
<section class="card" id="late" aria-labelledby="late-title"><header><h2 id="late-title">What needs a person</h2></header><div id="late-body" data-live>${late.length === 0 ? html`<div class="empty"><p>Nothing is stuck, failed or overdue.</p></div>` : html`<ul class="late">${late.slice(0, 50).map(({ secret, state }) => html`<li><a href="${secretUrl(view, secret.arn)}">${text(secret.name)}</a>${badge(state)}<span class="soft">${when(secret.nextRotation, view.nowMs, '')}</span></li>`)}</ul>${late.length > 50 ? html`<p class="soft">${count(late.length - 50, 'more')}</p>` : ''}`}</div></section>
</div><div class="column side">
<section class="card" id="feed" aria-labelledby="feed-title"><header><h2 id="feed-title">What happens</h2><span class="soft live-mark">live</span></header><div id="feed-body" data-live>${feed.length === 0 ? html`<div class="empty"><p>Nothing yet, since the console started.</p></div>` : html`<ol class="feed">${feed.slice(0, 60).map((entry) => feedItem(view, entry, names))}</ol>`}</div>${isExact ? '' : html`<p class="hint">AWS tells of no events here. The console lists the secrets now and then, and says what has changed.</p>`}</section>
</div></div>`;
}

function feedItem(
  view: View,
  { at, arn, tone, title, detail }: FeedEntry,
  names: ReadonlyMap<string, string>,
): Html {
  const name = text(names.get(arn) ?? nameIn(arn));
  const isShort = detail.length < 12;
  return html`<li class="${tone}"><span><span class="feed-title">${title}</span>${isShort && detail !== '' ? html` <span class="soft">${text(detail)}</span>` : ''}</span><time datetime="${new Date(at).toISOString()}" title="${dateWords(new Date(at))}">${new Date(at).toISOString().slice(11, 19)}</time><a href="${secretUrl(view, arn)}" title="${name}">${name}</a>${isShort ? '' : html`<span class="feed-more">${text(detail)}</span>`}</li>`;
}

/** The name in a secret's ARN, without the six random characters at its end. */
function nameIn(arn: string): string {
  return arn
    .split(':')
    .slice(6)
    .join(':')
    .replace(/-[A-Za-z0-9]{6}$/, '');
}

function calendar(view: View, rows: readonly Row[]): Html {
  const today = Math.floor(view.nowMs / dayMs) * dayMs;
  // Weeks begin on Monday.
  const start = today - ((new Date(today).getUTCDay() + 6) % 7) * dayMs;
  const due = new Map<number, Row[]>();
  for (const row of rows) {
    const at = row.secret.nextRotation?.getTime();
    if (at === undefined || row.secret.rotationEnabled !== true || row.secret.deletedOn !== undefined)
      continue;
    const day = Math.floor(at / dayMs) * dayMs;
    due.set(day, [...(due.get(day) ?? []), row]);
  }
  const weeks = Array.from({ length: shownWeeks }, (_, week) =>
    Array.from({ length: 7 }, (__, day) => start + (week * 7 + day) * dayMs),
  );
  return html`<table class="calendar"><caption>${monthAndYear.format(new Date(today))}</caption><thead><tr>${['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'].map((name) => html`<th scope="col"><abbr title="${name}">${name.slice(0, 3)}</abbr></th>`)}</tr></thead><tbody>${weeks.map((days) => html`<tr>${days.map((day) => calendarDay(view, day, today, due.get(day) ?? []))}</tr>`)}</tbody></table>`;
}

const shownInDay = 3;

function calendarDay(view: View, day: number, today: number, rows: readonly Row[]): Html {
  const date = new Date(day);
  const className = `${day === today ? 'today' : ''} ${day < today ? 'past' : ''} ${rows.length === 0 ? '' : 'has'}`;
  return html`<td class="${className}"><span class="day"><span class="hidden">${dayName.format(date)}${day === today ? ', today' : ''}</span><span aria-hidden="true">${date.getUTCDate()}</span>${date.getUTCDate() === 1 ? html`<span aria-hidden="true" class="month"> ${month.format(date)}</span>` : ''}</span>${rows.length === 0 ? '' : html`<ul>${rows.slice(0, shownInDay).map(({ secret }) => html`<li><a href="${secretUrl(view, secret.arn)}" title="${text(secret.name)}">${text(secret.name)}</a></li>`)}${rows.length > shownInDay ? html`<li class="soft">${(rows.length - shownInDay).toLocaleString('en')} more</li>` : ''}</ul>`}</td>`;
}
