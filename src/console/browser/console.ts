// The script of all pages. A shown value is only in the page itself, and for a minute at most.

const { base = '', csrf = '', liveArn = '' } = document.body.dataset;
const hideAfterMs = 60_000;

document.documentElement.classList.add('scripted');

function all<E extends Element>(kind: new () => E, selector: string, root: ParentNode = document): E[] {
  return [...root.querySelectorAll(selector)].filter((found): found is E => found instanceof kind);
}

function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  parts: { readonly text?: string; readonly className?: string; readonly type?: string } = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (parts.text !== undefined) made.textContent = parts.text;
  if (parts.className !== undefined) made.className = parts.className;
  if (parts.type !== undefined) made.setAttribute('type', parts.type);
  made.append(...children);
  return made;
}

function announce(text: string): void {
  const announcer = document.getElementById('announcer');
  if (announcer !== null) announcer.textContent = text;
}

async function postForm(url: string, fields: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'x-keyturn-csrf': csrf },
    body: new URLSearchParams(fields),
    cache: 'no-store',
  });
  const type = answer.headers.get('content-type') ?? '';
  if (type.includes('json')) return answer.json();
  if (answer.status === 403) endPage();
  return { problem: 'The console does not answer any more. Open the address that the terminal shows.' };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function stringMember(value: unknown, name: string): string | undefined {
  const found = memberOf(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** Replaces invisible characters, and those that change the direction of writing, by escapes. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    char === '\n' || char === '\t' ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    announce('Copied.');
  } catch {
    button.textContent = 'Not copied';
    announce('The browser does not allow copying.');
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1_500);
}

// Buttons that copy a text of the page, such as an ARN.
document.addEventListener('click', (event) => {
  if (!(event.target instanceof HTMLElement)) return;
  const { copy: text } = event.target.dataset;
  if (text !== undefined) void copy(event.target, text);
});

// The value of a secret is shown on request, and hidden again.
for (const form of all(HTMLFormElement, 'form[data-reveal]')) {
  const button = form.querySelector('[data-reveal-button]');
  const shown = document.getElementById('shown-value');
  if (!(button instanceof HTMLButtonElement) || shown === null) continue;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isShown = (): boolean => !shown.hidden;
  const hide = (): void => {
    clearTimeout(timer);
    shown.replaceChildren();
    shown.hidden = true;
    button.textContent = 'Show the value';
    button.setAttribute('aria-expanded', 'false');
  };
  const show = async (): Promise<void> => {
    button.disabled = true;
    const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const answer = await postForm(form.dataset.reveal ?? '', fields).catch(() => ({
      problem: 'The console does not answer.',
    }));
    button.disabled = false;
    shown.replaceChildren(...valueNodes(answer));
    shown.hidden = false;
    const failed = stringMember(answer, 'problem') !== undefined;
    button.textContent = failed ? 'Try again' : 'Hide the value';
    button.setAttribute('aria-expanded', String(!failed));
    announce(failed ? 'The value is not shown.' : 'The value is shown.');
    if (!failed) timer = setTimeout(hide, hideAfterMs);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-expanded') === 'true') hide();
    else void show();
  });
  form.addEventListener('change', hide);
  // The list of versions was replaced: the shown value may be that of another version.
  form.addEventListener('replaced', hide);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isShown()) hide();
  });
  // The browser may keep a page that you leave, and show it when you come back.
  window.addEventListener('pagehide', hide);
  document.addEventListener('session-ended', hide);
}

function valueNodes(answer: unknown): Node[] {
  const problem = stringMember(answer, 'problem');
  if (problem !== undefined) {
    const why = stringMember(answer, 'why');
    const notice = make('div', { className: 'notice bad' }, make('p', { text: printable(problem) }));
    if (why !== undefined) {
      const link = make('a', { text: 'Which statement decides?' });
      link.setAttribute('href', why);
      notice.append(make('p', {}, link));
    }
    return [notice];
  }
  const text = stringMember(answer, 'text');
  const form = stringMember(answer, 'form') ?? '';
  const fields: unknown = memberOf(answer, 'fields');
  const list = make('dl', { className: 'value-fields' });
  for (const field of Array.isArray(fields) ? fields : []) {
    const name = stringMember(field, 'name') ?? '';
    const value = stringMember(field, 'value') ?? '';
    list.append(
      make(
        'div',
        {},
        make('dt', { text: printable(name) }),
        valueNode(name, value, memberOf(field, 'isSecret') === true),
      ),
    );
  }
  const nodes: Node[] = [make('p', { className: 'value-form', text: form })];
  if (list.childElementCount > 0) nodes.push(list);
  if (text !== undefined) {
    const whole = make('dl', { className: 'value-fields whole' });
    whole.append(
      make('div', {}, make('dt', { text: 'All of it' }), valueNode('the whole value', text, true)),
    );
    nodes.push(whole);
  }
  return nodes;
}

