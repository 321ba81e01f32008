import { describe, expect, it, onTestFinished } from 'vitest';
import { classify } from '../../../rotators/http/failure.ts';
import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

/**
 * What brokers answer to `GET /api/whoami`. 3.10.8 and 4.0.5: as they answered on 2026-11-26. The others, except for the
 * older releases: by the source of rabbit_web_dispatch_access_control.erl, read on that day
 * (https://github.com/rabbitmq/rabbitmq-server/tree/main/deps/rabbitmq_web_dispatch/src).
 */
const answers: readonly [string, number, object | string, string][] = [
  ['3.10.8, right password', 200, { name: 'robot', tags: ['management'] }, 'accepted'],
  ['a server that answers 200 to everything', 200, {}, 'TargetFailed'],
  ['another user', 200, { name: 'guest', tags: [] }, 'TargetFailed'],
  ['a page of a proxy', 200, '<html>Log in</html>', 'TargetFailed'],
  ['3.10.8, wrong password', 401, { error: 'not_authorized', reason: 'Login failed' }, 'refused'],
  ['4.0.5, wrong password', 401, { error: 'not_authorized', reason: 'Not_Authorized' }, 'refused'],
  ['another wording', 401, { error: 'not_authorized', reason: 'Try again' }, 'refused'],
  ['older releases, wrong password', 401, { error: 'not_authorised', reason: 'Login failed' }, 'refused'],
  ['no tag', 401, { error: 'not_authorised', reason: 'Not management user' }, 'accepted'],
  ['no tag, by 403', 403, { error: 'not_authorised', reason: 'Not management user' }, 'accepted'],
  [
    'from elsewhere',
    401,
    { error: 'not_authorised', reason: 'User can only log in via localhost' },
    'PermissionDenied',
  ],
  [
    'basic authentication is off',
    401,
    { error: 'not_authorised', reason: 'HTTP access denied: basic auth disabled' },
    'PermissionDenied',
  ],
  ['a proxy that refuses', 401, {}, 'PermissionDenied'],
  ['a proxy that has only a page', 401, '<html>Unauthorized</html>', 'TargetFailed'],
  ['a node that is down', 500, { error: 'Internal Server Error', reason: 'nodedown' }, 'TargetFailed'],
  ['a proxy without a node', 502, '<html>Bad gateway</html>', 'TargetUnreachable'],
  ['a node that starts', 503, { error: 'not_ready' }, 'TargetBusy'],
  [
    'a host that is no management API',
    404,
    { error: 'Object Not Found', reason: 'Not Found' },
    'TargetFailed',
  ],
  ['a request that a proxy refuses', 400, { error: 'bad_request' }, 'TargetFailed'],
];

describe('a proxy that answers for the broker', () => {
  it('with a page, in place of a change', async () => {
    const server = await startScriptedServer(({ method }, response) => {
      if (method === 'GET') return response.end('{"name": "robot", "tags": []}');
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Log in</p>');
    });
    onTestFinished(server.stop);
    const rotator = rabbitMq();
    const admin = rotator.parse({ host: server.url, username: 'robot', password: 'the-password' });
    const context = { signal: new AbortController().signal, note: () => undefined };
    const session = await rotator.open(admin, context);
    if (session === undefined) throw new Error('The login was refused.');
    await expect(
      rotator.change(session, admin, { ...context, using: admin, current: admin }),
    ).rejects.toThrow('PUT users was answered with a web page');
  });
});

describe('a broker that answers', () => {
  it.each(answers)('%s', async (_what, status, json, outcome) => {
    const server = await startScriptedServer((_request, response) =>
      response.writeHead(status).end(typeof json === 'string' ? json : JSON.stringify(json)),
    );
    onTestFinished(server.stop);
    const rotator = rabbitMq();
    const credential = rotator.parse({ host: server.url, username: 'robot', password: 'the-password' });
    const context = { signal: new AbortController().signal, note: () => undefined };
    const opened = await rotator.open(credential, context).then(
      (session) => (session === undefined ? 'refused' : 'accepted'),
      (error) => classify(error),
    );
    expect(opened).toBe(outcome);
  });
});
