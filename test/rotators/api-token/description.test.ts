import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type ApiDescription, apiToken, apiTokens } from '../../../rotators/api-token/index.ts';
import { presets } from '../../../rotators/api-token/presets/index.ts';
import { apiSchemaText } from '../../../scripts/api-token-schema.ts';
import { isKeyturnError } from '../../../src/index.ts';
import { accountApi } from '../../support/token-service/accounts.ts';

const api = accountApi('token');
const byAdmin = accountApi('admin');
const grant = { scheme: 'client-credentials', clientId: '{secret.username}', clientSecret: '{token}' };

function errorOf(description: unknown): { readonly field: string | undefined; readonly message: string } {
  try {
    apiTokens({ descriptions: { text: JSON.stringify([description]), source: 'THE_FILE' } });
  } catch (error) {
    if (isKeyturnError(error, 'InvalidConfiguration')) return error;
    throw error;
  }
  throw new Error('Nothing is said to be wrong.');
}

describe('a description', () => {
  it('is valid if it is a preset', () => {
    for (const description of [...presets, api, byAdmin]) {
      expect(apiToken(description).name).toBe(`api-token/${description.name}`);
    }
  });

  it('has a JSON Schema that is the one in the folder', async () => {
    const file = new URL('../../../rotators/api-token/schema.json', import.meta.url);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(apiSchemaText()));
  });

  it.each<[string, string, unknown]>([
    ['a name with a space', 'name', { ...api, name: 'my api' }],
    ['a name that is no text', 'name', { ...api, name: 7 }],
    ['a member that nobody knows', 'mint.tokn', { ...api, mint: { ...api.mint, tokn: '/token' } }],
    ['a call that is missing', 'verify', { ...api, verify: undefined }],
    ['a method that HTTP does not have', 'list.method', { ...api, list: { ...api.list, method: 'LIST' } }],
    ['a path without a slash', 'mint.path', { ...api, mint: { ...api.mint, path: 'tokens' } }],
    [
      'a path that is another host',
      'mint.path',
      { ...api, mint: { ...api.mint, path: '//elsewhere/tokens' } },
    ],
    ['a path with a query', 'mint.path', { ...api, mint: { ...api.mint, path: '/tokens?all' } }],
    ['a pointer without a slash', 'mint.token', { ...api, mint: { ...api.mint, token: 'token' } }],
    [
      'an unknown way to authenticate',
      'verify.auth.scheme',
      { ...api, verify: { ...api.verify, auth: { scheme: 'digest' } } },
    ],
    ...['https://{secret.host}/token', 'https://login.example', 'https://login.example/token?a=b'].map(
      (tokenUrl): [string, string, unknown] => [
        `a token URL like ${tokenUrl}`,
        'verify.auth.tokenUrl',
        { ...api, verify: { ...api.verify, auth: { ...grant, tokenUrl } } },
      ],
    ),
    [
      'a token URL of plain http',
      'verify.auth.tokenUrl',
      { ...api, verify: { ...api.verify, auth: { ...grant, tokenUrl: 'http://login.example/token' } } },
    ],
    ['a status that is none', 'revoke.accepted.0', { ...api, revoke: { ...api.revoke, accepted: [20] } }],
    ['hours that are none', 'revocation.afterHours', { ...api, revocation: { afterHours: 0 } }],
    ['a life of more than a hundred years', 'lifetimeDays', { ...api, lifetimeDays: 36_501 }],
    [
      'a call that uses what only a later call keeps',
      'mint.before.0',
      {
        ...api,
        mint: {
          ...api.mint,
          before: [
            { method: 'GET', path: '/{kept.session}', auth: api.mint.auth },
            { method: 'POST', path: '/login', auth: api.mint.auth, keep: { session: '/session' } },
          ],
        },
      },
    ],
    ['plain http', 'baseUrl', { ...api, baseUrl: 'http://api.example.com' }],
    ['a credential in a URL', 'baseUrl', { ...api, baseUrl: 'https://me:pass@api.example.com' }],
    ['two bodies', 'mint.form', { ...api, mint: { ...api.mint, form: { a: 'b' } } }],
    ['a place that is not known', 'mint', { ...api, mint: { ...api.mint, path: '/{user}' } }],
    ['a place of another call', 'verify', { ...api, verify: { ...api.verify, path: '/{revoked.id}' } }],
    ['an admin who verifies', 'verify', { ...api, verify: { ...api.verify, path: '/{admin.id}' } }],
    [
      'an expiry without a lifetime',
      'lifetimeDays',
      { ...api, mint: { ...api.mint, json: { label: '{label}', until: '{expiry.date}' } } },
    ],
    ['a list and nothing that revokes', 'list', { ...api, revoke: undefined }],
    ['a label that is nowhere put', 'mint', { ...api, mint: { ...api.mint, json: {} } }],
    [
      'a list, and a revocation by value',
      'revoke',
      { ...api, revoke: { ...api.revoke, path: '/tokens/{revoked.token}' } },
    ],
    [
      'a list, and a revocation that names nothing',
      'revoke',
      { ...api, revoke: { ...api.revoke, path: '/me' } },
    ],
    ['an id that is nowhere found', 'mint.id', { ...api, mint: { ...api.mint, id: undefined } }],
    ['a revocation where minting is one', 'revoke', { ...api, overlap: 'none' }],
    [
      'an admin who mints for whom the secret names',
      'mint',
      { ...byAdmin, verify: { ...byAdmin.verify, account: undefined } },
    ],
    [
      'an admin who revokes in the project that the secret names',
      'revoke',
      { ...byAdmin, revoke: { ...byAdmin.revoke, path: '/projects/{secret.project}/tokens/{revoked.id}' } },
    ],
    [
      'an admin who prepares a revocation at what the secret names',
      'revoke',
      {
        ...byAdmin,
        revoke: {
          ...byAdmin.revoke,
          before: [{ method: 'POST', path: '/users/{secret.name}/deactivate', auth: byAdmin.mint.auth }],
        },
      },
    ],
    [
      'an admin who lists what the secret names',
      'list',
      { ...byAdmin, list: { ...byAdmin.list, path: '/projects/{secret.project}/tokens' } },
    ],
    [
      'a secret that says by itself that all listed tokens are its own',
      'list.dedicated',
      { ...api, list: { ...api.list, dedicated: '{secret.dedicated?}' } },
    ],
  ])('says where it has %s', (_, path, description) => {
    const { field, message } = errorOf(description);
    expect(field).toBe(path);
    expect(message).toMatch(/^THE_FILE\[0\] describes no API: /);
    expect(message).toContain(`${path}: `);
  });

  it('names all that is wrong with it, and quotes nothing', () => {
    const { message } = errorOf({
      ...api,
      baseUrl: 7,
      mint: { ...api.mint, path: 'secret-in-the-wrong-place' },
    });
    expect(message).toContain('baseUrl: must be string; mint.path: ');
    expect(message).not.toContain('secret-in-the-wrong-place');
  });

  it('can be in a list, and replaces the preset of its name', () => {
    const names = (given?: ApiDescription[]) =>
      apiTokens(given && { descriptions: { text: JSON.stringify(given), source: 'THE_FILE' } }).map(
        ({ name }) => name,
      );
    expect(names([api])).toEqual([...names(), 'api-token/service']);
    expect(names([{ ...api, name: 'npm' }]).sort()).toEqual(names().sort());
    for (const text of ['{}', '[', '"x"']) {
      expect(() => apiTokens({ descriptions: { text, source: 'THE_FILE' } })).toThrow(
        /^THE_FILE holds no JSON list/,
      );
    }
  });
});

describe('hosts at which a description does not work', () => {
  const notAt = { 'hub.example.com': 'Hub has no tokens.', '*.Cloud.example': 'Cloud has no tokens.' };
  const { parse } = apiToken({ ...api, notAt });
  const at = (host: string) => () => parse({ host, username: 'robot', token: 'x', tokenId: '1' });

  it.each(['hub.example.com', 'HUB.example.com', 'hub.example.com.', 'https://hub.example.com:8443/api'])(
    'are refused with the reason: %s',
    (host) => expect(at(host)).toThrow(/"host" must not be hub\.example\.com: Hub has no tokens/),
  );

  it.each(['a.cloud.example', 'https://a.b.CLOUD.example'])('are refused below a name: %s', (host) =>
    expect(at(host)).toThrow(/Cloud has no tokens/),
  );

  it.each(['example.com', 'myhub.example.com', 'cloud.example', 'mycloud.example'])(
    'are no others: %s',
    (host) => expect(at(host)).not.toThrow(),
  );
});
