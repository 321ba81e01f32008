import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ApiDescription, apiToken, apiTokens } from '../../../rotators/api-token/index.ts';
import { isKeyturnError, type SecretFields } from '../../../src/index.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { accountApi } from '../../support/token-service/accounts.ts';
import {
  bearerOf,
  type Routes,
  startTokenService,
  type TokenService,
} from '../../support/token-service/server.ts';
import type { TokenStore } from '../../support/token-service/store.ts';
import { withTokenWorld } from './world.ts';

const account = 'robot';
const bearer = { scheme: 'bearer', token: '{token}' } as const;

/** The smallest description: a token mints the next. */
const plain: ApiDescription = {
  name: 'plain',
  mint: {
    method: 'POST',
    path: '/tokens',
    json: { label: '{label}' },
    auth: bearer,
    token: '/token',
    id: '/id',
  },
  verify: { method: 'GET', path: '/me', auth: bearer },
};

interface World {
  readonly fixture: RotationFixture;
  readonly service: TokenService;
  readonly arn: string;
  alive(): string[];
}

/** A service with its own routes, the secret of its one account, and the function that rotates it. */
async function withApi(
  description: ApiDescription,
  routes: (store: TokenStore) => Routes,
  use: (world: World) => Promise<void>,
  { secret = {}, admin }: { readonly secret?: SecretFields; readonly admin?: SecretFields } = {},
): Promise<void> {
  const service = await startTokenService(routes);
  const rotator = apiToken(description);
  const fixture = await startFixture({ rotators: [rotator] });
  try {
    const { token, id } = service.store.issue(account, 'by hand') ?? {};
    const named = admin && (await fixture.createSecret({ host: service.url, ...admin }));
    const arn = await fixture.createSecret(
      { host: service.url, username: account, token, tokenId: id, ...secret },
      { 'keyturn:rotator': rotator.name, ...(named && { 'keyturn:admin': named }) },
    );
    await use({ fixture, service, arn, alive: () => service.store.list(account).map((one) => one.token) });
  } finally {
    await fixture.close();
    await service.stop();
  }
}

/** What all calls with a token have in common: `answer` is called if the token works. */
function known(store: TokenStore, answer: () => object): Routes[string] {
  return (request) =>
    store.find(bearerOf(request)) === undefined ? { status: 401 } : { status: 200, json: answer() };
}

