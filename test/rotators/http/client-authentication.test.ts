import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { showBy, waysOfMethods } from '../../../rotators/http/client-authentication.ts';

const methods = ['private_key_jwt', 'client_secret_basic', 'client_secret_post'];
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

/** The two parts of Basic authentication: before and after the first colon. */
function partsOf(authorization = ''): [string, string] {
  const pair = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
  const colon = pair.indexOf(':');
  return [pair.slice(0, colon), pair.slice(colon + 1)];
}

describe('what a client shows', () => {
  it('is read as its id and its secret, in each way that is offered', () => {
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const client = { clientId, clientSecret };
        for (const way of waysOfMethods(methods, client)) {
          const { authorization, form } = showBy(way, client);
          if (way === 'post') {
            expect([authorization, form]).toEqual([
              undefined,
              { client_id: clientId, client_secret: clientSecret },
            ]);
            continue;
          }
          const decode = (part: string) => new URLSearchParams(`x=${part}`).get('x');
          const parts = partsOf(authorization).map((part) => (way === 'basic' ? decode(part) : part));
          expect(parts).toEqual([clientId, clientSecret]);
        }
      }),
    );
  });

  it('is tried without the encoding only if that is different and can be read', () => {
    const ways = (clientId: string) => waysOfMethods(methods, { clientId, clientSecret: 'x' });
    expect(ways('a-uuid_1.2')).toEqual(['basic', 'post']);
    expect(ways('my app')).toEqual(['basic', 'plain-basic', 'post']);
    expect(ways('a:b')).toEqual(['basic', 'post']);
    expect(waysOfMethods(['private_key_jwt'], { clientId: 'x' })).toEqual([]);
  });
});
