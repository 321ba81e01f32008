import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterAll, describe, expect, it } from 'vitest';
import { readerOf } from '../../../rotators/api-token/answer.ts';
import { performVia, valuesOf } from '../../../rotators/api-token/calls.ts';
import { type ApiCredential, parseCredential } from '../../../rotators/api-token/credential.ts';
import { type ApiDescription, apiToken, apiTokens, presets } from '../../../rotators/api-token/index.ts';
import { ApiFailure } from '../../../rotators/http/failure.ts';
import { createTransport } from '../../../rotators/http/transport.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type DocumentedAnswer, documentedAnswers } from '../../support/token-service/documented.ts';
import { account } from '../../support/token-service/vendor.ts';
import { vendors } from '../../support/token-service/vendors.ts';

let answer: (response: ServerResponse, url: string) => void = () => undefined;
const server = await startScriptedServer((request, response) => answer(response, request.url ?? ''));
afterAll(server.stop);

/** The description, with the vendor's token endpoint at this machine. */
function atThisMachine(description: ApiDescription): ApiDescription {
  const { tokenOrigin } = vendors[description.name] ?? {};
  const text = JSON.stringify(description);
  return JSON.parse(tokenOrigin === undefined ? text : text.replaceAll(tokenOrigin, server.url));
}

const own = {
  label: 'a-label',
  'expiry.date': '2031-05-06',
  'expiry.time': '2031-05-06T07:08:09Z',
  'expiry.seconds': 1000,
  'revoked.id': 'an-id',
  'revoked.token': 'a-token',
  // Values that calls before `mint` would have read. A documented answer is of one call only.
  'kept.name': 'reports',
  'kept.redirectUris': ['https://a.example/cb'],
  'kept.isConfidential': true,
};

function credentialsOf(description: ApiDescription): { caller: ApiCredential; admin: ApiCredential } {
  const { secret = {}, admin = {} } = vendors[description.name] ?? { secret: { username: account } };
  const names = { token: description.fields?.token ?? 'token', id: description.fields?.id ?? 'tokenId' };
  const fields = { host: server.url, ...secret, [names.token]: 'a-token', [names.id]: 'an-id' };
  return {
    caller: parseCredential(description, fields),
    admin: parseCredential(description, { host: server.url, token: 'admin-token', ...admin }),
  };
}

/** What a rotator makes of an answer. */
async function meaningOf(preset: ApiDescription, documented: DocumentedAnswer): Promise<string> {
  const description = atThisMachine(preset);
  const isGrant = documented.call === 'token request';
  const described = description[documented.call === 'token request' ? 'verify' : documented.call];
  if (described === undefined) throw new Error(`${preset.name} has no such call.`);
  const { before: _before, ...call } = described;
  const { status, headers, body } = documented;
  answer = (response, url) => {
    const isToken = url.includes('/oauth2/v2.0/') && !isGrant;
    const json = isToken ? { access_token: 'granted' } : body;
    response.writeHead(isToken ? 200 : status, isToken ? {} : headers);
    response.end(json === undefined ? '' : JSON.stringify(isGrant && url.includes('/v1.0/') ? {} : json));
  };
  const perform = performVia(createTransport({}));
  const scope = { ...credentialsOf(description), own };
  expect(valuesOf(scope)('token')).toBe('a-token');
  try {
    const name = isGrant ? 'verify' : documented.call;
    const heard = await perform(name, call, scope, { signal: AbortSignal.timeout(10_000) });
    if (heard.outcome === 'accepted' && documented.call === 'mint') {
      // The documented answer has everything that is stored.
      const { token, id } = description.mint;
      if (token !== '{password}')
        expect(readerOf('mint', heard.answer).text(token)).toEqual(expect.any(String));
      if (id !== undefined) expect(readerOf('mint', heard.answer).text(id)).toEqual(expect.any(String));
    }
    return heard.outcome;
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    if (error.code === 'TargetBusy') return 'throttled';
    // The vendor's own reason is part of the error.
    const texts = JSON.stringify(body ?? '');
    if (/"(?:error_description|message)":"[^"]/.test(texts)) expect(error.said).toEqual(expect.any(String));
    if (error.said !== undefined) expect(texts).toContain(JSON.stringify(error.said).slice(1, -1));
    return error.code === 'TargetFailed' ? 'failed' : error.code;
  }
}