describe('an answer of success that says that it failed', () => {
  const failures: readonly [string, object | string][] = [
    ['ok is false', { ok: false, error: 'invalid_auth' }],
    ['success is false', { success: false, errors: [{ message: 'invalid_auth' }] }],
    ['a list of errors', { data: null, errors: [{ message: 'invalid_auth' }] }],
    ['an error', { error: { code: 7, message: 'invalid_auth' } }],
    ['not active', { active: false }],
    ['success is 0', { success: 0 }],
    ['success is "false"', { success: 'false' }],
    ['another case', { Success: false, Message: 'invalid_auth' }],
    ['isValid is false', { isValid: false }],
    ['not authorised', { is_authorized: false }],
    ['a status of error', { status: 'error', message: 'invalid_auth' }],
    ['a status of fail', { status: 'fail', data: { token: 'invalid_auth' } }],
    ['a status of HTTP', { status: 401, message: 'invalid_auth' }],
    ['a code of HTTP', { code: 403, msg: 'invalid_auth' }],
    ['an object of errors', { errors: { token: ['is invalid'] } }],
    ['a code of error', { errcode: 40001, errmsg: 'invalid credential' }],
  ];

  const saidByStatus: readonly [string, ApiDescription][] = [
    ['by default', plain],
    ['where 200 is accepted', { ...plain, verify: { ...plain.verify, accepted: [200] } }],
    [
      'where {"status": 200} is',
      { ...plain, verify: { ...plain.verify, accepted: [{ status: [200, 201] }] } },
    ],
  ];
  const cases = failures.flatMap(([what, body]) =>
    saidByStatus.map(([how, description]) => [`${what}, ${how}`, body, description] as const),
  );

  it.each(cases)('%s: no dead token is promoted', (_, body, description) =>
    withApi(
      description,
      (store) => ({
        'POST /tokens': known(store, () => Object(store.issue(account, randomUUID()))),
        // The first token works. A new one is dead, but the status is 200.
        'GET /me': (request) => ({
          status: 200,
          json: store.find(bearerOf(request))?.label === 'by hand' ? { ok: true, errors: [] } : body,
        }),
      }),
      async ({ fixture, arn }) => {
        const before = await fixture.read(arn);
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*verify was answered 200 with an error/);
        expect((await fixture.read(arn)).token).toBe(before.token);
      },
    ),
  );

  it('a web page, such as that of a login: no dead token is promoted', () =>
    withApi(
      plain,
      (store) => ({
        'POST /tokens': known(store, () => Object(store.issue(account, randomUUID()))),
        'GET /me': (request) => ({
          status: 200,
          json: {},
          headers: {
            'content-type':
              store.find(bearerOf(request))?.label === 'by hand'
                ? 'application/json'
                : 'text/html; charset=utf-8',
          },
        }),
      }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*with a web page/);
      },
    ));

  const bodies: readonly [string, string, string, RegExp][] = [
    ['a web page without a type', '', '<!DOCTYPE html><html>Log in</html>', /with a web page/],
    ['a web page sent as JSON', 'application/json', '\n<html lang="en">Log in</html>', /with a web page/],
    ['XHTML', 'application/xhtml+xml', '<p>Log in</p>', /with a web page/],
    ['nothing', 'application/json', '', /something that is no JSON/],
    ['a text', 'text/plain', 'Invalid token', /something that is no JSON/],
    ['false', 'application/json', 'false', /with an error/],
    ['null', 'application/json', 'null', /with nothing/],
  ];
  it.each(bodies)('%s, with 200: no dead token is promoted', (_, type, text, problem) =>
    withApi(
      plain,
      (store) => ({
        'POST /tokens': known(store, () => Object(store.issue(account, randomUUID()))),
        'GET /me': known(store, () => ({})),
      }),
      async ({ fixture, service, arn }) => {
        service.interfere = ({ url, headers }, response) => {
          if (
            url !== '/me' ||
            service.store.find(headers.authorization?.slice('Bearer '.length))?.label === 'by hand'
          )
            return false;
          response.writeHead(200, type === '' ? {} : { 'content-type': type }).end(text);
          return true;
        };
        const before = await fixture.read(arn);
        expect(await fixture.rotate(arn)).toMatch(problem);
        expect((await fixture.read(arn)).token).toBe(before.token);
      },
    ),
  );

  it.each([
    ['204', plain, 204],
    [
      'an empty 200 where the description says so',
      { ...plain, verify: { ...plain.verify, accepted: [200] } },
      200,
    ],
  ] as const)('%s is a success', (_, description, status) =>
    withApi(
      description,
      (store) => ({
        'POST /tokens': known(store, () => Object(store.issue(account, randomUUID()))),
        'GET /me': (request) => ({ status: store.find(bearerOf(request)) === undefined ? 401 : status }),
      }),
      async ({ fixture, arn }) => expect(await fixture.rotate(arn)).toBeUndefined(),
    ),
  );

  it('is a refusal where the description says so, by body or by header', () =>
    withApi(
      {
        ...plain,
        verify: {
          ...plain.verify,
          accepted: [{ status: 200, at: '/ok', is: true }],
          refused: [
            { status: 200, at: '/error', is: ['invalid_auth', 'token_revoked'] },
            { header: 'x-refused', contains: 'EXPIRED' },
          ],
        },
      },
      (store) => ({
        'POST /tokens': (_request) => ({ status: 200, json: store.issue(account, randomUUID()) }),
        'GET /me': (request) => {
          const found = store.find(bearerOf(request));
          if (found === undefined) return { status: 200, json: { ok: false, error: 'invalid_auth' } };
          return found.label === 'expired'
            ? { status: 500, json: {}, headers: { 'x-refused': 'token expired' } }
            : { status: 200, json: { ok: true } };
        },
      }),
      async ({ fixture, service, arn }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        // A dead AWSCURRENT is a refusal by body, and an expired one by header: both heal, since mint asks for no more.
        for (const token of ['no-such-token', service.store.issue(account, 'expired')?.token]) {
          await fixture.put(arn, { ...(await fixture.read(arn)), token });
          expect(await fixture.rotate(arn, { immediately: false })).toMatch(
            /^PreflightFailed: .*refuses AWSCURRENT/,
          );
          expect(await fixture.rotate(arn)).toBeUndefined();
        }
      },
    ));
});

