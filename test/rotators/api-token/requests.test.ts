import { describe, expect, it } from 'vitest';
import type { Call, NextPage } from '../../../rotators/api-token/index.ts';
import { listTokens } from '../../../rotators/api-token/pages.ts';
import { makeRequest } from '../../../rotators/api-token/request.ts';
import { fill, type Values } from '../../../rotators/api-token/template.ts';
import { asHeader } from '../../../rotators/http/encoding.ts';

const hostile = `a/../b?c=d&e#f "g" 'h' \\ %2e é 🔑 {token}`;
const values: Values = (place) =>
  ({
    'secret.name': hostile,
    'secret.dots': '..',
    'secret.line': 'a\r\nx: y',
    'secret.list': ['a', 1],
    'secret.count': 7,
    token: 't0ken',
  })[place];

const auth = { scheme: 'bearer', token: '{token}' } as const;
const make = (call: Partial<Call>) =>
  makeRequest({ method: 'POST', path: '/', auth, ...call }, 'https://api.example/v1', values);

describe('a value', () => {
  it('stays in its segment of the path', () => {
    const { url } = make({ path: '/users/{secret.name}/tokens' });
    expect(url.origin).toBe('https://api.example');
    const [, , , name, last] = url.pathname.split('/');
    expect([decodeURIComponent(name ?? ''), last, url.search, url.hash]).toEqual([hostile, 'tokens', '', '']);
    expect(() => make({ path: '/users/{secret.dots}/tokens' })).toThrow(/"dots" must not be "\." or "\.\."/);
  });

  it('stays in its parameter of the query, the form and the JSON', () => {
    const {
      url,
      body: form,
      headers,
    } = make({ query: { q: 'x {secret.name}' }, form: { name: '{secret.name}', fixed: '1' } });
    expect([...url.searchParams]).toEqual([['q', `x ${hostile}`]]);
    expect([...new URLSearchParams(form)]).toEqual([
      ['name', hostile],
      ['fixed', '1'],
    ]);
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
    const { body = '' } = make({ json: { name: 'x {secret.name}', n: 1, deep: [{ b: false }, null] } });
    expect(JSON.parse(body)).toEqual({ name: `x ${hostile}`, n: 1, deep: [{ b: false }, null] });
  });

  it('keeps its type if it is a whole JSON value, and is text elsewhere', () => {
    const { body = '' } = make({
      json: { list: '{secret.list}', count: '{secret.count}', text: 'no {secret.count}' },
    });
    expect(JSON.parse(body)).toEqual({ list: ['a', 1], count: 7, text: 'no 7' });
    expect(() => make({ path: '/{secret.list}' })).toThrow(/"list" must be a text or a number/);
  });

  it('can not end a header, and is not quoted when it would', () => {
    expect(make({ headers: { 'X-Name': 'is {secret.count}' } }).headers).toMatchObject({ 'x-name': 'is 7' });
    const error = catchError(() => make({ headers: { 'X-Line': '{secret.line}' } }));
    expect(error).toMatchObject({ code: 'InvalidSecretField', field: 'line' });
    expect(String(error)).not.toContain('x: y');
    expect(() => fill('{token}', () => 'tök', asHeader)).toThrow(/header can not hold/);
  });

  it('that is missing is named, and by whom it is needed', () => {
    expect(() => make({ path: '/{secret.nobody}' })).toThrow(/"nobody" is missing.*\{secret\.nobody\}/);
    expect(() => make({ json: { a: '{admin.token}' } })).toThrow(/"token" is missing.*\{admin\.token\}/);
  });
});

describe('a call shows who makes it', () => {
  it.each<[Call['auth'], string, string]>([
    [auth, 'authorization', 'Bearer t0ken'],
    [{ scheme: 'basic', username: 'me', password: '{token}' }, 'authorization', `Basic ${btoa('me:t0ken')}`],
    [{ scheme: 'header', name: 'X-Token', value: '{token}' }, 'x-token', 't0ken'],
  ])('by %o', (given, name, value) => {
    expect(make({ auth: given }).headers[name]).toBe(value);
  });

  it('by a parameter, and by Basic authentication only with a username that has no colon', () => {
    expect(make({ auth: { scheme: 'query', name: 'key', value: '{token}' } }).url.search).toBe('?key=t0ken');
    const colon = { scheme: 'basic', username: '{secret.name}', password: 'x' } as const;
    expect(() =>
      makeRequest({ method: 'GET', path: '/', auth: colon }, 'https://api.example', () => 'a:b'),
    ).toThrow(/colon/);
  });

  it('by a token of an app, and an invalid key is not quoted', () => {
    const jwt = { scheme: 'jwt', issuer: '{secret.count}', privateKey: '{token}' } as const;
    const error = catchError(() => make({ auth: jwt }));
    expect(error).toMatchObject({ code: 'InvalidSecretField', field: 'privateKey' });
    expect(String(error)).not.toContain('t0ken');
  });
});

describe('a list', () => {
  const pages = [['a', 'b'], ['c'], []];

  /** Answers page by page; what is asked for is a number in whatever parameter. */
  async function idsBy(next: NextPage, headersOf: (page: number) => Record<string, string> = () => ({})) {
    const asked: Readonly<Record<string, string>>[] = [];
    const call = {
      method: 'GET',
      path: '/',
      auth,
      items: '/items',
      id: '/id',
      label: '/label',
      next,
    } as const;
    const perform = async (_name: string, _call: Call, _scope: object, _context: object, more = {}) => {
      const page = asked.push(more) - 1;
      const items = (pages[page] ?? []).map((id) => ({ id, label: 'x' }));
      const isLast = pages[page + 1] === undefined;
      const text = JSON.stringify({
        items,
        next: isLast ? null : `/other/path?at=${page + 1}&n=2`,
        cursor: isLast ? '' : page + 1,
      });
      return {
        outcome: 'accepted',
        by: 'the token',
        sent: [],
        answer: { status: 200, headers: new Headers(headersOf(page)), text },
      } as const;
    };
    const listed = await listTokens(perform, call, {}, { signal: new AbortController().signal });
    expect(listed.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    return asked;
  }

  it('goes on by the number of the page, until one is empty', async () => {
    expect(await idsBy({ by: 'page', parameter: 'p', first: 0 })).toEqual([
      { p: '0' },
      { p: '1' },
      { p: '2' },
    ]);
  });

  it('goes on by a cursor, until there is none', async () => {
    expect(await idsBy({ by: 'cursor', at: '/cursor', parameter: 'after' })).toEqual([
      {},
      { after: '1' },
      { after: '2' },
    ]);
  });

  it('goes on by the query of a URL, and by nothing else of it', async () => {
    expect(await idsBy({ by: 'url', at: '/next' })).toEqual([{}, { at: '1', n: '2' }, { at: '2', n: '2' }]);
  });

  it('goes on by the header Link', async () => {
    const links = [
      '<https://x/a?page=0>; rel="prev", <https://x/a?page=1>; title="a, b"; rel="last next"',
      '<?page=2>;rel=next',
      '<https://x/nextish?page=3>; rel="nextish"',
    ];
    expect(await idsBy({ by: 'link' }, (page) => ({ link: links[page] ?? '' }))).toEqual([
      {},
      { page: '1' },
      { page: '2' },
    ]);
  });
});

function catchError(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}