function valueNode(name: string, value: string, isSecret: boolean): HTMLElement {
  const code = make('code', {
    className: isSecret ? 'masked' : '',
    text: isSecret ? '••••••••••••' : printable(value),
  });
  const parts: Node[] = [code];
  if (isSecret) {
    const toggle = make('button', { text: 'Show', className: 'copy', type: 'button' });
    toggle.setAttribute('aria-label', `Show ${name}`);
    toggle.setAttribute('aria-pressed', 'false');
    toggle.addEventListener('click', () => {
      const isShown = toggle.getAttribute('aria-pressed') === 'true';
      code.textContent = isShown ? '••••••••••••' : printable(value);
      code.classList.toggle('masked', isShown);
      toggle.textContent = isShown ? 'Show' : 'Hide';
      toggle.setAttribute('aria-pressed', String(!isShown));
      toggle.setAttribute('aria-label', `${isShown ? 'Show' : 'Hide'} ${name}`);
    });
    parts.push(toggle);
  }
  const button = make('button', { text: 'Copy', className: 'copy', type: 'button' });
  button.setAttribute('aria-label', `Copy ${name}`);
  button.addEventListener('click', () => void copy(button, value));
  parts.push(button);
  return make('dd', {}, ...parts);
}

// Password fields with a button that shows what is typed.
for (const button of all(HTMLButtonElement, 'button[data-unmask]')) wireUnmask(button);

function wireUnmask(button: HTMLButtonElement): void {
  button.addEventListener('click', () => {
    const input = document.getElementById(button.dataset.unmask ?? '');
    if (!(input instanceof HTMLInputElement)) return;
    const isShown = input.type === 'text';
    input.type = isShown ? 'password' : 'text';
    button.textContent = isShown ? 'Show' : 'Hide';
    button.setAttribute('aria-pressed', String(!isShown));
  });
}

// A connection string is checked as you type. Its password is shown as dots.
for (const typed of all(HTMLElement, '[data-typed]')) {
  const area = typed.querySelector('textarea');
  const picture = typed.querySelector('pre');
  const form = typed.closest('form');
  const verdict = form?.querySelector('[data-verdict]');
  if (area === null || picture === null || form === null) continue;
  let judged = { text: '', masked: '', ok: true };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let round = 0;
  const draw = (): void => {
    picture.textContent = `${maskLike(area.value, judged)}\n`;
    picture.scrollTop = area.scrollTop;
  };
  const checkValue = async (): Promise<void> => {
    const text = area.value;
    round += 1;
    const mine = round;
    const kind = form.elements.namedItem('kind');
    const answer = await postForm(typed.dataset.typed ?? '', {
      text,
      kind: kind instanceof HTMLInputElement ? kind.value : 'other',
    }).catch(() => undefined);
    // The text has changed, and a newer request is under way.
    if (mine !== round) return;
    const [masked, words] = [stringMember(answer, 'masked'), stringMember(answer, 'words')];
    if (masked === undefined || words === undefined) return;
    judged = { text, masked, ok: memberOf(answer, 'ok') === true };
    if (verdict instanceof HTMLElement) {
      verdict.textContent = text === '' ? '' : words.charAt(0).toUpperCase() + words.slice(1);
      verdict.dataset.ok = String(judged.ok);
    }
    draw();
  };
  area.addEventListener('input', () => {
    draw();
    clearTimeout(timer);
    timer = setTimeout(() => void checkValue(), 120);
  });
  area.addEventListener('scroll', draw);
  form.addEventListener('submit', (event) => {
    const asIs = form.elements.namedItem('as-is');
    const isForced = asIs instanceof HTMLInputElement && asIs.checked;
    // Stay on this page: the server never sends the text back, so it would have to be typed again.
    if (judged.text === area.value && !judged.ok && !isForced && area.value !== '') {
      event.preventDefault();
      area.setAttribute('aria-invalid', 'true');
      area.focus();
    }
  });
  draw();
}