describe('a reason that a server gives', () => {
  const reasonOf = (body: unknown) =>
    withTokenWorld(
      () => accountApi('token'),
      async ({ fixture, service, arn }) => {
        const { token } = await fixture.read(arn);
        service.interfere = ({ method }, response) => {
          if (method !== 'POST') return false;
          const text = typeof body === 'string' ? body : JSON.stringify(body);
          response.writeHead(400, typeof body === 'string' ? { 'content-type': 'text/plain' } : {});
          response.end(text.replaceAll('TOKEN', String(token)));
          return true;
        };
        const error = String(await fixture.rotate(arn));
        expect(error).not.toContain(String(token));
        expect(JSON.stringify(fixture.recorded)).not.toContain(String(token));
        reasons.push(error);
      },
    );
  const reasons: string[] = [];

  it('is told, wherever an API puts it, and its credentials are masked', async () => {
    const reason = 'maximum lifetime is 90 days';
    const shapes: readonly unknown[] = [
      { message: reason },
      { error: { message: reason } },
      { error: { detail: reason } },
      { errors: [{ detail: reason }] },
      { errors: [reason] },
      { error: 'invalid', error_description: reason },
      { type: 'about:blank', title: 'Bad Request', status: 400, detail: reason },
      { message: [reason] },
      { messages: [{ code: 7, message: reason }] },
      { Message: reason },
      { errorMessage: reason },
      { fault: { faultstring: reason } },
      { code: 7, msg: reason },
      reason,
    ];
    for (const shape of shapes) await reasonOf(shape);
    expect(reasons).toHaveLength(shapes.length);
    for (const error of reasons) {
      expect(error).toMatch(/^TargetFailed: .*mint was answered 400: maximum lifetime is 90 days/);
    }
    reasons.length = 0;
    await reasonOf({ message: { expires_at: ['must be within a year', 'is too far'] } });
    await reasonOf({ title: 'One or more errors.', errors: { expires_at: ['must be within a year'] } });
    expect(reasons[0]).toMatch(/400: expires_at: must be within a year; is too far/);
    expect(reasons[1]).toMatch(/400: expires_at: must be within a year/);
    reasons.length = 0;
    await reasonOf({ message: 'the token TOKEN may not mint' });
    expect(reasons[0]).toMatch(/mint was answered 400: the token \[redacted\] may not mint/);
  });

  it('shows no credential, however it is put, and no line of its own', async () => {
    reasons.length = 0;
    await reasonOf('the token TOKEN may not mint');
    await reasonOf({ message: { token: ['TOKEN may not mint'] } });
    await reasonOf({ errors: { token: 'a-new-credential-that-nobody-knows' } });
    await reasonOf({ message: `${'long '.repeat(58)}TOKEN` });
    await reasonOf({ message: 'one\r\nERROR two \u001b[31mred' });
    expect(reasons[0]).toMatch(/the token \[redacted\] may not mint/);
    expect(reasons[1]).toMatch(/token: \[redacted\] may not mint/);
    expect(reasons[2]).not.toContain('a-new-credential');
    expect(reasons[3]).not.toContain('tok_');
    expect(reasons[4]).toMatch(/400: one ERROR two \[31mred/);
  });
});

describe('two calls for one step', () => {
  const login = {
    method: 'POST',
    path: '/login',
    auth: { scheme: 'basic', username: '{admin.user}', password: '{admin.password}' },
    keep: { session: '/session', csrf: { header: 'X-CSRF' }, sid: { cookie: 'sid' } },
  } as const;
  const session = { scheme: 'header', name: 'X-Session', value: '{kept.session}' } as const;
  const headers = { 'x-csrf': '{kept.csrf}', cookie: 'sid={kept.sid}' };
  const byLogin: ApiDescription = {
    name: 'by-login',
    mint: {
      method: 'POST',
      path: '/tokens',
      json: { label: '{label}' },
      headers,
      before: [login],
      auth: session,
      token: { header: 'X-New-Token' },
      id: '/id',
    },
    verify: { method: 'GET', path: '/me', auth: bearer, id: '/id' },
    revoke: {
      method: 'DELETE',
      path: '/tokens/{revoked.id}',
      headers,
      // As at Okta: what is to be deleted has to be deactivated first.
      before: [login, { method: 'POST', path: '/tokens/{revoked.id}/deactivate', headers, auth: session }],
      auth: session,
    },
  };

  function routes(store: TokenStore): Routes {
    const sessions = new Set<string>();
    const inactive = new Set<string>();
    const inSession =
      (answer: Routes[string]): Routes[string] =>
      (request) => {
        const given = String(request.headers['x-session']);
        const isWhole =
          request.headers['x-csrf'] === `csrf-${given}` && request.headers.cookie === `sid=sid-${given}`;
        if (!sessions.delete(given) || !isWhole)
          return { status: 401, json: { error: `no session ${given}` } };
        sessions.add(given);
        return answer(request);
      };
    return {
      'POST /login': ({ headers: { authorization = '' } }) => {
        if (authorization !== `Basic ${btoa('root:a-good-password')}`) return { status: 401 };
        const made = randomUUID();
        sessions.add(made);
        return {
          status: 200,
          json: { session: made },
          headers: { 'x-csrf': `csrf-${made}`, 'set-cookie': `sid=sid-${made}; HttpOnly; Path=/` },
        };
      },
      'POST /tokens': inSession(({ body }) => {
        const issued = store.issue(account, String(body.label));
        return { status: 201, json: { id: issued?.id }, headers: { 'x-new-token': String(issued?.token) } };
      }),
      'GET /me': (request) => {
        const found = store.find(bearerOf(request));
        return found === undefined || inactive.has(found.id)
          ? { status: 401 }
          : { status: 200, json: { id: found.id } };
      },
      'POST /tokens/([^/]+)/deactivate': inSession(({ parts: [id = ''] }) => {
        inactive.add(id);
        return { status: 200, json: {} };
      }),
      'DELETE /tokens/([^/]+)': inSession(({ parts: [id = ''] }) => {
        if (!inactive.has(id)) return { status: 400, json: { errorSummary: 'Deactivate it first.' } };
        return { status: store.revoke(account, id) ? 204 : 404 };
      }),
    };
  }
  const admin = { user: 'root', password: 'a-good-password' };

  it('logs in for a session, and deactivates before it deletes', () =>
    withApi(
      byLogin,
      routes,
      async ({ fixture, arn, alive }) => {
        for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        const { token } = await fixture.read(arn, 'AWSPREVIOUS');
        expect(alive()).toEqual([token, (await fixture.read(arn)).token]);
      },
      { admin },
    ));

  it('is refused where the login is, and blames the admin secret', () =>
    withApi(
      byLogin,
      routes,
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn)).toMatch(
          /^PermissionDenied: .*mint, made by the admin secret, was answered 401/,
        );
        expect(alive()).toHaveLength(1);
      },
      { admin: { ...admin, password: 'a-wrong-password' } },
    ));

  it('survives the loss of each answer', async () => {
    for (const lost of ['/login', '/tokens', '/me', '/deactivate']) {
      await withApi(
        byLogin,
        routes,
        async ({ fixture, service, arn, alive }) => {
          expect(await fixture.rotate(arn)).toBeUndefined();
          let times = 1;
          service.lose = ({ url = '' }) => url.endsWith(lost) && times-- > 0;
          await fixture.rotate(arn);
          service.lose = () => false;
          expect(await fixture.rotate(arn)).toBeUndefined();
          expect(alive()).toContain((await fixture.read(arn)).token);
        },
        { admin },
      );
    }
  });

  it('never tells a session', () =>
    withApi(
      { ...byLogin, mint: { ...byLogin.mint, path: '/nowhere' } },
      (store) => ({
        ...routes(store),
        'POST /nowhere': ({ headers: given }) => ({
          status: 400,
          json: { message: `bad session ${given['x-session']} of ${given.cookie}` },
        }),
      }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toMatch(/bad session \[redacted\] of /);
        expect(JSON.stringify(fixture.recorded)).not.toMatch(/sid-[0-9a-f]/);
      },
      { admin },
    ));
});

