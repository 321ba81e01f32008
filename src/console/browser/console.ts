// What the pages do beyond links and forms. No value that was shown is kept anywhere but in the page, and there for a
// minute at most.

const { base = '', csrf = '', liveArn = '' } = document.body.dataset;
const HIDE_AFTER_MS = 60_000;

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

async function send(url: string, fields: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'x-keyturn-csrf': csrf },
    body: new URLSearchParams(fields),
    cache: 'no-store',
  });
  const type = answer.headers.get('content-type') ?? '';
  if (type.includes('json')) return answer.json();
  return { problem: 'The console does not answer any more. Open the address that the terminal shows.' };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown, name: string): string | undefined {
  const found = memberOf(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** Characters that are not seen, or that change the direction of writing, as escapes. */
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
    announce('The browser does not let it be copied.');
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1_500);
}

// Buttons that copy what is no secret.
document.addEventListener('click', (event) => {
  if (!(event.target instanceof HTMLElement)) return;
  const { copy: text } = event.target.dataset;
  if (text !== undefined) void copy(event.target, text);
});

// A value: hidden, shown by field, hidden again.
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
    const answer = await send(form.dataset.reveal ?? '', fields).catch(() => ({
      problem: 'The console does not answer.',
    }));
    button.disabled = false;
    shown.replaceChildren(...valueNodes(answer));
    shown.hidden = false;
    const failed = textOf(answer, 'problem') !== undefined;
    button.textContent = failed ? 'Try again' : 'Hide the value';
    button.setAttribute('aria-expanded', String(!failed));
    announce(failed ? 'The value is not shown.' : 'The value is shown.');
    if (!failed) timer = setTimeout(hide, HIDE_AFTER_MS);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-expanded') === 'true') hide();
    else void show();
  });
  form.querySelector('select')?.addEventListener('change', hide);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isShown()) hide();
  });
  // A page that is left may be kept by the browser, and come back as it was.
  window.addEventListener('pagehide', hide);
}

function valueNodes(answer: unknown): Node[] {
  const problem = textOf(answer, 'problem');
  if (problem !== undefined) {
    const why = textOf(answer, 'why');
    const notice = make('div', { className: 'notice bad' }, make('p', { text: printable(problem) }));
    if (why !== undefined) {
      const link = make('a', { text: 'Which statement decides?' });
      link.setAttribute('href', why);
      notice.append(make('p', {}, link));
    }
    return [notice];
  }
  const text = textOf(answer, 'text');
  const form = textOf(answer, 'form') ?? '';
  const fields: unknown = memberOf(answer, 'fields');
  const list = make('dl', { className: 'value-fields' });
  for (const field of Array.isArray(fields) ? fields : []) {
    const name = textOf(field, 'name') ?? '';
    const value = textOf(field, 'value') ?? '';
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

// Fields for passwords that can be looked at.
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

// A text that is read while it is typed, with its password as dots.
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
  const judge = async (): Promise<void> => {
    const text = area.value;
    round += 1;
    const mine = round;
    const kind = form.elements.namedItem('kind');
    const answer = await send(typed.dataset.typed ?? '', {
      text,
      kind: kind instanceof HTMLInputElement ? kind.value : 'other',
    }).catch(() => undefined);
    // Something was typed meanwhile, and gets an answer of its own.
    if (mine !== round) return;
    const [masked, words] = [textOf(answer, 'masked'), textOf(answer, 'words')];
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
    timer = setTimeout(() => void judge(), 120);
  });
  area.addEventListener('scroll', draw);
  form.addEventListener('submit', (event) => {
    const asIs = form.elements.namedItem('as-is');
    const isForced = asIs instanceof HTMLInputElement && asIs.checked;
    // What is wrong is corrected here: no page shows the value again.
    if (judged.text === area.value && !judged.ok && !isForced && area.value !== '') {
      event.preventDefault();
      area.setAttribute('aria-invalid', 'true');
      area.focus();
    }
  });
  draw();
}

