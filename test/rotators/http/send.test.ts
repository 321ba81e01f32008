import type { RequestListener, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { apiToken } from '../../../rotators/api-token/index.ts';
import { oauthClientCredentials } from '../../../rotators/oauth/index.ts';
import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import { AdapterError } from '../../../src/errors.ts';
import type { Rotator, SecretFields } from '../../../src/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { closedPort } from '../../support/closed-port.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { accountApi } from '../../support/token-service/accounts.ts';

/** A rotator of each kind that calls HTTP APIs, and a secret for it. */
const kinds: readonly [string, Rotator, (url: string) => SecretFields][] = [
  ['api-token', apiToken(accountApi('token')), (host) => ({ host, username: 'robot', token: 'the-token' })],
  [
    'oauth',
    oauthClientCredentials(),
    (url) => ({
      token_endpoint: `${url}/token`,
      introspection_endpoint: `${url}/introspection`,
      client_id: 'app',
      client_secret: 'the-secret',
      access_token: 'the-token',
    }),
  ],
  ['rabbitmq', rabbitMq(), (host) => ({ host, username: 'robot', password: 'the-password' })],
];

const tls = await makeCertificate();

async function serve(answer: RequestListener, secure?: typeof tls) {
  const server = await startScriptedServer(answer, secure);
  onTestFinished(server.stop);
  return server;
}

/** The outcome of opening a session: the error's code, or accepted or refused. */
async function outcome(rotator: Rotator, fields: SecretFields, signal = new AbortController().signal) {
  try {
    const session = await rotator.open(rotator.parse(fields), { signal, note: () => undefined });
    return session === undefined ? 'refused' : 'accepted';
  } catch (error) {
    expect(String(error)).not.toMatch(/the-(token|secret|password)|canary/);
    return rotator.classify?.(error, 'open') ?? String(error);
  }
}

const answers: readonly [string, (response: ServerResponse) => void, string][] = [
  ['429', (response) => response.writeHead(429).end(), 'TargetBusy'],
  ['503', (response) => response.writeHead(503, { 'retry-after': '3600' }).end(), 'TargetBusy'],
  ['502', (response) => response.writeHead(502).end('{}'), 'TargetUnreachable'],
  ['504', (response) => response.writeHead(504).end('{}'), 'TargetUnreachable'],
  ['500', (response) => response.writeHead(500).end('{"reason": "canary"}'), 'TargetFailed'],
  ['no answer', (response) => void response.socket?.destroy(), 'TargetUnreachable'],
  [
    'half an answer',
    (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"canary":', () => response.socket?.destroy());
    },
    'TargetUnreachable',
  ],
  [
    'more than 1 MiB',
    (response) => response.on('error', () => undefined).end('x'.repeat(1_100_000)),
    'TargetFailed',
  ],
  [
    'a redirect to another host',
    (response) => response.writeHead(307, { location: 'https://canary.example/' }).end(),
    'TargetFailed',
  ],
];

describe.each(kinds)('%s sends as every other rotator of HTTP', (_name, rotator, secretAt) => {
  it.each(answers)('%s', async (_what, respond, code) => {
    const { url, asked } = await serve((_request, response) => respond(response));
    expect(await outcome(rotator, secretAt(url))).toBe(code);
    expect(asked).toHaveLength(1);
  });

  it('a certificate that nobody vouches for', async () => {
    const { url } = await serve((_request, response) => response.end(), tls);
    expect(await outcome(rotator, secretAt(url))).toBe('CertificateRejected');
  });

  it('a server without TLS where https is asked for', async () => {
    const { url } = await serve((_request, response) => response.end());
    expect(await outcome(rotator, secretAt(url.replace('http:', 'https:')))).toBe('CertificateRejected');
  });

  it('nobody who listens', async () => {
    expect(await outcome(rotator, secretAt(`http://127.0.0.1:${await closedPort()}`))).toBe(
      'TargetUnreachable',
    );
  });

  it('says who asks', async () => {
    const agents: unknown[] = [];
    const { url } = await serve((request, response) => {
      agents.push(request.headers['user-agent']);
      response.writeHead(500).end('{}');
    });
    await outcome(rotator, secretAt(url));
    // The library of OAuth names itself.
    expect(agents).toEqual([expect.stringMatching(/^(keyturn$|oauth4webapi)/)]);
  });

  it('a reason, in one line that is cut between words', async () => {
    const words = Array.from({ length: 80 }, (_, index) => `word${index}`);
    const { url } = await serve((_request, response) =>
      response.writeHead(500).end(JSON.stringify({ error_description: words.join('\n') })),
    );
    const context = { signal: new AbortController().signal, note: () => undefined };
    const error = await rotator
      .open(rotator.parse(secretAt(url)), context)
      .catch((thrown: unknown) => thrown);
    const said = error instanceof AdapterError ? (error.said ?? '') : '';
    expect(said.length).toBeGreaterThan(250);
    expect(said.length).toBeLessThanOrEqual(300);
    expect(`${words.join(' ')} `.startsWith(`${said} `)).toBe(true);
  });

  it('is asked again where the answer says when', async () => {
    const server = await serve((_request, response) => {
      if (server.asked.length > 1) return response.writeHead(500).end('{}');
      return response.writeHead(503, { 'retry-after': '0' }).end();
    });
    expect(await outcome(rotator, secretAt(server.url))).toBe('TargetFailed');
    expect(server.asked).toHaveLength(2);
  });

  it('stops when the function has to stop', async () => {
    const ending = new AbortController();
    const { url } = await serve(() => ending.abort(new Error('The time is up.')));
    expect(await outcome(rotator, secretAt(url), ending.signal)).toBe('Error: The time is up.');
  });
});