const pageOf = (name: string): Promise<string> =>
  readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

describe('the pages about descriptions', async () => {
  const [presetsPage = '', describePage = '', referencePage = ''] = await Promise.all(
    ['api-token-presets.md', 'api-token-describe.md', 'api-token-reference.md'].map(pageOf),
  );

  it('have a row for each preset, which says what proved it', () => {
    const rows = presetsPage.split('\n').filter((line) => line.startsWith('| `api-token/'));
    const clouds = /^entra-(.*)$/;
    for (const { name } of presets) {
      const shown = clouds.exec(name)?.[1];
      const row = rows.find((line) =>
        line.includes(shown === undefined ? `\`api-token/${name}\`` : `\`-${shown}\``),
      );
      expect(row?.split(' | ').at(-1)).toMatch(/documented answers|a real /);
    }
  });

  it('show the example that is tried at a real Miniflux', async () => {
    const example = new URL('../../../examples/miniflux.json', import.meta.url);
    expect(describePage).toContain((await readFile(example, 'utf8')).trim());
  });

  it('show descriptions that are right, and parts of descriptions that are right', () => {
    const blocks = [...`${describePage}\n${referencePage}`.matchAll(/```json\n(.*?)```/gs)].map(
      ([, block = '']): unknown => JSON.parse(block),
    );
    const lists = blocks.filter((block) => Array.isArray(block));
    expect(lists).toHaveLength(2);
    for (const list of lists) {
      const descriptions = { text: JSON.stringify(list), source: 'the page' };
      expect(apiTokens({ descriptions }).length).toBeGreaterThan(presets.length - 1);
    }
    const [preset] = presets.filter(({ name }) => name === 'jupyterhub');
    const parts = blocks.filter((block) => typeof block === 'object' && block !== null);
    const [outcomes] = parts.filter((part) => 'throttled' in Object(part));
    const [twoCalls] = parts.filter((part) => 'before' in Object(part));
    expect(
      preset && apiToken({ ...preset, verify: { ...preset.verify, ...Object(outcomes) } }),
    ).toBeDefined();
    expect(preset && apiToken({ ...preset, list: undefined, revoke: Object(twoCalls) })).toBeDefined();
  });
});

describe('the documented answers', () => {
  it('are there for each preset', () => {
    expect([...documentedAnswers.keys()].sort()).toEqual(presets.map(({ name }) => name).sort());
    for (const { answers } of documentedAnswers.values()) {
      for (const call of ['mint', 'verify']) {
        const means = answers.filter((one) => one.call === call).map((one) => one.means);
        expect(means).toEqual(expect.arrayContaining(['accepted', 'refused']));
      }
    }
  });

  it('each have a link, and the date when it was read, unless they are from memory', () => {
    for (const { answers } of documentedAnswers.values()) {
      for (const { source, basis, read, readFrom = source } of answers) {
        for (const link of [source, readFrom]) expect(link).toMatch(/^https:\/\//);
        if (basis === 'memory') expect(read).toBeUndefined();
        else expect(read).toMatch(/^\d{4}-\d\d-\d\d$/);
      }
    }
  });

  it('are counted by their basis in docs/api-token-presets.md', async () => {
    const page = await pageOf('api-token-presets.md');
    const bases = ['documentation', 'source code', 'observed', 'assumed', 'memory'] as const;
    for (const { preset, answers } of documentedAnswers.values()) {
      const counts = bases.map((basis) => answers.filter((one) => one.basis === basis).length);
      const row = `| ${preset.replace(/-(china|us-dod|us-government)$/, '')} | ${counts.join(' | ')} |`;
      expect(page.replaceAll('`', '').replaceAll(/ {2,}/g, ' ')).toContain(row);
    }
  });
});

describe.each(presets.map((preset) => [preset.name, preset] as const))('answers to %s', (name, preset) => {
  const { answers = [] } = documentedAnswers.get(name) ?? {};
  it.each(answers.map((one, index) => [`${index}: ${one.call}, ${one.status}, ${one.means}`, one] as const))(
    '%s',
    async (_, one) => {
      expect(await meaningOf(preset, one)).toBe(one.means);
    },
  );
});
