import fc from 'fast-check';
import { makeSchedule } from '../../src/cli/rotation/schedule.ts';
import type { NewSecret } from '../../src/create/new-secret.ts';

/** The function of all secrets that rotate here. */
export const rotationFunctionArn = 'arn:aws:lambda:us-east-1:123456789012:function:rotate';

/** A part of every value. No text that shows a secret may have it. */
export const valueMark = 'never-shown-anywhere';

/** Texts that some tool misreads: as a file, an option, a template, a reference, a quote or an end of line. */
export const hostileTexts: readonly string[] = [
  'file://value.txt',
  'fileb:///etc/hostname',
  'http://127.0.0.1:9/',
  'https://127.0.0.1:9/',
  '-rf',
  '--no-verify-ssl',
  '--description=x',
  '@file',
  `it's "quoted" \`id\` $(id) $HOME \${HOME} %{if} !! !$ \\ \\n \\`,
  'two\nlines\n',
  'tab\tand\r\nCR',
  'escape \u001b[31m and delete \u007f',
  '\u2028 \u202eright to left',
  '*/ // # <!-- {{x}} */',
  'ünïcödé 🗝 \u{1f511}',
  '{"json": [1, "2"]}',
  '[]',
  'null',
  ' spaces ',
  '#{x}',
  '%%{x} $${x} %{ for } ~}',
  'Fn::Sub ${AWS::Region}',
  "''",
];

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
);

// A key of a tag is one line. https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
const tagKey = text.map((key) => key.replaceAll(/\p{Cc}/gu, '') || 'key');
// CDK, Terraform and Secrets Manager compare keys in different ways.
const tags = fc.uniqueArray(fc.tuple(tagKey, fc.oneof(text, fc.constant(''))), {
  maxLength: 4,
  selector: ([key]) => key.normalize().toLowerCase(),
});
const keyNames = ['alias/shared', 'alias/aws/secretsmanager', '1234abcd-12ab-34cd-56ef-1234567890ab'];
const keyIn = (region: string) =>
  fc.constantFrom(...keyNames, `arn:aws:kms:${region}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const replicas = fc
  .uniqueArray(fc.constantFrom('eu-west-1', 'eu-central-1', 'ap-southeast-2'), { maxLength: 3 })
  .chain((regions) =>
    fc.tuple(...regions.map((region) => optional(keyIn(region)).map((kmsKeyId) => ({ region, kmsKeyId })))),
  );
const policy = fc.tuple(text, fc.constantFrom('Allow', 'Deny')).map(([value, Effect]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Read',
        Effect,
        Principal: { AWS: 'arn:aws:iam::123456789012:user/reader' },
        Action: ['secretsmanager:GetSecretValue'],
        Resource: '*',
        Condition: { StringLike: { 'aws:PrincipalTag/of': [value, '${aws:username}'] } },
      },
    ],
  }),
);
const schedule = fc
  .constantFrom(
    { every: '30d', atHour: undefined, window: undefined },
    { every: '1d', atHour: undefined, window: '24h' },
    { every: '23976h', atHour: undefined, window: '4h' },
    { every: '7d', atHour: '3', window: '2h' },
    { every: '4h', atHour: '1', window: undefined },
    { every: '365d', atHour: '23', window: '1h' },
  )
  .map(makeSchedule);

/** Secrets in every shape that the console and `keyturn create` can store. Each has another name. */
export const anySecret: fc.Arbitrary<NewSecret> = fc
  .record({
    start: fc.constantFrom('-', '/', '@', '..', '+=', 'prod/', '__proto__/', ''),
    middle: fc.stringMatching(/^[\w/+=.@-]{0,20}$/),
    number: fc.nat({ max: 2 ** 31 - 1 }),
    value: fc.string().map((other) => valueMark + other),
    description: optional(text),
    kmsKeyId: optional(keyIn('us-east-1')),
    tags: tags.map((pairs) => new Map(pairs)),
    resourcePolicy: optional(policy),
    replicas,
    rotation: optional(
      fc.record({
        functionArn: fc.constant(rotationFunctionArn),
        schedule,
        immediately: fc.boolean(),
      }),
    ),
  })
  .map(({ start, middle, number, ...secret }) => ({ ...secret, name: `${start}${middle}${number}` }));

/** A number of secrets, always the same for one seed of the tests. */
export function secretShapes(count: number): readonly NewSecret[] {
  return fc.sample(anySecret, { numRuns: count, seed: fc.readConfigureGlobal().seed });
}
