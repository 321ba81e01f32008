import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { newDraft } from '../../src/console/draft.ts';
import { createSessions } from '../../src/console/sessions.ts';
import { allow, deny, policy, root, user } from '../local/access-harness.ts';
import { type ConsoleHarness, openRaw, type RawSession, startHarness } from './harness.ts';

// The attacker: a page of another site or of another port, another program on this machine, and whoever reads addresses.

const secretValue = 'a value that nobody else may read';

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request as it is. Unlike fetch, it lets a test set Host and Origin. */
async function send(origin: string, { method = 'GET', path, headers = {}, body }: Sent) {
  const { hostname, port } = new URL(origin);
  const all = {
    ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const sent = request({
    host: hostname,
    port,
    method,
    path,
    headers: all,
    setHost: headers.Host === undefined,
  });
  sent.end(body);
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (!answer) throw new Error('There is no answer');
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

async function startWithSecret(
  more: Parameters<typeof startHarness>[1] = {},
): Promise<ConsoleHarness & { raw: RawSession; port: string }> {
  const harness = await startHarness({}, more);
  await harness.client.createSecret({ Name: 'n', SecretString: secretValue });
  const raw = await openRaw(harness.console);
  return { ...harness, raw, port: new URL(raw.origin).port };
}

/** What the console's own page sends to read the value. */
async function reading(
  { client, raw }: { client: ConsoleHarness['client']; raw: RawSession },
  more: Partial<Sent> = {},
): Promise<Sent> {
  const { VersionIdsToStages = {} } = await client.describeSecret({ SecretId: 'n' });
  const [version = ''] = Object.keys(VersionIdsToStages);
  return {
    method: 'POST',
    path: `${raw.base}/secret/reveal`,
    body: new URLSearchParams({ id: 'n', version }).toString(),
    ...more,
    headers: {
      Cookie: raw.cookie,
      Origin: raw.origin,
      'Sec-Fetch-Site': 'same-origin',
      'x-keyturn-csrf': raw.csrf,
      'Content-Type': 'application/x-www-form-urlencoded',
      ...more.headers,
    },
  };
}

describe('a session that is idle for too long', () => {
  it('is closed, and the values of its drafts are forgotten, whoever comes next', () => {
    const begunAt = Date.now();
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => begunAt);
    onTestFinished(() => clock.mockRestore());
    const sessions = createSessions();
    const left = sessions.open(sessions.token());
    left?.drafts.set('a', { ...newDraft('a'), text: secretValue });
    clock.mockImplementation(() => begunAt + 7 * 3_600_000);
    const other = sessions.open(sessions.token());
    expect(left?.drafts.size).toBe(1);
    clock.mockImplementation(() => begunAt + 9 * 3_600_000);
    expect(sessions.find(other?.id ?? '')).toBe(other);
    expect(left?.drafts.size).toBe(0);
    expect(sessions.find(left?.id ?? '')).toBeUndefined();
  });
});

describe('who is let into the console', () => {
  it('gives the value to its own page, and notes it', async () => {
    const harness = await startWithSecret();
    const answer = await send(harness.raw.origin, await reading(harness));
    expect([answer.status, answer.body.includes(secretValue)]).toEqual([200, true]);
    expect(harness.notes.filter((line) => line.startsWith('read and shown: n, version'))).toHaveLength(1);
    expect(harness.notes.join()).not.toContain(secretValue);
  });

  it('answers nothing without the token or the cookie', async () => {
    const { raw, console: console_ } = await startWithSecret();
    for (const path of [
      '/',
      '/favicon.ico',
      '/secret',
      `${raw.base}/`,
      `${raw.base}/assets/console.js`,
      `${raw.base}/events`,
      `${raw.base}/../`,
      '//',
      '/?token=',
      '/?token=wrong',
      `/?token=${'a'.repeat(43)}`,
      `${raw.base}/?token=${new URL(console_.address()).searchParams.get('token')}`,
    ]) {
      const answer = await send(raw.origin, { path });
      expect([path, answer.status, answer.headers['set-cookie']]).toEqual([path, 403, undefined]);
      expect(answer.body).not.toContain('data-csrf');
    }
    const forged = raw.cookie.replace(/=.*/, `=${'A'.repeat(43)}`);
    expect((await send(raw.origin, { path: `${raw.base}/`, headers: { Cookie: forged } })).status).toBe(403);
  });

  it('takes a token once, and shows the next one on the terminal alone', async () => {
    const { console: console_, notes } = await startHarness();
    const first = console_.address();
    const { status, headers, body } = await send(console_.url, {
      path: new URL(first).pathname + new URL(first).search,
    });
    expect(status).toBe(200);
    expect(headers['set-cookie']?.[0]).toMatch(
      /^keyturn-console-\d+=[\w-]{43}; Path=\/[\w-]{12}\/; HttpOnly; SameSite=Strict$/,
    );
    expect(body).not.toContain('token');
    expect((await send(console_.url, { path: new URL(first).pathname + new URL(first).search })).status).toBe(
      403,
    );
    expect(console_.address()).not.toBe(first);
    expect(notes).toEqual([`opened in a browser; for another one: ${console_.address()}`]);
  });

  it('gives a cookie that servers at other ports of this machine are not sent', async () => {
    const [one, other] = [await startHarness(), await startHarness()];
    const [a, b] = [await openRaw(one.console), await openRaw(other.console)];
    // Browsers send cookies to all ports of a host, but only below their path.
    expect(a.base).not.toBe(b.base);
    expect(a.base).toMatch(/^\/[\w-]{12}$/);
    expect((await send(b.origin, { path: `${b.base}/`, headers: { Cookie: a.cookie } })).status).toBe(403);
  });

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'evil.localhost',
    'localhost.',
    'localhost@evil.example',
    '',
  ])('is not served as %j (DNS rebinding)', async (name) => {
    const harness = await startWithSecret();
    for (const Host of [name, `${name}:${harness.port}`]) {
      const headers = { Host, Origin: `http://${Host}` };
      const answer = await send(harness.raw.origin, await reading(harness, { headers }));
      expect([Host, answer.status]).toEqual([Host, 421]);
      const opening = new URL(harness.console.address());
      expect(
        (await send(harness.raw.origin, { path: `/?${opening.searchParams}`, headers: { Host } })).status,
      ).toBe(421);
    }
    expect(harness.notes.join()).not.toContain('read and shown');
  });

  it('is served as localhost, by addresses at its own port, and by names that it was told', async () => {
    const harness = await startWithSecret({ hostNames: ['console.test'] });
    for (const Host of [
      `localhost:${harness.port}`,
      `127.0.0.1:${harness.port}`,
      `[::1]:${harness.port}`,
      'console.test',
      'console.test:8080',
    ]) {
      const headers = { Host, Origin: `http://${Host}` };
      expect([Host, (await send(harness.raw.origin, await reading(harness, { headers }))).status]).toEqual([
        Host,
        200,
      ]);
    }
    const headers = { Host: '127.0.0.1:1', Origin: 'http://127.0.0.1:1' };
    expect((await send(harness.raw.origin, await reading(harness, { headers }))).status).toBe(421);
  });

  it('does nothing for pages of other origins', async () => {
    const harness = await startWithSecret();
    const foreign: Readonly<Record<string, string>>[] = [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { Origin: `http://127.0.0.1:${Number(harness.port) + 1}`, 'Sec-Fetch-Site': 'same-site' },
      { Origin: `http://localhost:${harness.port}` },
      { Origin: `https://127.0.0.1:${harness.port}` },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ];
    for (const headers of foreign) {
      const answer = await send(harness.raw.origin, await reading(harness, { headers }));
      expect([headers, answer.status]).toEqual([headers, 403]);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.body).not.toContain(secretValue);
      const { path } = await reading(harness);
      for (const get of [path, `${harness.raw.base}/`]) {
        const asked = { path: get, headers: { Cookie: harness.raw.cookie, ...headers } };
        expect((await send(harness.raw.origin, asked)).status).toBe(403);
      }
    }
    // Browsers say where a form comes from.
    const { Origin: _, ...headers } = { ...(await reading(harness)).headers };
    const silent = await send(harness.raw.origin, { ...(await reading(harness)), headers });
    expect(silent.status).toBe(403);
    expect(harness.notes.join()).not.toContain('read and shown');
  });

  it('takes the token from a link of another page, and from no frame or script of one', async () => {
    const { console: console_ } = await startHarness();
    const path = (): string => `/?${new URL(console_.address()).searchParams}`;
    const cross = { 'Sec-Fetch-Site': 'cross-site' };
    for (const headers of [
      { ...cross, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
      { ...cross, 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
      { ...cross, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    ]) {
      expect((await send(console_.url, { path: path(), headers })).status).toBe(403);
    }
    const headers = { ...cross, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
    expect((await send(console_.url, { path: path(), headers })).status).toBe(200);
  });

  it('takes no form without the session’s own token', async () => {
    const harness = await startWithSecret();
    const other = await openRaw(harness.console);
    for (const csrf of ['', 'x', other.csrf]) {
      const answer = await send(
        harness.raw.origin,
        await reading(harness, { headers: { 'x-keyturn-csrf': csrf } }),
      );
      expect([answer.status, answer.body.includes(secretValue)]).toEqual([403, false]);
    }
    const deleting = new URLSearchParams({ id: 'n', days: '7', confirm: 'n' }).toString();
    const { headers = {} } = await reading(harness, { headers: { 'x-keyturn-csrf': '' } });
    const answer = await send(harness.raw.origin, {
      method: 'POST',
      path: `${harness.raw.base}/secret/delete`,
      body: deleting,
      headers,
    });
    expect(answer.status).toBe(403);
    expect((await harness.client.describeSecret({ SecretId: 'n' })).DeletedDate).toBeUndefined();
  });

  it('reads no value for a GET request', async () => {
    const { raw, notes } = await startWithSecret();
    const headers = { Cookie: raw.cookie, 'Sec-Fetch-Site': 'none' };
    for (const path of [
      '/secret/reveal?id=n',
      '/secret?id=n&version=x',
      '/store/judge',
      '/secret/delete?id=n',
      '/secret/rotate?id=n',
    ]) {
      const answer = await send(raw.origin, { path: `${raw.base}${path}`, headers });
      expect(answer.body).not.toContain(secretValue);
    }
    expect(notes.join()).not.toContain('read and shown');
  });

  it('ends a session that is locked', async () => {
    const harness = await startWithSecret();
    const { raw } = harness;
    const { headers = {} } = await reading(harness);
    // The event stream of a page in another tab ends.
    const news = await fetch(`${raw.origin}${raw.base}/events`, { headers: { Cookie: raw.cookie } });
    const all = news.text();
    const locked = await send(raw.origin, { method: 'POST', path: `${raw.base}/lock`, body: '', headers });
    expect(locked.status).toBe(303);
    expect(await all).toMatch(/^event: ready/);
    expect((await send(raw.origin, { path: `${raw.base}/`, headers: { Cookie: raw.cookie } })).status).toBe(
      403,
    );
  });

  it('changes nothing where it is read-only, and still reads', async () => {
    const harness = await startWithSecret({ readOnly: true });
    const { raw, client } = harness;
    const { headers = {} } = await reading(harness);
    const pages = [
      'rotate',
      'attach',
      'clear-pending',
      'turn-off',
      'schedule',
      'preflight',
      'policy',
      'remove-policy',
      'describe',
      'tag',
      'untag',
      'replicate',
      'remove-replica',
      'delete',
      'restore',
    ];
    const body = new URLSearchParams({
      id: 'n',
      days: '7',
      confirm: 'n',
      'tag-key': 'k',
      description: 'd',
    }).toString();
    const before = await client.describeSecret({ SecretId: 'n' });
    for (const page of pages) {
      const answer = await send(raw.origin, {
        method: 'POST',
        path: `${raw.base}/secret/${page}`,
        body,
        headers,
      });
      expect([page, answer.status]).toEqual([page, 403]);
    }
    for (const screen of ['value', 'review'])
      expect(
        (await send(raw.origin, { method: 'POST', path: `${raw.base}/store/${screen}`, body, headers }))
          .status,
      ).toBe(403);
    expect(
      (await send(raw.origin, { path: `${raw.base}/store`, headers: { Cookie: raw.cookie } })).status,
    ).toBe(403);
    const after = await client.describeSecret({ SecretId: 'n' });
    expect({ ...after, $metadata: undefined }).toEqual({ ...before, $metadata: undefined });
    expect((await send(raw.origin, await reading(harness))).status).toBe(200);
    const page = await send(raw.origin, { path: `${raw.base}/secret?id=n`, headers: { Cookie: raw.cookie } });
    expect(page.body).not.toContain('Delete this secret');
  });

  it('says on every answer that nothing is kept, and that nothing from elsewhere may be loaded', async () => {
    const harness = await startWithSecret();
    const { raw, console: console_ } = harness;
    const headers = { Cookie: raw.cookie };
    const answers = [
      await send(raw.origin, { path: `${raw.base}/`, headers }),
      await send(raw.origin, { path: `${raw.base}/secret?id=n`, headers }),
      await send(raw.origin, { path: `${raw.base}/secret?id=none`, headers }),
      await send(raw.origin, { path: `${raw.base}/nowhere`, headers }),
      await send(raw.origin, { path: `${raw.base}/assets/console.js`, headers }),
      await send(raw.origin, { path: '/' }),
      await send(raw.origin, { path: `/?${new URL(console_.address()).searchParams}` }),
      await send(raw.origin, await reading(harness)),
    ];
    for (const answer of answers) {
      expect(answer.headers['cache-control']).toBe('no-store');
      const csp = answer.headers['content-security-policy'] ?? '';
      expect(csp).toContain("default-src 'none'");
      expect(csp).toContain("frame-ancestors 'none'");
      expect(csp).not.toMatch(/unsafe|https?:|\*/);
      expect(answer.headers['x-frame-options']).toBe('DENY');
      expect(answer.headers['referrer-policy']).toBe('same-origin');
      expect(answer.body.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
        /(src|href)="(https?:)?\/\//,
      );
    }
  });

  it('refuses forms that are too large, or do not say how large they are', async () => {
    const harness = await startWithSecret();
    const large = await reading(harness, { body: 'x'.repeat(300_000) });
    expect((await send(harness.raw.origin, large)).status).toBe(413);
    const { headers = {}, path } = await reading(harness, { headers: { 'Transfer-Encoding': 'chunked' } });
    expect((await send(harness.raw.origin, { method: 'POST', path, headers })).status).toBe(411);
    expect((await send(harness.raw.origin, { ...(await reading(harness)), method: 'PUT' })).status).toBe(405);
  });

  it('answers any path and query, and never with a value or an error of its own', async () => {
    const { raw, notes } = await startWithSecret();
    const headers = { Cookie: raw.cookie };
    const part = fc.stringMatching(/^[\w%./?=&;:@~<>"'-]{0,40}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/', '/secret', '/who-may', '/rotations', '/store/value', '/store/done', '/assets'),
        part,
        async (page, more) => {
          const path = `${raw.base}${page}?id=${more}&q=${more}&tag=${more}&page=${more}`.replaceAll(
            /[<>"]/g,
            encodeURIComponent,
          );
          const answer = await send(raw.origin, { path, headers });
          expect(answer.body).not.toContain(secretValue);
          expect(answer.status).toBeLessThan(600);
        },
      ),
      { numRuns: 60 },
    );
    expect(notes.filter((line) => line.startsWith('the console failed'))).toEqual([]);
  });

  it('says who may do something by the clock of the Secrets Manager, which may run ahead', async () => {
    const nextYear = Date.now() + 365 * 86_400_000;
    const later = deny('secretsmanager:GetSecretValue', {
      Condition: { DateGreaterThan: { 'aws:CurrentTime': new Date(nextYear - 86_400_000).toISOString() } },
    });
    const late = user('late', { policies: [policy(allow('secretsmanager:*'), later)] });
    const options = { policies: 'enforce', principals: [root, late] } as const;
    const ask = async (now: number) => {
      const { client, console: console_ } = await startHarness(options, { now: () => now });
      await client.createSecret({ Name: 'n', SecretString: secretValue });
      const raw = await openRaw(console_);
      const asked = new URLSearchParams({ principal: late.arn, call: 'GetSecretValue', secret: 'n' });
      const sent = { path: `${raw.base}/who-may?${asked}`, headers: { Cookie: raw.cookie } };
      return (await send(raw.origin, sent)).body;
    };
    expect(await ask(Date.now())).toContain('>Allowed<');
    expect(await ask(nextYear)).not.toContain('>Allowed<');
  });

  it('says who may do something only where it knows the policies that decide', async () => {
    const options = { policies: 'enforce', principals: [root] } as const;
    const { client, console: console_ } = await startHarness(options);
    await client.createSecret({ Name: 'n', SecretString: secretValue });
    const raw = await openRaw(console_);
    const asked = { principal: root.arn, call: 'GetSecretValue', secret: 'n' };
    const path = `${raw.base}/who-may?${new URLSearchParams(asked)}`;
    const ask = () => send(raw.origin, { path, headers: { Cookie: raw.cookie } });
    expect((await ask()).body).toContain('>Allowed<');
    const denied = deny(['secretsmanager:GetSecretValue', 'secretsmanager:GetResourcePolicy'], {
      Principal: '*',
    });
    await client.putResourcePolicy({ SecretId: 'n', ResourcePolicy: JSON.stringify(policy(denied)) });
    const { body } = await ask();
    expect(body).not.toContain('>Allowed<');
    expect(body).toContain('may read the resource policy of n, which may decide');
  });
});
