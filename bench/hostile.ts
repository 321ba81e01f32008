import { readDocument } from '../src/documents/document.ts';
import { isKeyturnError } from '../src/errors.ts';
import { kindOfWritten } from '../src/rotation/written-text.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { describeMachine, formatMachine } from './support/machine.ts';
import { figure, formatTable } from './support/table.ts';

const usage = {
  name: 'hostile',
  about:
    'Measures how long values take that are made to be read slowly: one text over and over, between others.',
  options: {
    characters: { type: 'string', placeholder: 'N', about: 'Length of each value (default: 65536)' },
    slowest: { type: 'string', placeholder: 'N', about: 'How many of the slowest to show (default: 5)' },
  },
} as const satisfies BenchUsage;

/** What is repeated. Each begins something that a reader looks for to its end. */
const pieces: readonly string[] = [
  ...'aA1 \n\t"\'`=;:/\\%&<>{}[]()@#,.-_$*\0é“＝',
  ...[
    'a=',
    'a=b;',
    'ab=c;\n',
    "A='",
    'A="\n',
    "A='\n",
    'A=`\n',
    'A=b\n',
    'A\n',
    '# \n',
    '; \n',
    '\n ',
    '\r\n',
  ],
  ...[
    'a:',
    'a:a:',
    '://',
    'a://',
    '://a:',
    '://a:b',
    'a.a.',
    'a-',
    '1.',
    '1.1.1.1:',
    'localhost:',
    '[::',
    '*:',
    'a:10:b:',
  ],
  ...[
    '%41',
    '%3D',
    '&quot;',
    '&#39;',
    '\\u0041',
    '\\n',
    '\\"',
    '\\\\',
    '<a>',
    '<a ',
    '</a>',
    '<!--',
    '<!---->',
    '<a/>',
  ],
  ...[
    'password ',
    'password"',
    'uSer',
    'pass=',
    's:8:"password',
    'ssh-rsa ',
    '-----BEGIN ',
    '( DESCRIPTION ',
    'cn=a,',
    '\\,',
  ],
  ...[
    'a, ',
    'a,b=',
    'a.b:5432,',
    '{"a":',
    '["',
    '[[',
    '{"a":1},',
    '//\n',
    '/*',
    '/* *',
    '/**/',
    'a@',
    'a:b@',
    'a/b@',
    '/@',
  ],
  ...[
    ' -a',
    'machine ',
    '\u200b',
    '\ufeff',
    'host=a ',
    "a='",
    'server=a;',
    'Password={',
    '{b}',
    '==',
    'redis:1,',
    'x=y,',
  ],
  ...[
    'metadata=provider connection string',
    'eyJ',
    'AAAA',
    'MIIE',
    'H4sI',
    '0',
    'f0',
    "{'",
    '{a: ',
    '[a]\n',
    '[a]\nb=c\n',
  ],
  ...[
    'export a',
    '$env:',
    '//a/',
    '//a:',
    'a.LoginModule',
    'Basic ',
    'X-a',
    '?a=b&',
    'KEY=\'{"a":"b"}\'\n',
    'A=x://a:b@c/d\n',
  ],
];

interface Figure {
  readonly what: string;
  readonly value: string;
  readonly ms: number;
}

/** Runs it, and returns how long it took. A value that is refused counts too. */
function timeOf(run: () => unknown): number {
  const start = performance.now();
  try {
    run();
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
  }
  return performance.now() - start;
}

await runBench(usage, async ({ characters = '65536', slowest = '5' }) => {
  const [length, count] = [readCount('characters', characters), readCount('slowest', slowest)];
  const figures: Figure[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index % 20 === 0) progress(`${index} of ${pieces.length}...`);
    for (const before of ['', '{', '"', 'user:'])
      for (const after of ['', '@', '\n']) {
        const room = Math.max(1, length - before.length - after.length);
        const value = before + piece.repeat(Math.ceil(room / piece.length)).slice(0, room) + after;
        const name = JSON.stringify([before, piece, after]);
        figures.push(
          { what: 'may it be replaced?', value: name, ms: timeOf(() => kindOfWritten(value, 'chance')) },
          { what: 'read', value: name, ms: timeOf(() => readDocument(value)) },
          {
            what: 'read as a field',
            value: name,
            ms: timeOf(() => readDocument(JSON.stringify({ password: value }))),
          },
        );
      }
  }
  const machine = await describeMachine();
  const top = ['may it be replaced?', 'read', 'read as a field'].flatMap((what) =>
    figures
      .filter((one) => one.what === what)
      .toSorted((one, other) => other.ms - one.ms)
      .slice(0, count),
  );
  return {
    data: { machine, characters: length, values: figures.length, slowest: top },
    text: [
      formatMachine(machine),
      '',
      `${figures.length / 3} values of ${length} characters. The slowest of each kind (before, repeated, after):`,
      '',
      formatTable(
        ['what', 'value', 'ms'],
        top.map(({ what, value, ms }) => [what, value, figure(ms)]),
      ),
    ].join('\n'),
  };
});