describe('a value that the caller chooses', () => {
  const chosen: ApiDescription = {
    ...plain,
    mint: {
      method: 'PUT',
      path: '/keys',
      json: { value: '{password}', label: '{label}' },
      auth: bearer,
      token: '{password}',
      id: '/id',
    },
  };

  it('is made by the rules for passwords, and stored', () => {
    const taken = new Set<string>();
    return withApi(
      chosen,
      (store) => ({
        'PUT /keys': (request) => {
          if (store.find(bearerOf(request)) === undefined && !taken.has(bearerOf(request) ?? ''))
            return { status: 401 };
          taken.add(String(request.body.value));
          return { status: 200, json: { id: taken.size } };
        },
        'GET /me': (request) => {
          const token = bearerOf(request);
          return { status: store.find(token) === undefined && !taken.has(token ?? '') ? 401 : 200, json: {} };
        },
      }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await fixture.rotate(arn)).toBeUndefined();
        const { token } = await fixture.read(arn);
        expect([...taken].at(-1)).toBe(token);
        expect(token).toMatch(/^\S{16,}$/);
      },
    );
  });
});

describe('what an answer holds', () => {
  const routes =
    (more: object) =>
    (store: TokenStore): Routes => ({
      'POST /tokens': known(store, () => ({ ...store.issue(account, randomUUID()), ...more })),
      'GET /me': known(store, () => ({})),
    });
  const end = Date.parse('2031-05-06T07:08:09Z');

  it.each([
    ['text', '/expires', { expires: 'in May' }, 'in May'],
    ['seconds', { at: '/expires', as: 'seconds' }, { expires: end / 1000 }, '2031-05-06T07:08:09Z'],
    [
      'milliseconds',
      { at: '/expires', as: 'milliseconds' },
      { expires: String(end) },
      '2031-05-06T07:08:09Z',
    ],
    ['nothing', { at: '/expires', as: 'seconds' }, {}, null],
    ['no date', { at: '/expires', as: 'seconds' }, { expires: 1e300 }, null],
  ] as const)('when it expires, as %s', (_, expiresAt, more, stored) =>
    withApi({ ...plain, mint: { ...plain.mint, expiresAt } }, routes(more), async ({ fixture, arn }) => {
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect((await fixture.read(arn)).expiresAt).toBe(stored);
    }),
  );

  it('when it expires, as seconds from now', () =>
    withApi(
      { ...plain, mint: { ...plain.mint, expiresAt: { at: '/expires', as: 'seconds-from-now' } } },
      routes({ expires: 3600 }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        const ms = Date.parse(String((await fixture.read(arn)).expiresAt)) - Date.now();
        expect(ms / 3_600_000).toBeCloseTo(1, 1);
      },
    ));

  it('when it expires before the next rotation, also in a preflight', () =>
    withApi(
      { ...plain, mint: { ...plain.mint, expiresAt: { at: '/expires', as: 'seconds-from-now' } } },
      routes({ expires: 3600 }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        const early = /the token expires at \S+Z, before the next rotation, which is due by \S+Z/;
        expect(fixture.recorded.notes.join('\n')).toMatch(early);
        fixture.recorded.notes.length = 0;
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(fixture.recorded.notes.join('\n')).toMatch(early);
      },
    ));

  it('is stored in further fields', () =>
    withApi(
      {
        ...plain,
        mint: { ...plain.mint, store: { endpoint: '/urls/api', limit: '/limit', region: '/none' } },
      },
      routes({ urls: { api: 'https://api.example' }, limit: 7 }),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await fixture.read(arn)).toMatchObject({
          endpoint: 'https://api.example',
          limit: 7,
          region: null,
        });
      },
    ));
});

