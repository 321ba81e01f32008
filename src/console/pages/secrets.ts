import {
  type ListQuery,
  type Page,
  type Row,
  type SecretState,
  secretStates,
  stateWords,
  valueSince,
} from '../inventory.ts';
import { html } from '../library.ts';
import { badge, count, distance, type Html, problem, secretUrl, text, type View, when } from './parts.ts';

/** The list of secrets. */
export function secretsPage(view: View, query: ListQuery, page: Page, listedAt: number): Html {
  const total = [...page.states.values()].reduce((sum, number) => sum + number, 0);
  return html`
<div class="headline"><h1>Secrets</h1>${view.readOnly ? '' : html`<a class="button primary" href="${view.base}/store">Store a new secret</a>`}</div>
${
  total === 0
    ? empty(view)
    : html`
<form class="search" role="search" method="get" action="${view.base}/" data-search>
<label for="q" class="hidden">Search</label>
<input type="search" id="q" name="q" value="${query.search}" placeholder="Search names, descriptions and tags" autocomplete="off" data-shortcut="/">
${query.state === undefined ? '' : html`<input type="hidden" name="state" value="${query.state}">`}
${query.tag === undefined ? '' : html`<input type="hidden" name="tag" value="${query.tag}">`}
<label for="sort">Order</label>
<select id="sort" name="sort" data-submit>${sorts.map(([value, label]) => html`<option value="${value}" ${value === query.sort ? html`selected` : ''}>${label}</option>`)}</select>
<button class="button">Search</button>
</form>
<div id="results" data-live>${results(view, query, page, total, listedAt)}</div>`
}`;
}

const sorts: readonly (readonly [ListQuery['sort'], string])[] = [
  ['attention', 'What needs a person first'],
  ['next', 'Next rotation'],
  ['age', 'Oldest value'],
  ['name', 'Name'],
];

function results(view: View, query: ListQuery, page: Page, total: number, listedAt: number): Html {
  return html`<nav class="filters" aria-label="States">${filterLink(view, query, undefined, `All ${total.toLocaleString('en')}`)}${secretStates
    .filter((state) => (page.states.get(state) ?? 0) > 0)
    .map((state) =>
      filterLink(
        view,
        query,
        state,
        `${stateWords[state]} ${(page.states.get(state) ?? 0).toLocaleString('en')}`,
      ),
    )}${query.tag === undefined ? '' : html`<a class="filter" href="${urlOf(view, { ...query, tag: undefined, page: 1 })}" aria-current="true">${text(query.tag)}<span class="hidden">, remove this filter</span> ×</a>`}</nav>
${page.rows.length === 0 ? html`<div class="empty"><p><strong>No secret is found.</strong></p><p>Nothing matches ${query.search === '' ? 'these filters' : html`“${text(query.search)}”`}. <a href="${view.base}/">Show all</a></p></div>` : table(view, query, page)}
<footer class="paging"><p class="soft">${count(page.count, 'secret')}, listed ${distance(new Date(listedAt), view.nowMs)} · <a href="${urlOf(view, { ...query, page: 1 }, { fresh: 'yes' })}">list again</a></p>${page.pages > 1 ? pager(view, query, page) : ''}</footer>`;
}

function table(view: View, query: ListQuery, page: Page): Html {
  return html`<table class="list"><caption class="hidden">Secrets</caption>
<thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Value since</th><th scope="col">Next rotation</th><th scope="col">Tags</th></tr></thead>
<tbody>${page.rows.map((row) => tableRow(view, query, row))}</tbody></table>`;
}

