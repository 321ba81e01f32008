import { html } from '../library.ts';
import { axisOf, positionOf, type Timeline, type TimelineRow } from '../timeline.ts';
import { chip, count, distance, type Html, text, type View, when } from './parts.ts';

const rowHeight = 56;
const pictureWidth = 1000;
/** Room for the round ends of the lines. */
const pictureMargin = 14;

/** The versions as a picture: each version is a row, time goes from left to right, and AWSCURRENT moves between rows. */
export function versionsPicture(view: View, timeline: Timeline): Html {
  const { rows, leftOut, moves } = timeline;
  const height = rows.length * rowHeight;
  const x = (at: number): number =>
    Math.round(pictureMargin + positionOf(at, timeline) * (pictureWidth - 2 * pictureMargin));
  const y = (index: number): number => index * rowHeight + rowHeight / 2;
  const unlabelled = rows.filter(({ version }) => version.labels.length === 0).length + leftOut;
  return html`<div class="versions">
<ol class="version-rows">${rows.map((row) => versionRow(view, row))}</ol>
<div class="version-picture"><svg viewBox="0 0 ${pictureWidth} ${height}" width="100%" height="${height}" preserveAspectRatio="none" role="img" aria-label="${describe(timeline)}">
${axisOf(timeline).map(({ place }) => html`<line class="axis" x1="${pictureMargin + place * (pictureWidth - 2 * pictureMargin)}" x2="${pictureMargin + place * (pictureWidth - 2 * pictureMargin)}" y1="0" y2="${height}"/>`)}
${rows.map((row, index) => rowLines(row, x, y(index), timeline.endsAt))}
${moves.map(({ at, from, to }) => html`<path class="move" d="M${x(at)} ${y(from)}V${y(to)}"/>`)}
${rows.map((row, index) => rowDots(row, x, y(index)))}
</svg>
<svg class="axis-words" width="100%" height="20" aria-hidden="true"><text x="0" y="14">${distance(new Date(timeline.startsAt), view.nowMs)}</text>${axisOf(timeline).map(({ place, words }) => html`<text class="between" x="${percent(place)}" y="14" text-anchor="middle">${words}</text>`)}<text x="100%" y="14" text-anchor="end">now</text></svg></div>
</div>
<ul class="legend"><li><span class="line current"></span>AWSCURRENT</li><li><span class="line pending"></span>AWSPENDING</li><li><span class="line kept"></span>kept, without being read</li></ul>
<p class="hint">${leftOut > 0 ? `${leftOut.toLocaleString('en')} older versions are not shown. ` : ''}${unlabelled === 0 ? 'Every version has a label.' : `${unlabelled.toLocaleString('en')} ${unlabelled === 1 ? 'version has' : 'versions have'} no label: Secrets Manager removes ${unlabelled === 1 ? 'it' : 'them'} in time, and Keyturn may still try ${unlabelled === 1 ? 'it' : 'them'}.`} ${moves.length === 0 ? '' : rows.some(({ current }) => current?.isSeen === false) ? 'When AWSCURRENT moved is concluded from when versions were made, unless this console saw it.' : 'This console saw when AWSCURRENT moved.'}</p>`;
}

/** A place from 0 to 1 as a percentage of the picture's width, margins included. */
function percent(place: number): string {
  return `${((100 * (pictureMargin + place * (pictureWidth - 2 * pictureMargin))) / pictureWidth).toFixed(1)}%`;
}

function versionRow(view: View, { version, createdAt }: TimelineRow): Html {
  const { id, labels } = version;
  return html`<li><span class="version-id"><code title="${text(id)}">${text(id.slice(0, 8))}</code>${labels.map(chip)}${labels.length === 0 ? html`<span class="chip none">no label</span>` : ''}</span><span class="soft">${version.createdAt === undefined ? 'has no value yet' : html`made ${when(new Date(createdAt), view.nowMs)}`}</span></li>`;
}

function rowLines(
  { createdAt, current, isPending }: TimelineRow,
  x: (at: number) => number,
  y: number,
  endsAt: number,
): Html {
  const line = (className: string, from: number, to: number): Html =>
    html`<line class="${className}" x1="${x(from)}" x2="${x(to)}" y1="${y}" y2="${y}"/>`;
  return html`${line('kept', createdAt, endsAt)}${isPending ? line('pending', createdAt, endsAt) : ''}${current === undefined ? '' : line('current', current.from, current.to ?? endsAt)}`;
}

/** Draws dots as lines of almost no length with round ends: unlike circles, they stay round when the picture is stretched. */
function rowDots({ createdAt, current, isPending }: TimelineRow, x: (at: number) => number, y: number): Html {
  const dot = (className: string, at: number): Html =>
    html`<path class="dot ${className}" d="M${x(at)} ${y}h0.001"/>`;
  if (current !== undefined) return dot('current', current.from);
  return dot(isPending ? 'pending' : 'kept', createdAt);
}

/** What the picture shows, in words for screen readers. */
function describe({ rows, moves }: Timeline): string {
  const parts = rows.map(({ version, current, isPending }) => {
    const what =
      current === undefined
        ? isPending
          ? 'is pending'
          : 'was given up'
        : current.to === undefined
          ? 'is AWSCURRENT'
          : 'was AWSCURRENT before';
    return `${text(version.id.slice(0, 8))} ${what}`;
  });
  return `Versions in time, newest first: ${parts.join('; ')}. AWSCURRENT moved ${count(moves.length, 'time')} among them.`;
}