describe('days, and what else is said elsewhere', () => {
  const living: ApiDescription = {
    ...plain,
    lifetimeDays: '{secret.days|30}',
    mint: {
      ...plain.mint,
      json: {
        label: '{label}',
        days: '{expiry.days}',
        until: '{expiry.epoch}',
        note: '{secret.note?}',
        list: ['{secret.note?}', 'always'],
      },
      query: { note: '{secret.note?}' },
    },
  };
  const asked: { body?: unknown; note?: string | null }[] = [];
  const routes = (store: TokenStore): Routes => ({
    'POST /tokens': (request) => {
      asked.push({ body: request.body, note: request.query.get('note') });
      return known(store, () => Object(store.issue(account, randomUUID())))(request);
    },
    'GET /me': known(store, () => ({})),
  });
  const askedFor = async (secret: SecretFields): Promise<{ body: SecretFields; note: unknown }> => {
    await withApi(
      living,
      routes,
      async ({ fixture, arn }) => expect(await fixture.rotate(arn)).toBeUndefined(),
      { secret },
    );
    const { body, note } = asked.at(-1) ?? {};
    return { body: Object(body), note };
  };

  it('come from the secret, or are what the description says', async () => {
    const { body, note } = await askedFor({});
    expect(body).toMatchObject({ days: 30, list: ['always'] });
    expect([note, 'note' in body]).toEqual([null, false]);
    const seconds = Number(body.until) - Date.now() / 1000;
    expect(seconds / 86_400).toBeCloseTo(30, 1);
    const other = await askedFor({ days: 7, note: 'x' });
    expect(other.body).toMatchObject({ days: 7, note: 'x', list: ['x', 'always'] });
    expect(other.note).toBe('x');
  });

  it.each([0, 'soon', 1e9, true])('are a number of days: %j is none', (days) =>
    withApi(
      living,
      routes,
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn)).toMatch(/^InvalidSecretField: .*"days" must be a number of days/);
        expect(alive()).toHaveLength(1);
      },
      { secret: { days } },
    ),
  );

  it('name the admin secret where something is missing in that', () =>
    withApi(
      { ...plain, mint: { ...plain.mint, json: { label: '{label}', scopes: '{admin.scopes}' } } },
      routes,
      async ({ fixture, arn }) =>
        expect(await fixture.rotate(arn)).toMatch(
          /^InvalidSecretField: The admin secret's "scopes" is missing/,
        ),
      { admin: { token: 'x' } },
    ));
});

