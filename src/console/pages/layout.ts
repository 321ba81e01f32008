import { html } from '../library.ts';
import { buttonForm, type Html, notice, text, type View } from './parts.ts';

/** The title, the place in the navigation, and the content of a page. */
export interface PageParts {
  readonly title: string;
  readonly active: 'secrets' | 'rotations' | 'who-may' | 'store' | undefined;
  /** What the page follows for updates: the ARN of a secret, or `all`. Undefined: nothing. */
  readonly live?: string | undefined;
  readonly body: Html;
}

const logo = html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" class="logo"><circle cx="8.5" cy="8.5" r="5" fill="none" stroke="currentColor" stroke-width="2.2"/><path d="M12.2 12.2 20 20m-3.2-3.2 2.1-2.1" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/></svg>`;

/** A whole page. */
export function layout(view: View, { title, active, live, body }: PageParts): Html {
  const { base, place, principals, flash, readOnly } = view;
  const link = (name: PageParts['active'], path: string, label: string): Html =>
    html`<a href="${base}/${path}" ${active === name ? html`aria-current="page"` : ''}>${label}</a>`;
  return html`<!doctype html>
<html lang="en" translate="no">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="google" content="notranslate">
<meta name="color-scheme" content="light dark">
<title>${text(title)} · Keyturn</title>
<link rel="stylesheet" href="${base}/assets/console.css">
<link rel="icon" type="image/svg+xml" href="${base}/assets/icon.svg">
<script type="module" src="${base}/assets/console.js"></script>
</head>
<body data-base="${base}" data-csrf="${view.csrf}" data-live-arn="${live ?? ''}">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<div class="bar">
<a class="brand" href="${base}/">${logo}<span>Keyturn</span></a>
<nav aria-label="Pages">${link('secrets', '', 'Secrets')}${link('rotations', 'rotations', 'Rotations')}${principals === undefined ? '' : link('who-may', 'who-may', 'Who may')}${readOnly ? '' : link('store', 'store', 'Store a new secret')}</nav>
<div class="session">
<span class="place ${place.kind}" title="${place.kind === 'aws' ? 'Secrets of an AWS account' : 'The local Secrets Manager'}">${text(place.name)}</span>
${readOnly ? html`<span class="place">read-only</span>` : ''}
${principals === undefined ? '' : actingAs(view)}
${buttonForm(view, 'lock', {}, 'Lock', 'quiet')}
</div>
</div>
</header>
<main id="main" tabindex="-1">
${flash === undefined ? '' : notice(flash)}
${body}
</main>
<p class="live-region" role="status" aria-live="polite" id="announcer"></p>
</body>
</html>`;
}

/** The form that chooses the principal to act as. */
function actingAs(view: View): Html {
  const { current, all } = view.principals ?? { current: '', all: [] };
  return html`<form method="post" action="${view.base}/act-as" class="inline acting"><input type="hidden" name="csrf" value="${view.csrf}"><label for="acting">Acting as</label><select id="acting" name="principal" data-submit>${all.map((arn) => html`<option value="${arn}" ${arn === current ? html`selected` : ''}>${text(shortPrincipal(arn, all))}</option>`)}</select><button class="button quiet" data-without-script>Switch</button></form>`;
}

/** The name in a principal's ARN. If another principal has the same name, the account is added. */
export function shortPrincipal(arn: string, all: readonly string[]): string {
  const nameOf = (one: string): string =>
    one
      .split(':')
      .slice(5)
      .join(':')
      .replace(/^(user|assumed-role|role)\//, '');
  const name = nameOf(arn);
  const isAlone = all.filter((other) => nameOf(other) === name).length < 2;
  return isAlone ? name : `${name} (${arn.split(':')[4]})`;
}

/** A page for an error. */
export function failurePage(view: View, title: string, body: Html): Html {
  return layout(view, {
    title,
    active: undefined,
    body: html`<div class="narrow"><h1>${title}</h1>${body}<p><a href="${view.base}/">Back to the secrets</a></p></div>`,
  });
}
