import { randomBytes, randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { SecretFields } from '../../../src/index.ts';
import { startScriptedServer } from '../scripted-server.ts';
import { askAs, basicOf, textOf } from '../token-servers/process.ts';

/** A user who owns an application and has authorized it. */
export interface GiteaApplication {
  /** Fields of a secret of `oauth/refresh-token`, without `issuer`. */
  readonly client: SecretFields;
  /** The application's id in the API. It is not the `client_id`. */
  readonly id: string;
  /** An access token of the owner that may change the application. */
  readonly ownersToken: string;
}

const redirectUri = 'http://127.0.0.1/callback';

/**
 * Makes a user and an application at a Gitea, and authorizes it as a browser would: login, consent, code.
 *
 * @param place its URL, with the username and the password of an administrator
 * @see https://docs.gitea.com/development/oauth2-provider
 */
export async function authorizeAtGitea(place: string): Promise<GiteaApplication> {
  const { origin, pathname, username: root, password: rootPassword } = new URL(place);
  const url = `${origin}${pathname}`.replace(/\/$/, '');
  const asRoot = basicOf(decodeURIComponent(root), decodeURIComponent(rootPassword));
  const [username, password] = [`robot-${randomUUID().slice(0, 18)}`, `Pass-${randomUUID()}`];
  const email = `${username}@example.com`;
  const user = { username, password, email, must_change_password: false };
  await askAs(asRoot, 'POST', `${url}/api/v1/admin/users`, user);
  const asUser = basicOf(username, password);
  const made = await askAs(asUser, 'POST', `${url}/api/v1/user/applications/oauth2`, {
    name: 'reports',
    redirect_uris: [redirectUri],
    confidential_client: true,
  });
  const [client_id, client_secret] = [textOf(made, 'client_id'), textOf(made, 'client_secret')];
  const token = await askAs(asUser, 'POST', `${url}/api/v1/users/${username}/tokens`, {
    name: 'of the owner',
    scopes: ['write:user'],
  });

  const browser = createBrowser(url);
  const login = await browser.open('/user/login');
  await browser.submit('/user/login', { ...login.hidden, user_name: username, password });
  const asked = new URLSearchParams({
    client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 's1',
  });
  const consent = await browser.open(`/login/oauth/authorize?${asked}`);
  const granted = await browser.submit('/login/oauth/grant', { ...consent.hidden, granted: 'true' });
  const code = new URL(granted.location ?? 'about:blank').searchParams.get('code');
  if (code === null) throw new Error('Gitea gave no code after the consent.');
  const response = await fetch(`${url}/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id,
      client_secret,
    }),
  });
  const tokens: unknown = await response.json();
  const [access_token, refresh_token] = [textOf(tokens, 'access_token'), textOf(tokens, 'refresh_token')];
  return {
    client: { client_id, client_secret, access_token, refresh_token },
    id: textOf(made, 'id'),
    ownersToken: textOf(token, 'sha1'),
  };
}

interface Page {
  readonly location: string | undefined;
  /** The hidden fields of the page's form. */
  readonly hidden: Readonly<Record<string, string>>;
}

/** As much of a browser as a login needs: cookies, and the hidden fields of forms. */
function createBrowser(url: string) {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${url}${path}`, {
      ...init,
      redirect: 'manual',
      headers: { cookie, origin: new URL(url).origin },
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const html = await response.text();
    if (response.status >= 400) throw new Error(`${path.split('?')[0]} was answered ${response.status}.`);
    const inputs = [...html.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
      /\bname="([^"]*)"/.exec(input)?.[1] ?? '',
      (/\bvalue="([^"]*)"/.exec(input)?.[1] ?? '').replaceAll('&#43;', '+').replaceAll('&amp;', '&'),
    ]);
    return {
      location: response.headers.get('location') ?? undefined,
      hidden: Object.fromEntries(inputs),
    };
  };
  return {
    open: (path: string) => ask(path),
    submit: (path: string, fields: Record<string, string>) =>
      ask(path, { method: 'POST', body: new URLSearchParams(fields) }),
  };
}

interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const failed = (error: string, error_description: string): Answer => ({
  // Gitea answers 400 to all of them: handleAccessTokenError in routers/web/auth/oauth2_provider.go.
  status: 400,
  json: { error, error_description },
});

interface Application {
  readonly id: number;
  readonly name: string;
  readonly redirect_uris: readonly string[];
  readonly confidential_client: boolean;
  readonly client_id: string;
  client_secret: string;
}

/**
 * A stand-in for Gitea's OAuth, made from its source (routers/web/auth/oauth2_provider.go, read on 2026-11-26). It is
 * stricter: each refresh token works once, as with INVALIDATE_REFRESH_TOKENS, which Gitea leaves off by default. Where
 * Gitea accepts a thing in several ways, the stand-in accepts only the documented way.
 */
export async function startGiteaStandIn(): Promise<{
  /** Its URL, with the username and the password of its administrator. */
  readonly place: string;
  readonly url: string;
  /** For each request to the token endpoint: the error that was answered, or nothing. */
  readonly asked: { readonly grant: string; readonly error: string | undefined }[];
  /** Gives the application an id and a secret with characters that OAuth must encode. */
  rename(clientId: string, to: Pick<Application, 'client_id' | 'client_secret'>): void;
  stop(): Promise<void>;
}> {
  const users = new Map([['root', 'root-password']]);
  const sessions = new Map<string, string>();
  const ownersTokens = new Set<string>();
  const applications = new Map<string, Application>();
  const codes = new Map<string, string>();
  const grants = new Map<string, { readonly clientId: string; counter: number }>();
  const refreshTokens = new Map<string, { readonly grant: string; readonly counter: number }>();
  const accessTokens = new Map<string, string>();
  const asked: { readonly grant: string; readonly error: string | undefined }[] = [];

  /** As Go's Request.BasicAuth: up to the first colon, and nothing is decoded. */
  const basicIn = (authorization = ''): readonly [string, string] | undefined => {
    const [, encoded] = /^Basic (.+)$/.exec(authorization) ?? [];
    if (encoded === undefined) return undefined;
    const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
    return [id, rest.join(':')];
  };
  const withoutSecret = ({ client_secret: _secret, ...rest }: Application) => ({
    ...rest,
    client_secret: '',
  });

  const issueTokens = (grantId: string): Answer => {
    const grant = grants.get(grantId);
    if (grant === undefined) return failed('invalid_grant', 'grant does not exist');
    grant.counter += 1;
    const [access_token, refresh_token] = [`a.${randomUUID()}.x`, `r.${randomUUID()}.x`];
    accessTokens.set(access_token, grantId);
    refreshTokens.set(refresh_token, { grant: grantId, counter: grant.counter });
    return { status: 200, json: { access_token, token_type: 'bearer', expires_in: 3600, refresh_token } };
  };

  const requestToken = (authorization: string | undefined, form: URLSearchParams): Answer => {
    let [id, secret] = [form.get('client_id') ?? '', form.get('client_secret') ?? ''];
    if ((id === '' || secret === '') && authorization !== undefined) {
      const basic = basicIn(authorization);
      if (basic === undefined) return failed('invalid_request', 'cannot parse basic auth header');
      if ((id !== '' && id !== basic[0]) || (secret !== '' && secret !== basic[1]))
        return failed('invalid_request', 'client_id in request body inconsistent with Authorization header');
      [id, secret] = basic;
    }
    const grantType = form.get('grant_type');
    if (grantType !== 'refresh_token' && grantType !== 'authorization_code')
      return failed(
        'unsupported_grant_type',
        'Only refresh_token or authorization_code grant type is supported',
      );
    const application = applications.get(id);
    if (application === undefined) return failed('invalid_client', 'cannot load client with client id');
    if (application.client_secret !== secret) {
      const code = grantType === 'refresh_token' ? 'invalid_client' : 'unauthorized_client';
      return failed(code, 'invalid client secret');
    }
    if (grantType === 'authorization_code') {
      const code = form.get('code') ?? '';
      const grant = codes.get(code);
      if (grant === undefined) return failed('unauthorized_client', 'client is not authorized');
      if (form.get('redirect_uri') !== redirectUri)
        return failed('unauthorized_client', 'unexpected redirect URI');
      codes.delete(code);
      return issueTokens(grant);
    }
    const shown = refreshTokens.get(form.get('refresh_token') ?? '');
    if (shown === undefined) return failed('unauthorized_client', 'unable to parse refresh token');
    const grant = grants.get(shown.grant);
    if (grant === undefined) return failed('invalid_grant', 'grant does not exist');
    if (grant.clientId !== id) return failed('invalid_grant', 'refresh token belongs to a different client');
    if (grant.counter !== shown.counter) return failed('unauthorized_client', 'token was already used');
    return issueTokens(shown.grant);
  };

  const introspect = (authorization: string | undefined, form: URLSearchParams): Answer => {
    const [id, secret] = basicIn(authorization) ?? [];
    if (id === undefined || applications.get(id)?.client_secret !== secret)
      return {
        status: 401,
        text: 'no valid authorization',
        headers: { 'www-authenticate': 'Basic realm="Gitea OAuth2"' },
      };
    const grant = accessTokens.get(form.get('token') ?? '');
    return {
      status: 200,
      json: grant === undefined ? { active: false } : { active: true, username: 'robot' },
    };
  };

  const api = (method: string, path: string, authorization: string, body: string): Answer | undefined => {
    const basic = basicIn(authorization);
    const isUser = basic !== undefined && users.get(basic[0]) === basic[1];
    const isOwner = isUser || ownersTokens.has(/^token (.+)$/.exec(authorization)?.[1] ?? '');
    if (!isOwner) return { status: 401, json: { message: 'invalid username, password or token' } };
    const fields: Record<string, unknown> = body === '' ? {} : Object(JSON.parse(body));
    if (method === 'POST' && path === '/api/v1/admin/users') {
      if (basic?.[0] !== 'root') return { status: 403, json: { message: 'user should be the site admin' } };
      users.set(String(fields.username), String(fields.password));
      return { status: 201, json: { id: users.size } };
    }
    if (method === 'POST' && /^\/api\/v1\/users\/[^/]+\/tokens$/.test(path)) {
      if (!isUser) return { status: 403, json: { message: 'Must provide a password' } };
      const sha1 = randomBytes(20).toString('hex');
      ownersTokens.add(sha1);
      return { status: 201, json: { id: ownersTokens.size, sha1 } };
    }
    const [, id] = /^\/api\/v1\/user\/applications\/oauth2(?:\/(\d+))?$/.exec(path) ?? [];
    const named = [...applications.values()].find((one) => String(one.id) === id);
    if (method === 'GET' && named !== undefined) return { status: 200, json: withoutSecret(named) };
    const { name, redirect_uris, confidential_client } = fields;
    const isWhole = typeof name === 'string' && Array.isArray(redirect_uris) && redirect_uris.length > 0;
    if (method !== 'GET' && (!isWhole || typeof confidential_client !== 'boolean'))
      return { status: 422, json: { message: '[Name]: Required' } };
    const application: Application = {
      id: named?.id ?? applications.size + 1,
      name: String(name),
      redirect_uris: [redirect_uris].flat().map(String),
      confidential_client: confidential_client === true,
      client_id: named?.client_id ?? randomUUID(),
      client_secret: `gto_${randomBytes(26).toString('hex')}`,
    };
    if (method === 'PATCH' ? named === undefined : method !== 'POST')
      return { status: 404, json: { message: "The target couldn't be found." } };
    applications.set(application.client_id, application);
    return { status: method === 'POST' ? 201 : 200, json: application };
  };

  const page = (fields: Record<string, string>): Answer => {
    const inputs = Object.entries(fields).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
    );
    return { status: 200, text: `<form method="post">${inputs.join('')}</form>` };
  };
  const web = (method: string, url: URL, cookie: string, form: URLSearchParams): Answer | undefined => {
    const user = sessions.get(/i_like_gitea=([^;]+)/.exec(cookie)?.[1] ?? '');
    switch (`${method} ${url.pathname}`) {
      case 'GET /user/login':
        return page({ _csrf: 'a-token' });
      case 'POST /user/login': {
        if (form.get('_csrf') !== 'a-token') return { status: 400, text: 'Invalid CSRF token.' };
        if (users.get(form.get('user_name') ?? '') !== form.get('password'))
          return page({ _csrf: 'a-token' });
        const session = randomUUID();
        sessions.set(session, form.get('user_name') ?? '');
        return { status: 303, headers: { location: '/', 'set-cookie': `i_like_gitea=${session}; Path=/` } };
      }
      case 'GET /login/oauth/authorize':
        if (user === undefined) return { status: 303, headers: { location: '/user/login' } };
        return page(Object.fromEntries(url.searchParams));
      case 'POST /login/oauth/grant': {
        const [clientId = '', to] = [form.get('client_id') ?? undefined, form.get('redirect_uri')];
        if (user === undefined || to !== redirectUri || form.get('granted') !== 'true')
          return { status: 400, text: 'Bad request.' };
        const [grant, code] = [randomUUID(), `gta_${randomUUID()}`];
        grants.set(grant, { clientId, counter: 1 });
        codes.set(code, grant);
        return { status: 303, headers: { location: `${to}?code=${code}&state=${form.get('state')}` } };
      }
    }
    return undefined;
  };

  const server = await startScriptedServer(async (request, response) => {
    const [method, url] = [request.method ?? '', new URL(request.url ?? '/', server.url)];
    const { authorization, cookie = '' } = request.headers;
    const body = await text(request);
    const form = new URLSearchParams(body);
    const answerOf = (): Answer | undefined => {
      if (url.pathname === '/.well-known/openid-configuration')
        return {
          status: 200,
          json: {
            // As Gitea answers: a URL that ends with a slash, and no list of ways to authenticate.
            issuer: `${server.url}/`,
            token_endpoint: `${server.url}/login/oauth/access_token`,
            introspection_endpoint: `${server.url}/login/oauth/introspect`,
            grant_types_supported: ['authorization_code', 'refresh_token'],
          },
        };
      if (`${method} ${url.pathname}` === 'POST /login/oauth/access_token') {
        const answer = requestToken(authorization, form);
        const error: unknown = Reflect.get(Object(answer.json), 'error');
        const grant = form.get('refresh_token') ?? '';
        asked.push({ grant, error: typeof error === 'string' ? error : undefined });
        return answer;
      }
      if (`${method} ${url.pathname}` === 'POST /login/oauth/introspect')
        return introspect(authorization, form);
      if (url.pathname.startsWith('/api/v1/')) return api(method, url.pathname, authorization ?? '', body);
      return web(method, url, cookie, form);
    };
    const { status, json, text: plain, headers = {} } = answerOf() ?? { status: 404 };
    const type = json === undefined ? 'text/plain' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(json === undefined ? plain : JSON.stringify(json));
  });
  return {
    url: server.url,
    place: server.url.replace('//', '//root:root-password@'),
    asked,
    rename: (clientId, to) => {
      const application = applications.get(clientId);
      if (application === undefined) throw new Error('There is no such application.');
      applications.delete(clientId);
      applications.set(to.client_id, { ...application, ...to });
      for (const [id, grant] of grants)
        if (grant.clientId === clientId) grants.set(id, { ...grant, clientId: to.client_id });
    },
    stop: server.stop,
  };
}