describe('a preset with changes', () => {
  const read = (...list: unknown[]) =>
    apiTokens({ descriptions: { text: JSON.stringify(list), source: 'THE_FILE' } });

  it('replaces the preset, or is added under another name', () => {
    const names = read().map(({ name }) => name);
    expect(
      read({ extends: 'grafana', lifetimeDays: 30 })
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort());
    expect(read({ extends: 'gitlab', name: 'our-gitlab', baseUrl: 'https://git.example' }).at(-1)?.name).toBe(
      'api-token/our-gitlab',
    );
  });

  it('changes one member, adds one, and takes one away', () => {
    const [rotator] = read({
      extends: 'gitlab',
      name: 'ours',
      notAt: null,
      list: null,
      mint: { json: { description: 'by Keyturn' } },
    }).slice(-1);
    expect(rotator).toMatchObject({ kind: 'issues', name: 'api-token/ours' });
    expect(rotator).not.toHaveProperty('revokeOrphans');
    expect(rotator?.parse({ host: 'gitlab.com', userId: 1, token: 'x' })).toMatchObject({
      baseUrl: 'https://gitlab.com',
    });
  });

  it.each([
    ['extends', { extends: 'no-such' }],
    ['lifetimeDays', { extends: 'grafana', lifetimeDays: 0 }],
    ['mint.path', { extends: 'grafana', mint: { path: 'tokens' } }],
    ['verify', { extends: 'grafana', verify: null }],
    ['mint.tokn', { extends: 'grafana', mint: { tokn: '/x' } }],
    ['__proto__', JSON.parse('{"extends": "grafana", "__proto__": {"polluted": 1}}')],
  ])('says where it is wrong: %s', (path, one) => {
    try {
      read(one);
    } catch (error) {
      expect(isKeyturnError(error, 'InvalidConfiguration') && error.field).toBe(path);
      expect(String(error)).toContain(`THE_FILE[0] describes no API: ${path}`);
      return;
    }
    throw new Error('Nothing is said to be wrong.');
  });
});

