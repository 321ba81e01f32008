import * as v from 'valibot';
import type { ApiDescription, Call, JsonTemplate } from './description.ts';

/** Entries of an object schema for a type: the two are held together by the compiler. */
type EntriesOf<T> = { [Key in keyof T]-?: v.GenericSchema<T[Key], T[Key]> };

const text = v.pipe(v.string(), v.nonEmpty());
const texts = v.record(text, v.string());
const pointer = v.pipe(v.string(), v.regex(/^(?:\/.*)?$/, 'A JSON pointer is empty or begins with a slash.'));
const statuses = v.array(v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)));
const positive = v.pipe(v.number(), v.minValue(1));

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

const auth = v.variant('scheme', [
  v.strictObject({ scheme: v.literal('bearer'), token: text }),
  v.strictObject({ scheme: v.literal('basic'), username: text, password: text }),
  v.strictObject({ scheme: v.literal('header'), name: text, value: text }),
  v.strictObject({ scheme: v.literal('query'), name: text, value: text }),
  v.strictObject({ scheme: v.literal('jwt'), issuer: text, privateKey: text }),
  v.strictObject({
    scheme: v.literal('client-credentials'),
    tokenUrl: v.pipe(
      v.string(),
      v.regex(/^https?:\/\/[^/{}]+\/[^?#]*$/, 'A token URL has its host spelled out, and no query.'),
    ),
    clientId: text,
    clientSecret: text,
    scope: v.optional(text),
  }),
]);

const call = {
  method: v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: v.pipe(v.string(), v.regex(/^\/(?!\/)[^?#]*$/, 'A path begins with one slash and has no query.')),
  query: v.optional(texts),
  headers: v.optional(texts),
  json: v.optional(json),
  form: v.optional(texts),
  auth,
  accepted: v.optional(statuses),
  refused: v.optional(statuses),
  gone: v.optional(statuses),
  throttled: v.optional(statuses),
  timeoutSeconds: v.optional(v.pipe(positive, v.maxValue(900))),
} satisfies EntriesOf<Call>;

const next = v.variant('by', [
  v.strictObject({ by: v.literal('link') }),
  v.strictObject({ by: v.literal('page'), parameter: text, first: v.optional(v.number()) }),
  v.strictObject({ by: v.literal('cursor'), at: pointer, parameter: text }),
  v.strictObject({ by: v.literal('url'), at: pointer }),
]);

/** The structure of a description; what its parts must have to do with each other is in validate.ts. */
export const descriptionSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, 'A name has small letters, digits and hyphens.')),
  source: v.optional(text),
  baseUrl: v.optional(text),
  accountField: v.optional(text),
  fields: v.optional(
    v.strictObject({ token: v.optional(text), id: v.optional(text), expiresAt: v.optional(text) }),
  ),
  lifetimeDays: v.optional(positive),
  overlap: v.optional(v.picklist(['none', 'until-next-rotation'])),
  revocation: v.optional(
    v.union([v.picklist(['on-next-rotation', 'at-once']), v.strictObject({ afterHours: positive })]),
  ),
  mint: v.strictObject({ ...call, token: pointer, id: v.optional(pointer), expiresAt: v.optional(pointer) }),
  verify: v.strictObject({ ...call, id: v.optional(pointer), account: v.optional(pointer) }),
  revoke: v.optional(v.strictObject(call)),
  list: v.optional(
    v.strictObject({ ...call, items: pointer, id: pointer, label: pointer, next: v.optional(next) }),
  ),
  checkAdmin: v.optional(v.strictObject(call)),
} satisfies EntriesOf<ApiDescription>);