/** Shows the changed part of a text as dots until the server has answered. The text around it keeps its mask. */
function maskLike(text: string, judged: { readonly text: string; readonly masked: string }): string {
  let start = 0;
  while (start < text.length && start < judged.text.length && text[start] === judged.text[start]) start += 1;
  let end = 0;
  const most = Math.min(text.length, judged.text.length) - start;
  while (end < most && text.at(-1 - end) === judged.text.at(-1 - end)) end += 1;
  const middle = text.slice(start, text.length - end).replace(/[^\n]/g, '•');
  return judged.masked.slice(0, start) + middle + judged.masked.slice(judged.masked.length - end);
}

// Buttons that add a row of fields.
for (const button of all(HTMLButtonElement, '[data-add-row]')) {
  button.addEventListener('click', () => {
    const rows = all(HTMLElement, '.pair-row', button.parentElement ?? document);
    const last = rows.at(-1);
    const row = last?.cloneNode(true);
    if (last === undefined || !(row instanceof HTMLElement)) return;
    const number = String(rows.length);
    for (const input of all(HTMLInputElement, 'input', row)) {
      input.value = '';
      input.id = input.id.replace(/\d+$/, number);
    }
    for (const label of all(HTMLLabelElement, 'label', row)) {
      label.htmlFor = label.htmlFor.replace(/\d+$/, number);
      label.textContent = (label.textContent ?? '').replace(/\d+$/, String(rows.length + 1));
    }
    for (const unmask of all(HTMLButtonElement, 'button[data-unmask]', row)) {
      unmask.dataset.unmask = (unmask.dataset.unmask ?? '').replace(/\d+$/, number);
      wireUnmask(unmask);
    }
    last.after(row);
    row.querySelector('input')?.focus();
  });
}

// Some fields are shown only if a box is ticked.
for (const box of all(HTMLInputElement, 'input[data-reveals]')) {
  const fields = document.getElementById(box.dataset.reveals ?? '');
  const follow = (): void => {
    if (fields !== null) fields.hidden = !box.checked;
  };
  box.addEventListener('change', follow);
  follow();
}

// Some lists submit their form when you choose something.
for (const select of all(HTMLSelectElement, 'select[data-submit]')) {
  select.addEventListener('change', () => select.form?.requestSubmit());
}

// The list of secrets is searched as you type.
for (const form of all(HTMLFormElement, 'form[data-search]')) {
  const input = form.querySelector('input[type="search"]');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const search = async (): Promise<void> => {
    const query = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    for (const [name, value] of [...query]) if (value === '') query.delete(name);
    const url = `${form.action}${query.size === 0 ? '' : `?${query}`}`;
    history.replaceState(null, '', url);
    await refresh();
  };
  input?.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(), 180);
  });
}

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select')) return;
  const input = document.querySelector('[data-shortcut="/"]');
  if (!(input instanceof HTMLInputElement)) return;
  event.preventDefault();
  input.focus();
  input.select();
});

// The next dates of a schedule, shown as you type it.
let previewTimer: ReturnType<typeof setTimeout> | undefined;

async function previewDates(form: HTMLFormElement, preview: HTMLElement): Promise<void> {
  const data = new FormData(form);
  const answer = await postForm(preview.dataset.preview ?? '', {
    expression: String(data.get('expression') ?? ''),
    duration: String(data.get('duration') ?? ''),
  }).catch(() => undefined);
  const problem = stringMember(answer, 'problem');
  const dates: unknown = memberOf(answer, 'dates');
  if (problem !== undefined) preview.replaceChildren(make('p', { className: 'problem', text: problem }));
  else if (Array.isArray(dates)) {
    const items = dates.map((date) =>
      make('li', { text: `${String(date).slice(0, 16).replace('T', ', ')} UTC` }),
    );
    preview.replaceChildren(make('ol', { className: 'dates' }, ...items));
  }
}

document.addEventListener('input', ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target.dataset.schedule === undefined) return;
  const { form } = target;
  const preview = form?.querySelector('[data-preview]');
  if (form === null || !(preview instanceof HTMLElement)) return;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => void previewDates(form, preview), 200);
});

// Parts of a page with `data-live` are updated when something happens.
let refreshing: Promise<void> | undefined;
let isStale = false;

async function refresh(): Promise<void> {
  isStale = true;
  refreshing ??= (async () => {
    try {
      while (isStale) {
        isStale = false;
        const answer = await fetch(location.href, {
          cache: 'no-store',
          headers: { 'x-keyturn-live': 'yes' },
        });
        const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
        // Without a session, the answer isn't a page of the console. If Secrets Manager refuses something, it is.
        if (fresh.body.dataset.base === undefined) endPage();
        else if (answer.status === 404) tellConnection('This secret does not exist any more.');
        else if (answer.ok) replaceLive(fresh);
      }
    } finally {
      refreshing = undefined;
    }
  })();
  await refreshing.catch(() => tellConnection('The console does not answer. This page may be old.'));
}

