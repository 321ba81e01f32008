import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { accountApi } from '../../support/token-service/accounts.ts';
import { startTokenService } from '../../support/token-service/server.ts';
import { type TokenWorld, withTokenWorld } from './world.ts';

const api = () => accountApi('token');

/** Wrong answers of a service. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const canary = 'canary-of-an-answer';
const bad: Readonly<Record<string, Answer>> = {
  'a page of HTML': (response) => response.end(`<html>${canary}</html>`),
  'the status 500': (response) => response.writeHead(500).end(canary),
  'half a body': (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write(`{"token": "${canary}`);
    setImmediate(() => response.destroy());
  },
  'half a JSON': (response) => response.end(`{"token": "${canary}`),
  nothing: (response) => response.end(),
  'a JSON that is no object': (response) => response.end(`"${canary}"`),
  'an object of something else': (response) => response.end(JSON.stringify({ other: canary })),
  'an empty token': (response) => response.end(JSON.stringify({ token: '', id: canary, name: '' })),
  'a token that is no text': (response) =>
    response.end(JSON.stringify({ token: [canary], id: 1, name: [canary] })),
  'more than anybody can want': (response) => {
    response.on('error', () => undefined).end(canary.repeat(100_000));
  },
  'a redirect to another host': (response) =>
    response.writeHead(307, { location: `https://other.example/${canary}` }).end(),
  'a redirect to nowhere': (response) => response.writeHead(302).end(),
  'a redirect in circles': (response, { url }) => response.writeHead(307, { location: `${url}` }).end(),
};

const typed = /^(TargetFailed|TargetUnreachable): /;

/** Makes the service give an answer to requests of a kind, a number of times. */
function answerWith(
  { service }: TokenWorld,
  is: (request: IncomingMessage) => boolean,
  answer: Answer,
  times = 1,
): void {
  let left = times;
  service.interfere = (request, response) => {
    if (left === 0 || !is(request)) return false;
    left -= 1;
    answer(response, request);
    return true;
  };
}

async function expectNothingShown({ fixture: { recorded } }: TokenWorld): Promise<void> {
  const shown = JSON.stringify([recorded.reports, recorded.notes]);
  expect(shown).toContain('createSecret');
  expect(shown).not.toContain(canary);
}

describe('an unusable answer', () => {
  it.each(Object.entries(bad))('to mint, %s, is a typed error, and the next try rotates', (_, answer) =>
    withTokenWorld(api, async (world) => {
      const { fixture, arn, alive } = world;
      answerWith(world, ({ method }) => method === 'POST', answer);
      expect(await fixture.rotate(arn)).toMatch(typed);
      expect(alive()).toHaveLength(1);
      await expectNothingShown(world);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toHaveLength(2);
    }),
  );

  it.each(Object.entries(bad))('to verify, %s, is no refusal, and the next try rotates', (_, answer) =>
    withTokenWorld(api, async (world) => {
      const { fixture, arn, alive } = world;
      answerWith(world, ({ url }) => url === '/me', answer, Number.POSITIVE_INFINITY);
      expect(await fixture.rotate(arn)).toMatch(typed);
      expect(fixture.recorded.reports.every(({ refusedLogins }) => refusedLogins === 0)).toBe(true);
      await expectNothingShown(world);
      world.service.interfere = () => false;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toHaveLength(2);
    }),
  );

  it.each(Object.entries(bad))('to list, %s, is a typed error, and the next try rotates', (_, answer) =>
    withTokenWorld(api, async (world) => {
      const { fixture, arn, alive } = world;
      const isList = ({ method, url }: IncomingMessage) => method === 'GET' && url !== '/me';
      answerWith(world, isList, answer, Number.POSITIVE_INFINITY);
      expect(await fixture.rotate(arn)).toMatch(typed);
      await expectNothingShown(world);
      world.service.interfere = () => false;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toHaveLength(2);
    }),
  );

  it('is a list without an end', () =>
    withTokenWorld(api, async (world) => {
      const page = JSON.stringify({ tokens: [{ id: '1', label: 'x' }] });
      const isList = ({ method, url }: IncomingMessage) => method === 'GET' && url !== '/me';
      answerWith(world, isList, (response) => response.end(page), Number.POSITIVE_INFINITY);
      expect(await world.fixture.rotate(world.arn)).toMatch(/^TargetFailed: .*more than 100 pages/);
    }));
});

describe('a service that is slow or busy', () => {
  it('is asked again when it says so, and the rotation does not notice', () =>
    withTokenWorld(api, async (world) => {
      const { fixture, arn } = world;
      const asked: string[] = [];
      const seen = new Set<string>();
      world.service.interfere = ({ method, url }, response) => {
        const request = `${method} ${url?.replace(/[^/]*$/, '')}`;
        asked.push(request);
        if (seen.has(request)) return false;
        seen.add(request);
        const retryAfter = asked.length % 2 === 0 ? '0' : new Date().toUTCString();
        response.writeHead(429, { 'retry-after': retryAfter }).end();
        return true;
      };
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(asked.length).toBeGreaterThan(seen.size);
      expect([...seen].join()).toMatch(/POST .*GET .*DELETE /);
    }));

  it.each([{}, { 'retry-after': '3600' }, { 'retry-after': 'soon' }])(
    'is busy when it says nothing of use: %o',
    (headers) =>
      withTokenWorld(api, async (world) => {
        answerWith(
          world,
          ({ method }) => method === 'POST',
          (response) => response.writeHead(429, headers).end(),
        );
        expect(await world.fixture.rotate(world.arn)).toMatch(/^TargetBusy: .* mint was answered 429/);
        expect(await world.fixture.rotate(world.arn)).toBeUndefined();
      }),
  );

  it('is busy when it says so again', () =>
    withTokenWorld(api, async (world) => {
      const throttle: Answer = (response) => response.writeHead(503, { 'retry-after': '0' }).end();
      answerWith(world, ({ method }) => method === 'POST', throttle, 2);
      expect(await world.fixture.rotate(world.arn)).toMatch(/^TargetBusy/);
    }));

  it('is given up after its time', () => {
    const impatient = () => ({ ...api(), mint: { ...api().mint, timeoutSeconds: 1 } });
    return withTokenWorld(impatient, async (world) => {
      answerWith(
        world,
        ({ method }) => method === 'POST',
        () => undefined,
      );
      expect(await world.fixture.rotate(world.arn)).toMatch(
        /^TargetUnreachable: .* mint got no whole answer in 1 s/,
      );
      expect(await world.fixture.rotate(world.arn)).toBeUndefined();
    });
  });
});

describe('a redirect', () => {
  it('is followed by a read, to the same origin', () =>
    withTokenWorld(api, async (world) => {
      const isVerify = ({ url }: IncomingMessage) => url === '/me';
      answerWith(world, isVerify, (response) => response.writeHead(308, { location: '/me?again' }).end(), 2);
      expect(await world.fixture.rotate(world.arn)).toBeUndefined();
    }));

  it('takes no credential to another host', async () => {
    const other = await startTokenService(() => ({}));
    const heard: (string | undefined)[] = [];
    other.interfere = ({ headers }) => {
      heard.push(headers.authorization);
      return false;
    };
    try {
      await withTokenWorld(api, async (world) => {
        const away: Answer = (response) => response.writeHead(302, { location: `${other.url}/me` }).end();
        answerWith(world, ({ url }) => url === '/me', away, Number.POSITIVE_INFINITY);
        expect(await world.fixture.rotate(world.arn)).toMatch(
          /^TargetFailed: .* redirected \(302\) to another host/,
        );
      });
      expect(heard).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});
