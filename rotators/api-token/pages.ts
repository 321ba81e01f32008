import type { RotatorContext } from '../../src/rotator/index.ts';
import { ApiFailure } from '../http/failure.ts';
import { readJson, requireTextAt, textAt, valueAt } from '../http/json.ts';
import type { HttpAnswer } from '../http/send.ts';
import { type Perform, requireAccepted, type Scope } from './calls.ts';
import type { ListCall, NextPage } from './description.ts';

/** A token as a list shows it. */
export interface ListedToken {
  readonly id: string;
  readonly label: string;
}

/** A server with more pages is probably repeating them. */
const mostPages = 100;

/**
 * The tokens of an account, from all pages.
 *
 * @throws ApiFailure, PermissionDenied if the caller is refused
 */
export async function listTokens(
  perform: Perform,
  call: ListCall,
  scope: Scope,
  context: Pick<RotatorContext, 'signal'>,
): Promise<ListedToken[]> {
  const { next } = call;
  const tokens: ListedToken[] = [];
  let more = next?.by === 'page' ? { [next.parameter]: String(next.first ?? 1) } : {};
  for (let page = 0; page < mostPages; page += 1) {
    const answer = requireAccepted('list', await perform('list', call, scope, context, more));
    const json = readJson('list', answer);
    const items = valueAt(json, call.items);
    if (!Array.isArray(items))
      throw new ApiFailure('TargetFailed', `The answer to list has no list at "${call.items}"`);
    for (const item of items) {
      tokens.push({
        id: requireTextAt('list', item, call.id),
        label: call.label === undefined ? '' : (textAt(item, call.label) ?? ''),
      });
    }
    const following = next && parametersOfNext(next, { json, answer, page, isEmpty: items.length === 0 });
    if (following === undefined) return tokens;
    more = following;
  }
  throw new ApiFailure('TargetFailed', `list has more than ${mostPages} pages`);
}

interface ReadPage {
  readonly json: unknown;
  readonly answer: HttpAnswer;
  /** 0 for the first page. */
  readonly page: number;
  readonly isEmpty: boolean;
}

/**
 * The parameters of the next page; undefined after the last page. If the answer names a URL, only its query is used. The request
 * goes to the call's own path, so that the credential is sent nowhere else.
 */
function parametersOfNext(
  next: NextPage,
  { json, answer, page, isEmpty }: ReadPage,
): Record<string, string> | undefined {
  switch (next.by) {
    case 'page':
      return isEmpty ? undefined : { [next.parameter]: String((next.first ?? 1) + page + 1) };
    case 'cursor': {
      const cursor = textAt(json, next.at);
      return cursor === undefined ? undefined : { [next.parameter]: cursor };
    }
    case 'url':
      return queryOf(textAt(json, next.at));
    case 'link':
      return queryOf(nextLink(answer.headers.get('link') ?? ''));
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc8288#section-3 */
function nextLink(header: string): string | undefined {
  const links = header.matchAll(/<([^>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s;,"]*))*)/g);
  return [...links].find(([, , parameters = '']) =>
    /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![\w-]))/i.test(parameters),
  )?.[1];
}

function queryOf(url: string | undefined): Record<string, string> | undefined {
  if (url === undefined) return undefined;
  if (!URL.canParse(url, 'https://base'))
    throw new ApiFailure('TargetFailed', 'The next page of list is no URL');
  return Object.fromEntries(new URL(url, 'https://base').searchParams);
}
