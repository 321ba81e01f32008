import { getDotPath, safeParse } from 'valibot';
import { KeyturnError } from '../../src/rotator/index.ts';
import { baseUrlProblem } from '../http/url.ts';
import type { ApiDescription, Call, Condition, Request } from './description.ts';
import { descriptionSchema } from './schema.ts';
import { placeholdersIn } from './template.ts';

type CallName = 'mint' | 'verify' | 'revoke' | 'list' | 'checkAdmin';
const callNames: readonly CallName[] = ['mint', 'verify', 'revoke', 'list', 'checkAdmin'];

const expiryPlaceholders = ['date', 'time', 'seconds', 'days', 'epoch', 'epochMs'].map(
  (form) => `expiry.${form}`,
);
const labelPlaceholders = ['label', 'requestToken', 'owner'];

/** The placeholders of fields that each call may use. `verify` has no admin, and `checkAdmin` has no secret. */
const fieldPlaceholders: Readonly<Record<CallName, RegExp>> = {
  mint: /^(?:token|(?:secret|admin)\.[^.]+)$/,
  verify: /^(?:token|secret\.[^.]+)$/,
  revoke: /^(?:token|(?:secret|admin)\.[^.]+)$/,
  list: /^(?:token|(?:secret|admin)\.[^.]+)$/,
  checkAdmin: /^admin\.[^.]+$/,
};

/** The other placeholders of each call. */
const ownPlaceholders: Readonly<Record<CallName, readonly string[]>> = {
  mint: [...labelPlaceholders, ...expiryPlaceholders, 'password'],
  verify: [],
  revoke: ['revoked.id', 'revoked.token'],
  list: [],
  checkAdmin: [],
};

/** One thing that is wrong with a description, and its path. */
interface Problem {
  readonly path: string;
  readonly problem: string;
}

/**
 * Checks a description, its structure and the rules between its parts.
 *
 * @param source what errors call the description, such as the name of a file and a number
 * @throws InvalidConfiguration, with the path of everything that is wrong
 */
export function readDescription(input: unknown, source: string): ApiDescription {
  const { success, output, issues } = safeParse(descriptionSchema, input);
  if (!success)
    throw invalid(
      source,
      issues.map((issue) => ({ path: getDotPath(issue) ?? '', problem: problemOf(issue) })),
    );
  const problems = [...contradictions(output)];
  if (problems.length > 0) throw invalid(source, problems);
  return output;
}

/** Avoids valibot's own messages: they quote the input, which may hold a secret value by mistake. */
function problemOf({
  type,
  expected,
  message,
}: {
  readonly type: string;
  readonly expected: string | null;
  readonly message: string;
}): string {
  if (type === 'regex') return message;
  if (type === 'strict_object' && expected === 'never') return 'is not known';
  return expected === null ? `is not right (${type})` : `must be ${expected}`;
}

function invalid(source: string, problems: readonly Problem[]): KeyturnError {
  const [first] = problems;
  const said = problems.map(({ path, problem }) => `${path || 'all of it'}: ${problem}`.replace(/\.$/, ''));
  return new KeyturnError(
    'InvalidConfiguration',
    `${source} describes no API: ${said.join('; ')}.`,
    'Correct it. docs/api-token-reference.md has all that a description can say.',
    { field: first?.path ?? source },
  );
}

function* contradictions(description: ApiDescription): Generator<Problem> {
  for (const name of callNames) {
    const call = description[name];
    if (call !== undefined) yield* contradictionsInCall(name, call, description);
  }
  const { baseUrl, mint, revoke, list, overlap, lifetimeDays } = description;
  const wrongUrl = baseUrl === undefined ? undefined : baseUrlProblem(baseUrl);
  if (wrongUrl !== undefined) yield { path: 'baseUrl', problem: wrongUrl };
  if (list !== undefined && revoke === undefined) {
    yield { path: 'list', problem: 'needs revoke: what is found is revoked' };
  }
  if (overlap === 'none' && revoke !== undefined) {
    yield { path: 'revoke', problem: 'must be left out with overlap none: mint has ended the old token' };
  }
  if (revoke !== undefined) yield* contradictionsOfRevoke(description, revoke);
  if (list?.label !== undefined && !placeholdersIn(mint).some((one) => labelPlaceholders.includes(one))) {
    yield { path: 'mint', problem: 'must put {label} where list finds it' };
  }
  if (mint.token === '{password}' && !placeholdersIn(bodyOf(mint)).includes('password')) {
    yield { path: 'mint', problem: 'must send {password}, since that is the token' };
  }
  if (placeholdersIn(mint).includes('password') && overlap === 'none') {
    yield { path: 'overlap', problem: 'must not be none with {password}: a lost answer would lose it' };
  }
  if (lifetimeDays !== undefined && typeof lifetimeDays !== 'number') {
    const isPlace = /^\{(?:admin|secret)\.\w+(?:\|\d+)?\}$/.test(lifetimeDays);
    if (!isPlace)
      yield { path: 'lifetimeDays', problem: 'must be a number, or a placeholder such as {admin.days|90}' };
  }
  yield* contradictionsOfStore(description);
  yield* contradictionsOfAdmin(description);
}