function tableRow(view: View, query: ListQuery, { secret, state }: Row): Html {
  const shown = peoplesTags(secret.tags).slice(0, 3);
  const more = secret.tags.size - shown.length;
  return html`<tr>
<th scope="row"><a href="${secretUrl(view, secret.arn)}">${text(secret.name)}</a>${secret.description === undefined ? '' : html`<span class="description">${text(secret.description)}</span>`}</th>
<td data-label="State">${badge(state)}</td>
<td data-label="Value since">${when(valueSince(secret), view.nowMs, 'unknown')}</td>
<td data-label="Next rotation">${secret.rotationEnabled === true ? when(secret.nextRotation, view.nowMs, 'not planned') : html`<span class="soft">none</span>`}</td>
<td data-label="Tags" class="tags ${shown.length === 0 ? 'bare' : ''}">${shown.map((tag) => html`<a class="tag" href="${urlOf(view, { ...query, tag: tag.join('='), page: 1 })}">${text(tag.join('='))}</a>`)}${more > 0 ? html`<span class="soft">${shown.length === 0 ? count(more, 'tag') : `${more} more`}</span>` : ''}${shown.length + more === 0 ? html`<span class="soft">none</span>` : ''}</td>
</tr>`;
}

/** The tags that are for people. Tags of AWS and of Keyturn are left out. */
function peoplesTags(tags: Row['secret']['tags']): (readonly [key: string, value: string])[] {
  return [...tags].filter(([key]) => !/^(keyturn|aws):/.test(key));
}

function filterLink(view: View, query: ListQuery, state: SecretState | undefined, label: string): Html {
  const url = urlOf(view, { ...query, state, page: 1 });
  return html`<a class="filter" href="${url}" ${query.state === state ? html`aria-current="true"` : ''}>${label}</a>`;
}

function pager(view: View, query: ListQuery, { page, pages }: Page): Html {
  const link = (to: number, label: string): Html =>
    to < 1 || to > pages
      ? html`<span class="soft">${label}</span>`
      : html`<a href="${urlOf(view, { ...query, page: to })}">${label}</a>`;
  return html`<nav aria-label="Pages of the list" class="pager">${link(page - 1, 'Previous page')}<span>Page ${page} of ${pages.toLocaleString('en')}</span>${link(page + 1, 'Next page')}</nav>`;
}

function urlOf(view: View, query: ListQuery, more: Readonly<Record<string, string>> = {}): string {
  const params = new URLSearchParams({
    ...(query.search === '' ? {} : { q: query.search }),
    ...(query.state === undefined ? {} : { state: query.state }),
    ...(query.tag === undefined ? {} : { tag: query.tag }),
    ...(query.sort === 'attention' ? {} : { sort: query.sort }),
    ...(query.page === 1 ? {} : { page: String(query.page) }),
    ...more,
  });
  const text_ = params.toString();
  return `${view.base}/${text_ === '' ? '' : `?${text_}`}`;
}

function empty(view: View): Html {
  return html`<div class="empty large"><p><strong>There are no secrets yet.</strong></p><p>${view.readOnly ? 'Whatever is stored appears here.' : html`Store the first one: a connection string, the login of a database, a token, or anything else.`}</p>${view.readOnly ? '' : html`<p><a class="button primary" href="${view.base}/store">Store a new secret</a></p>`}</div>`;
}

/** The page while secrets are being listed for the first time. */
export function listingPage(progress: number): Html {
  return html`<div class="headline"><h1>Secrets</h1></div><div class="empty large" data-reload><p><strong>Listing secrets</strong></p><p>${progress === 0 ? 'Waiting for Secrets Manager.' : `${count(progress, 'secret')} so far.`} This page goes on by itself.</p><p data-without-script><a href="?">Look again</a></p></div>`;
}

/** The page for a principal that may not list secrets. It can still open one by its name. */
export function unlistedPage(view: View, error: unknown): Html {
  return html`<div class="narrow"><h1>Secrets</h1>${problem(error)}
<form method="get" action="${view.base}/secret"><div class="field"><label for="id">Look at one, by its name or its ARN</label><div class="open-by-name"><input id="id" name="id" autocomplete="off" spellcheck="false" required><button class="button primary">Look</button></div></div></form></div>`;
}