/** Text that was not judged yet is shown as dots. What stands before and after a change stays as it was judged. */
function maskLike(text: string, judged: { readonly text: string; readonly masked: string }): string {
  let start = 0;
  while (start < text.length && start < judged.text.length && text[start] === judged.text[start]) start += 1;
  let end = 0;
  const most = Math.min(text.length, judged.text.length) - start;
  while (end < most && text.at(-1 - end) === judged.text.at(-1 - end)) end += 1;
  const middle = text.slice(start, text.length - end).replace(/[^\n]/g, '•');
  return judged.masked.slice(0, start) + middle + judged.masked.slice(judged.masked.length - end);
}

// Rows of fields that grow.
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

// Fields that are asked for only where a box is ticked.
for (const box of all(HTMLInputElement, 'input[data-reveals]')) {
  const fields = document.getElementById(box.dataset.reveals ?? '');
  const follow = (): void => {
    if (fields !== null) fields.hidden = !box.checked;
  };
  box.addEventListener('change', follow);
  follow();
}

// Choices that are taken at once.
for (const select of all(HTMLSelectElement, 'select[data-submit]')) {
  select.addEventListener('change', () => select.form?.requestSubmit());
}

// The list is searched while one types.
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

// The next dates of a schedule while it is typed.
for (const preview of all(HTMLElement, '[data-preview]')) {
  const form = preview.closest('form');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async (): Promise<void> => {
    if (form === null) return;
    const data = new FormData(form);
    const answer = await send(preview.dataset.preview ?? '', {
      expression: String(data.get('expression') ?? ''),
      duration: String(data.get('duration') ?? ''),
    }).catch(() => undefined);
    const problem = textOf(answer, 'problem');
    const dates: unknown = memberOf(answer, 'dates');
    if (problem !== undefined) preview.replaceChildren(make('p', { className: 'problem', text: problem }));
    else if (Array.isArray(dates)) {
      const items = dates.map((date) =>
        make('li', { text: `${String(date).slice(0, 16).replace('T', ', ')} UTC` }),
      );
      preview.replaceChildren(make('ol', { className: 'dates' }, ...items));
    }
  };
  for (const input of all(HTMLInputElement, '[data-schedule]', form ?? document)) {
    input.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => void look(), 200);
    });
  }
}

// Parts of the page that change by themselves.
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
        if (answer.ok) replaceLive(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      }
    } finally {
      refreshing = undefined;
    }
  })();
  await refreshing.catch(() => undefined);
}

function replaceLive(fresh: Document): void {
  for (const part of all(HTMLElement, '[data-live]')) {
    const next = fresh.getElementById(part.id);
    if (next === null || next.innerHTML === part.innerHTML) continue;
    // What the user has opened stays open, and the focus stays where it is.
    const open = new Set(all(HTMLDetailsElement, 'details[open]', part).map((found) => found.className));
    const focused = document.activeElement;
    const isInside = focused instanceof HTMLElement && part.contains(focused);
    const place = isInside ? [...part.querySelectorAll('a, button, summary')].indexOf(focused) : -1;
    const state = part.querySelector('[data-state]')?.getAttribute('data-state');
    part.replaceChildren(...next.childNodes);
    for (const found of all(HTMLDetailsElement, 'details', part))
      if (open.has(found.className)) found.open = true;
    if (place >= 0) {
      const again = [...part.querySelectorAll('a, button, summary')][place];
      if (again instanceof HTMLElement) again.focus();
    }
    const now = part.querySelector('[data-state]');
    if (now instanceof HTMLElement && now.dataset.state !== state) {
      announce(part.querySelector('.run-state')?.textContent ?? '');
    }
  }
}

let source: EventSource | undefined;

function listen(): void {
  source = new EventSource(`${base}/events`);
  source.addEventListener('changed', (event) => {
    const arns: unknown = JSON.parse(String(event.data));
    if (liveArn === 'all' || (Array.isArray(arns) && arns.includes(liveArn))) void refresh();
  });
  // Events from before the connection was open are not sent again.
  source.addEventListener('ready', () => void refresh());
}

// A browser has few connections for each host, and nobody looks at a page that is hidden.
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
// A page that the browser has kept may be old.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