function* contradictionsInCall(
  name: CallName,
  call: Call,
  { lifetimeDays }: ApiDescription,
): Generator<Problem> {
  const { before = [], ...last } = call;
  const kept: string[] = [];
  const unknown = function* (path: string, request: Request): Generator<Problem> {
    for (const placeholder of placeholdersIn(request)) {
      if (
        !fieldPlaceholders[name].test(placeholder) &&
        !ownPlaceholders[name].includes(placeholder) &&
        !kept.includes(placeholder)
      )
        yield { path, problem: `has no placeholder {${placeholder}}` };
    }
  };
  for (const [at, step] of before.entries()) {
    const path = `${name}.before.${at}`;
    yield* contradictionsInRequest(path, step);
    yield* unknown(path, step);
    if (step.account !== undefined && name === 'checkAdmin')
      yield { path: `${path}.account`, problem: 'has no secret to compare with' };
    kept.push(...Object.keys(step.keep ?? {}).map((one) => `kept.${one}`));
  }
  yield* contradictionsInRequest(name, call);
  yield* unknown(name, last);
  for (const placeholder of placeholdersIn(call)) {
    if (expiryPlaceholders.includes(placeholder) && lifetimeDays === undefined)
      yield { path: 'lifetimeDays', problem: `must say what {${placeholder}} is` };
  }
}

function* contradictionsInRequest(path: string, request: Request): Generator<Problem> {
  const { json, form, auth } = request;
  if (json !== undefined && form !== undefined) yield { path: `${path}.form`, problem: 'excludes json' };
  if (auth.scheme === 'client-credentials') {
    for (const [name, url] of Object.entries({ tokenUrl: auth.tokenUrl, issuer: auth.issuer })) {
      const problem = url === undefined ? undefined : baseUrlProblem(url);
      if (problem !== undefined) yield { path: `${path}.auth.${name}`, problem };
    }
  }
  for (const outcome of outcomeNames) {
    for (const [at, one] of (request[outcome] ?? []).entries()) {
      const problem = typeof one === 'number' ? undefined : conditionProblem(one);
      if (problem !== undefined) yield { path: `${path}.${outcome}.${at}`, problem };
    }
  }
}

const outcomeNames = ['accepted', 'refused', 'gone', 'throttled'] as const;

function conditionProblem({ status, at, header, is, contains, exists }: Condition): string | undefined {
  if (at !== undefined && header !== undefined) return 'must look at a place of the body or at a header';
  if (status === undefined && at === undefined && header === undefined) return 'must say what it looks at';
  const says = is !== undefined || contains !== undefined || exists !== undefined;
  return says && at === undefined && header === undefined ? 'must say where: by "at" or "header"' : undefined;
}

/** All parts of a call that are sent, without `auth`. */
function bodyOf({ before, path, query, headers, json, form }: Call): unknown {
  return [before, path, query, headers, json, form];
}

/** A stored field must not change where the credential goes, or whose it is. */
function* contradictionsOfStore({
  mint,
  accountField = 'username',
  fields = {},
}: ApiDescription): Generator<Problem> {
  const { token = 'token', id = 'tokenId', expiresAt = 'expiresAt' } = fields;
  const own = ['host', 'engine', 'masterarn', 'serves', accountField, token, id, expiresAt];
  for (const field of Object.keys(mint.store ?? {})) {
    if (own.includes(field))
      yield { path: `mint.store.${field}`, problem: 'is a field with a meaning of its own' };
  }
}

/** A token that was never stored is known only by the id in the list. So `revoke` must name the token by its id alone. */
function* contradictionsOfRevoke({ mint, verify, list }: ApiDescription, revoke: Call): Generator<Problem> {
  const placeholders = placeholdersIn(revoke);
  const isById = placeholders.includes('revoked.id') && !placeholders.includes('revoked.token');
  if (list !== undefined && !isById) {
    yield { path: 'revoke', problem: 'must name what it revokes by {revoked.id}: list gives nothing else' };
  }
  if (placeholders.includes('revoked.id') && mint.id === undefined && verify.id === undefined) {
    yield { path: 'mint.id', problem: 'must say where the id is, or verify.id must' };
  }
}

/**
 * Keeps the admin from being a confused deputy. The secret's writer must not choose for whom the admin mints, or whose tokens it
 * revokes. So the account comes from the admin secret, or the API has said it of the current token (`verify.account`). The secret
 * must not set `dedicated` either: all other tokens of the account would be revoked.
 */
function* contradictionsOfAdmin({
  mint,
  revoke,
  list,
  verify,
  lifetimeDays,
  accountField = 'username',
}: ApiDescription): Generator<Problem> {
  const parts = { mint: [mint, lifetimeDays], revoke, list };
  for (const [path, part] of Object.entries(parts)) {
    const placeholders = placeholdersIn(part);
    if (!placeholders.some((placeholder) => placeholder.startsWith('admin.'))) continue;
    for (const placeholder of placeholders) {
      if (
        placeholder.startsWith('secret.') &&
        (placeholder !== `secret.${accountField}` || verify.account === undefined)
      ) {
        yield {
          path,
          problem: `must take {${placeholder}} from the admin secret, or from the accountField that verify.account proves`,
        };
      }
    }
  }
  if (placeholdersIn(list?.dedicated).some((placeholder) => placeholder.startsWith('secret.')))
    yield { path: 'list.dedicated', problem: 'must be said by the admin secret' };
}