describe('a description', () => {
  const admin = accountApi('admin');
  it.each<[string, ApiDescription]>([
    ['mint.accepted.0', { ...plain, mint: { ...plain.mint, accepted: [{}] } }],
    ['mint.refused.1', { ...plain, mint: { ...plain.mint, refused: [401, { status: 200, is: 'x' }] } }],
    ['verify.gone.0', { ...plain, verify: { ...plain.verify, gone: [{ at: '/a', header: 'b' }] } }],
    ['mint', { ...plain, mint: { ...plain.mint, token: '{password}' } }],
    [
      'overlap',
      { ...plain, overlap: 'none', mint: { ...plain.mint, json: { v: '{password}' }, token: '{password}' } },
    ],
    ['mint.store.host', { ...plain, mint: { ...plain.mint, store: { host: '/host' } } }],
    ['mint.store.token', { ...plain, mint: { ...plain.mint, store: { token: '/other' } } }],
    ['mint', { ...plain, mint: { ...plain.mint, path: '/{kept.session}' } }],
    ['lifetimeDays', { ...plain, lifetimeDays: 'forever' }],
    // The admin must not make tokens that live as long as whoever writes the secret likes.
    ['mint', { ...admin, lifetimeDays: '{secret.days|30}' }],
  ])('says what is wrong at %s', (path, description) => {
    try {
      apiToken(description);
    } catch (error) {
      expect(isKeyturnError(error, 'InvalidConfiguration') && error.field).toBe(path);
      return;
    }
    throw new Error('Nothing is said to be wrong.');
  });
});

describe('an admin without a token', () => {
  const basic = { scheme: 'basic', username: '{admin.user}', password: '{admin.password}' } as const;
  const byBasic: ApiDescription = {
    ...plain,
    mint: { ...plain.mint, path: '/users/{secret.username}/tokens', auth: basic },
    verify: { ...plain.verify, account: '/name' },
  };
  const routes = (store: TokenStore): Routes => ({
    'POST /users/([^/]+)/tokens': (request) =>
      request.headers.authorization === `Basic ${btoa('root:a-good-password')}`
        ? { status: 201, json: store.issue(account, randomUUID()) }
        : { status: 401, json: { error: 'bad password' } },
    'GET /me': known(store, () => ({ name: account })),
  });

  it('mints, although its login can’t be tested first', () =>
    withApi(byBasic, routes, async ({ fixture, arn }) => expect(await fixture.rotate(arn)).toBeUndefined(), {
      admin: { user: 'root', password: 'a-good-password' },
    }));

  it('is blamed by its own name where it is refused', () =>
    withApi(
      byBasic,
      routes,
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn, { immediately: false })).toMatch(
          /an admin secret that can't be tried.*add "checkAdmin"/,
        );
        expect(await fixture.rotate(arn)).toMatch(
          /^PermissionDenied: .*mint, made by the admin secret, was answered 401: bad password/,
        );
      },
      { admin: { user: 'root', password: 'a-wrong-password' } },
    ));

  it('is not assumed for a secret that lacks its token', () =>
    withApi(
      byBasic,
      routes,
      async ({ fixture, arn, alive }) => {
        const { token: _none, ...fields } = await fixture.read(arn);
        await fixture.put(arn, { ...fields, user: 'x', password: 'y' });
        // Otherwise the admin would mint for any user that the secret names, without proof.
        expect(await fixture.rotate(arn)).toMatch(/^InvalidSecretField: .*holds no "token"/);
        expect(alive()).toHaveLength(1);
      },
      { admin: { user: 'root', password: 'a-good-password' } },
    ));
});