function replaceLive(fresh: Document): void {
  const parts = all(HTMLElement, '[data-live]');
  const idsIn = (root: Document): string =>
    all(HTMLElement, '[data-live]', root)
      .map(({ id }) => id)
      .join();
  // The page has other parts now, for example because the secret was deleted.
  if (idsIn(document) !== idsIn(fresh)) {
    if (!parts.some(isEdited)) location.reload();
    return;
  }
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (next === null || next.innerHTML === part.innerHTML || isEdited(part)) continue;
    // Keep open what the user has opened, and keep the focus.
    const open = new Set(all(HTMLDetailsElement, 'details[open]', part).map(summaryOf));
    const focused = document.activeElement;
    const isInside = focused instanceof HTMLElement && part.contains(focused);
    const place = isInside ? [...part.querySelectorAll(focusable)].indexOf(focused) : -1;
    const state = part.querySelector('[data-state]')?.getAttribute('data-state');
    part.replaceChildren(...next.childNodes);
    for (const found of all(HTMLDetailsElement, 'details', part))
      if (open.has(summaryOf(found))) found.open = true;
    if (place >= 0) {
      const again = [...part.querySelectorAll(focusable)][place];
      if (again instanceof HTMLElement) again.focus();
    }
    const now = part.querySelector('[data-state]');
    if (now instanceof HTMLElement && now.dataset.state !== state) {
      announce(part.querySelector('.run-state')?.textContent ?? '');
    }
    part.dispatchEvent(new Event('replaced', { bubbles: true }));
  }
}

const focusable = 'a, button, summary, select, input:not([type="hidden"]), textarea';

function summaryOf(details: HTMLDetailsElement): string {
  return details.querySelector('summary')?.textContent ?? '';
}

/** Whether the user has typed or ticked something in this part, or a form of it was sent and not stored. */
function isEdited(part: HTMLElement): boolean {
  return (
    part.querySelector('form[data-kept]') !== null ||
    all(HTMLInputElement, 'input', part).some((input) =>
      input.type === 'checkbox' ? input.checked !== input.defaultChecked : input.value !== input.defaultValue,
    ) ||
    all(HTMLTextAreaElement, 'textarea', part).some((area) => area.value !== area.defaultValue)
  );
}

/** Shows a message above the content; undefined takes it away. */
function tellConnection(text: string | undefined): void {
  const old = document.getElementById('connection');
  if (old?.textContent === text) return;
  old?.remove();
  if (text === undefined) return;
  const notice = make('div', { className: 'notice bad' }, make('p', { text }));
  notice.id = 'connection';
  document.getElementById('main')?.prepend(notice);
  announce(text);
}

/** The session has ended: nothing on the page works any more. */
function endPage(): void {
  source?.close();
  document.dispatchEvent(new Event('session-ended'));
  tellConnection('The session has ended. Open the address that the terminal shows last.');
}

/** Whether an id is of the page's secret: its ARN, the ARN without the six random characters at its end, or its name. */
function isOfPage(id: unknown): boolean {
  const stem = liveArn.replace(/-[A-Za-z0-9]{6}$/, '');
  return id === liveArn || id === stem || id === stem.split(':').slice(6).join(':');
}

let source: EventSource | undefined;

function listen(): void {
  source = new EventSource(`${base}/events`);
  source.addEventListener('changed', (event) => {
    const ids: unknown = JSON.parse(String(event.data));
    if (liveArn === 'all' || (Array.isArray(ids) && ids.some(isOfPage))) void refresh();
  });
  // Something may have happened before the connection was made.
  source.addEventListener('ready', () => {
    tellConnection(undefined);
    void refresh();
  });
  // The browser connects again by itself. Refreshing shows whether the console still answers.
  source.addEventListener('error', () => void refresh());
}

// A hidden page needs no updates, and browsers allow only a few connections to one host.
function followVisibility(): void {
  if (document.visibilityState === 'visible') {
    if (source === undefined) listen();
    return;
  }
  source?.close();
  source = undefined;
}

if (liveArn !== '') {
  followVisibility();
  document.addEventListener('visibilitychange', followVisibility);
  window.addEventListener('pagehide', () => source?.close());
}

for (const _ of all(HTMLElement, '[data-reload]')) setTimeout(() => location.reload(), 1_000);
// A page from the browser's back-forward cache may be old.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
