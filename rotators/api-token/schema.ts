import * as v from 'valibot';
import type { ApiDescription, Call, Condition, JsonTemplate, PreparingCall, Request } from './description.ts';

/** The entries of an object schema for a type. With `satisfies`, the compiler finds a schema that differs from its type. */
type EntriesOf<T> = { [Key in keyof T]-?: v.GenericSchema<T[Key], T[Key]> };

const text = v.pipe(v.string(), v.nonEmpty());
const texts = v.record(text, v.string());
const pointer = v.pipe(v.string(), v.regex(/^(?:\/.*)?$/, 'A JSON pointer is empty or begins with a slash.'));
const status = v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599));
const positive = v.pipe(v.number(), v.minValue(1));
const scalar = v.union([v.string(), v.number(), v.boolean(), v.null()]);

/** Longest life of a token, in days: a hundred years. */
export const mostDays = 36_500;

const condition = v.strictObject({
  status: v.optional(v.union([status, v.array(status)])),
  at: v.optional(pointer),
  header: v.optional(text),
  is: v.optional(v.union([scalar, v.array(scalar)])),
  contains: v.optional(text),
  exists: v.optional(v.boolean()),
} satisfies EntriesOf<Condition>);
const outcome = v.array(v.union([status, condition]));

const place = v.union([
  pointer,
  v.strictObject({ at: pointer }),
  v.strictObject({ header: text }),
  v.strictObject({ cookie: text }),
]);
const places = v.record(
  v.pipe(v.string(), v.regex(/^\w+$/, 'A name has letters, digits and underscores.')),
  place,
);
const expiryPlace = v.union([
  place,
  v.picklist(['{expiry.time}', '{expiry.date}']),
  v.strictObject({ at: pointer, as: v.picklist(['seconds', 'milliseconds', 'seconds-from-now']) }),
]);

const json: v.GenericSchema<JsonTemplate, JsonTemplate> = v.union([
  v.string(),
  v.number(),
  v.boolean(),
  v.null(),
  v.array(v.lazy(() => json)),
  v.record(
    v.string(),
    v.lazy(() => json),
  ),
]);

const tokenUrl = v.pipe(
  v.string(),
  v.regex(/^https?:\/\/[^/{}]+\/[^?#]*$/, 'A token URL has its host spelled out, and no query.'),
);
const issuerUrl = v.pipe(
  v.string(),
  v.regex(/^https?:\/\/[^/{}?#]+(?:\/[^?#]*)?$/, 'An issuer has its host spelled out, and no query.'),
);

const auth = v.variant('scheme', [
  v.strictObject({ scheme: v.literal('bearer'), token: text }),
  v.strictObject({ scheme: v.literal('basic'), username: text, password: text }),
  v.strictObject({ scheme: v.literal('header'), name: text, value: text }),
  v.strictObject({ scheme: v.literal('query'), name: text, value: text }),
  v.strictObject({ scheme: v.literal('jwt'), issuer: text, privateKey: text }),
  v.strictObject({
    scheme: v.literal('client-credentials'),
    tokenUrl,
    clientId: text,
    clientSecret: text,
    scope: v.optional(text),
    authentication: v.optional(v.picklist(['client_secret_basic', 'client_secret_post'])),
    issuer: v.optional(issuerUrl),
  }),
]);

const request = {
  method: v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: v.pipe(v.string(), v.regex(/^\/(?!\/)[^?#]*$/, 'A path begins with one slash and has no query.')),
  query: v.optional(texts),
  headers: v.optional(texts),
  json: v.optional(json),
  form: v.optional(texts),
  auth,
  accepted: v.optional(outcome),
  refused: v.optional(outcome),
  gone: v.optional(outcome),
  throttled: v.optional(outcome),
  timeoutSeconds: v.optional(v.pipe(positive, v.maxValue(900))),
} satisfies EntriesOf<Request>;

const preparing = {
  ...request,
  keep: v.optional(places),
  account: v.optional(place),
} satisfies EntriesOf<PreparingCall>;
const call = { ...request, before: v.optional(v.array(v.strictObject(preparing))) } satisfies EntriesOf<Call>;

const next = v.variant('by', [
  v.strictObject({ by: v.literal('link') }),
  v.strictObject({ by: v.literal('page'), parameter: text, first: v.optional(v.number()) }),
  v.strictObject({ by: v.literal('cursor'), at: pointer, parameter: text }),
  v.strictObject({ by: v.literal('url'), at: pointer }),
]);

/** The structure of a description. validate.ts has the rules between its parts. */
export const descriptionSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, 'A name has small letters, digits and hyphens.')),
  source: v.optional(text),
  baseUrl: v.optional(text),
  notAt: v.optional(v.record(v.string(), text)),
  accountField: v.optional(text),
  fields: v.optional(
    v.strictObject({ token: v.optional(text), id: v.optional(text), expiresAt: v.optional(text) }),
  ),
  lifetimeDays: v.optional(v.union([v.pipe(positive, v.maxValue(mostDays)), text])),
  overlap: v.optional(v.picklist(['none', 'until-next-rotation'])),
  revocation: v.optional(
    v.union([v.picklist(['on-next-rotation', 'at-once']), v.strictObject({ afterHours: positive })]),
  ),
  mint: v.strictObject({
    ...call,
    token: v.union([place, v.literal('{password}')]),
    id: v.optional(place),
    expiresAt: v.optional(expiryPlace),
    store: v.optional(places),
  }),
  verify: v.strictObject({ ...call, id: v.optional(place), account: v.optional(place) }),
  revoke: v.optional(v.strictObject(call)),
  list: v.optional(
    v.strictObject({
      ...call,
      items: pointer,
      id: pointer,
      label: v.optional(pointer),
      dedicated: v.optional(text),
      next: v.optional(next),
    }),
  ),
  checkAdmin: v.optional(v.strictObject(call)),
} satisfies EntriesOf<ApiDescription>);

/** The structure of an override. The description that it results in is checked like any other. */
export const overrideSchema = v.objectWithRest(
  { extends: text, name: v.optional(descriptionSchema.entries.name) },
  v.unknown(),
);
