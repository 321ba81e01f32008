import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FormatName } from '../../src/render/format-names.ts';
import { loadFormat } from '../../src/render/load-format.ts';
import { parseTemplate } from '../../src/render/parse.ts';
import { RenderProblems } from '../../src/render/problems.ts';
import { renderTemplate } from '../../src/render/render.ts';
import { createResolver } from '../../src/render/secrets.ts';
import { type Reader, readers } from './readers.ts';
import { sourceOf } from './rendering.ts';

/** What is around the value in the file, and inside of its quotes; `before` and `after` must stay byte for byte. */
interface Shape {
  readonly name: string;
  readonly format: FormatName;
  readonly readers: readonly Reader[];
  readonly before: string;
  /** The token as the template has it; it may be quoted in another way afterwards. */
  readonly token: string;
  readonly after: string;
  /** What a reader finds in it, with `%` for the value. */
  readonly read?: (value: string) => string;
  /** True where every value that is well-formed can be written. */
  readonly holdsAll?: boolean;
}

const shapes: readonly Shape[] = [
  {
    name: 'JSON',
    format: 'json',
    readers: readers.json,
    before: '{ "z": [1, "\\u00e9"],\r\n  "a": "',
    token: '${secret:s}',
    after: '", "b": {"a": null} }\n',
    holdsAll: true,
  },
  {
    name: 'JSON with comments, inside of a string with escapes',
    format: 'json',
    readers: readers.jsonc,
    before: '// "a": "${secret:none}"\n{ /* x */ "a": "',
    token: '\\u00e9\\"${secret:s}\\\\',
    after: '", "b": 1, }',
    read: (value) => `é"${value}\\`,
    holdsAll: true,
  },
  {
    name: 'YAML without quotes',
    format: 'yaml',
    readers: readers.yaml,
    before: '# ${secret:none}\nz: &x [1, {b: "\\x41"}]\na:   ',
    token: '${secret:s}',
    after: " # comment\n\"b\": 'it''s'\n",
    holdsAll: true,
  },
  {
    name: 'YAML in double quotes over two lines',
    format: 'yaml',
    readers: readers.yaml,
    before: 'a: ',
    token: '"x \\t${secret:s}\n  y"',
    after: '\nb: c\n',
    read: (value) => `x \t${value} y`,
    holdsAll: true,
  },
  {
    name: 'YAML in single quotes',
    format: 'yaml',
    readers: readers.yaml,
    before: 'a: ',
    token: "'it''s ${secret:s}'",
    after: '  # c\nb: [ ]\n',
    read: (value) => `it's ${value}`,
    holdsAll: true,
  },
  {
    name: 'YAML in a literal block',
    format: 'yaml',
    readers: readers.yaml,
    before: 'z: 1\na: ',
    token: '|\n    [db]\n    password=${secret:s}\n      next\n',
    after: 'b: 2\n',
    read: (value) => `[db]\npassword=${value}\n  next\n`,
    holdsAll: true,
  },
  {
    name: 'YAML alone in a literal block',
    format: 'yaml',
    readers: readers.yaml,
    before: 'a: ',
    token: '|-\n  ${secret:s}',
    after: '\nb: 2\n',
    holdsAll: true,
  },
  {
    name: 'YAML in a folded block',
    format: 'yaml',
    readers: readers.yaml,
    before: 'a: ',
    token: '>\n  one\n  ${secret:s}\n\n  two\n',
    after: 'b: 2\n',
    read: (value) => `one ${value}\ntwo\n`,
    holdsAll: true,
  },
  {
    name: 'an attribute of XML',
    format: 'xml',
    readers: readers.xmlAttribute,
    before: '<?xml version="1.0"?>\n<!-- ${secret:none} -->\n<r b=\'"\' a = "',
    token: 'x&amp;${secret:s};',
    after: '"\n><x/><![CDATA[<y>]]></r>\n',
    read: (value) => `x&${value};`,
  },
  {
    name: 'an attribute of XML in single quotes',
    format: 'xml',
    readers: readers.xmlAttribute,
    before: "<r a='",
    token: '${secret:s}',
    after: "' b='>'/>",
  },
  {
    name: 'text of XML',
    format: 'xml',
    readers: readers.xmlText,
    before: '<!DOCTYPE r [<!ENTITY x "]>">]><r a=">">',
    token: 'é&lt;${secret:s}',
    after: '</r>',
    read: (value) => `é<${value}`,
  },
  {
    name: 'a CDATA section of XML',
    format: 'xml',
    readers: readers.xmlText,
    before: '<r><![CDATA[',
    token: '<]]${secret:s}>',
    after: ']]></r>',
    read: (value) => `<]]${value}>`,
  },
  {
    name: '.env without quotes',
    format: 'env',
    readers: readers.env,
    before: '# ${secret:none}\nB=1 # c\nexport A=',
    token: '${secret:s}',
    after: ' # ${secret:none}\nC="x y"\n',
  },
  {
    name: '.env without quotes beside other text',
    format: 'env',
    readers: readers.env,
    before: 'A=',
    token: 'x y#${secret:s}#z',
    after: '\nC=\n',
    read: (value) => `x y#${value}#z`,
  },
  {
    name: '.env in double quotes',
    format: 'env',
    readers: readers.env,
    before: 'A=',
    token: '"x ${secret:s} y"',
    after: '\nC=\n',
    read: (value) => `x ${value} y`,
  },
  {
    name: '.env in single quotes beside a dollar sign',
    format: 'env',
    readers: readers.env,
    before: 'A=',
    token: "'$x ${secret:s}'",
    after: '\nC=$A\n',
    read: (value) => `$x ${value}`,
  },
  {
    name: '.properties',
    format: 'properties',
    readers: readers.properties,
    before: '! ${secret:none}\nb.c : 1\na ',
    token: '${secret:s}',
    after: '\nc=\\u00e9\\\n  x\n',
    holdsAll: true,
  },
  {
    name: '.properties on a continued line',
    format: 'properties',
    readers: readers.properties,
    before: 'a = x\\\n   y\\t',
    token: '\\${secret:s}',
    after: '#z\r\nb=2',
    read: (value) => `xy\t${value}#z`,
    holdsAll: true,
  },
  {
    name: 'TOML in double quotes',
    format: 'toml',
    readers: readers.toml,
    before: '# ${secret:none}\na = ',
    token: '"\\t${secret:s}"',
    after: ' # c\n[t]\n"b c" = \'x\'\n',
    read: (value) => `\t${value}`,
    holdsAll: true,
  },
  {
    name: 'TOML in single quotes',
    format: 'toml',
    readers: readers.toml,
    before: 'a = ',
    token: "'C:\\${secret:s}'",
    after: '\nd = 1979-05-27\n',
    read: (value) => `C:\\${value}`,
    holdsAll: true,
  },
  {
    name: 'TOML on several lines',
    format: 'toml',
    readers: readers.toml,
    before: 'a = ',
    token: '"""\nx \\\n   ${secret:s}\n"q\\"\n"""',
    after: '\nb = [ "x", ]\n',
    read: (value) => `x ${value}\n"q"\n`,
    holdsAll: true,
  },
  {
    name: 'TOML on several lines in single quotes',
    format: 'toml',
    readers: readers.toml,
    before: 'a = ',
    token: "'''\n${secret:s}\n''y'''",
    after: '\nb = 1\n',
    read: (value) => `${value}\n''y`,
    holdsAll: true,
  },
  {
    name: 'INI for all readers',
    format: 'ini',
    readers: readers.ini,
    before: '; ${secret:none}\n[s]\nb=2\na = ',
    token: '${secret:s}',
    after: '  \n\n[t]\nc = d ; e\n',
  },
  {
    name: 'INI in quotes',
    format: 'ini',
    readers: readers.iniInQuotes,
    before: '[s]\na = ',
    token: '"${secret:s}"',
    after: '\nc = d\n',
  },
  {
    name: 'INI for Python',
    format: 'ini-python',
    readers: readers.iniPython,
    before: '[s]\na = ',
    token: 'x%%${secret:s}',
    after: '\n[t]\nc = d ; e\n',
    read: (value) => `x%${value}`,
  },
  {
    name: 'INI with JSON escapes',
    format: 'ini-quoted',
    readers: readers.iniInQuotes,
    before: '[s]\na = ',
    token: '${secret:s}',
    after: '\n[t]\nc = "d" ; e\n',
    holdsAll: true,
  },
  {
    name: 'INI with JSON escapes in quotes',
    format: 'ini-quoted',
    readers: readers.iniInQuotes,
    before: '[s]\na = "',
    token: '\\t${secret:s}',
    after: '"\n[t]\nc = d\n',
    read: (value) => `\t${value}`,
    holdsAll: true,
  },
];

/** Pieces that mean something to one format or another. */
const pieces = [
  ...[
    '"',
    "'",
    '`',
    '\\',
    '\\\\',
    '\\n',
    '\n',
    '\r',
    '\r\n',
    '\t',
    '\0',
    '\b',
    ' ',
    '  ',
    '\u00a0',
    '\u2028',
    '\u0085',
  ],
  ...[
    '$',
    '${',
    '${x}',
    '{x}',
    '${secret:s}',
    '$${secret:s}',
    '$(id)',
    '`id`',
    '%',
    '%(x)s',
    '%%',
    '&',
    '&amp;',
    '&#0;',
    '<',
  ],
  ...[
    '>',
    ']]>',
    '<![CDATA[',
    '-->',
    '{',
    '}',
    '[',
    ']',
    '#',
    ' #',
    ';',
    '=',
    ': ',
    ':',
    '- ',
    '!',
    '|',
    '*a',
    '&a',
  ],
  ...[
    '@',
    '?',
    ',',
    '---',
    '...',
    '"""',
    "'''",
    'true',
    'null',
    '1',
    'x',
    'é',
    '密',
    '🔑',
    '\ufeff',
    '\ufffe',
    '\u007f',
    '~',
    'n: 1',
  ],
];
const anyValue = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);

interface Case {
  readonly value: string;
  /** Undefined where the format refused it. */
  readonly file: string | undefined;
}

/** Two values that are harmless by themselves, and mean something side by side. */
const harmfulPairs = [
  ['$', '{x}'],
  ['\\', 'n'],
  ['a\\', '\\b'],
  ['%', '(x)s'],
  ['%', '%'],
  ['&', 'lt;'],
  [']]', '>'],
  ["'", "'"],
  ['""', '"'],
  ['x', ' #y'],
  ['\r', '\n'],
] as const;

/** A value, or two values side by side, which must not change each other's meaning. */
type Value = string | readonly [string, string];

async function renderValue({ format, before, token, after }: Shape, value: Value): Promise<Case> {
  const [s, t] = typeof value === 'string' ? [value, ''] : value;
  const both = typeof value === 'string' ? token : token.replace('${secret:s}', '${secret:s}${secret:t}');
  const template = parseTemplate(before + both + after, await loadFormat(format), new Map());
  try {
    const { text } = await renderTemplate(template, createResolver(sourceOf({ s, t })));
    return { value: s + t, file: text };
  } catch (error) {
    if (!(error instanceof RenderProblems)) throw error;
    expect(new Set(error.problems.map(({ code }) => code))).toEqual(new Set(['ValueNotWritable']));
    return { value: s + t, file: undefined };
  }
}

describe.each(shapes.map((shape) => [shape.name, shape] as const))('a value in %s', (_name, shape) => {
  // That of all property tests. A seed of the moment would make one run fail, and the next one pass.
  const { seed = 1 } = fc.readConfigureGlobal();
  const singles = [...pieces, '', ...fc.sample(anyValue, { numRuns: 200, seed })];
  const pairs = fc.sample(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom(...pieces)), {
    numRuns: 200,
    seed,
  });
  const values: Value[] = [...singles.filter((value) => value.isWellFormed()), ...harmfulPairs, ...pairs];

  it(`changes nothing around it, and is refused only where it can't be held (seed ${seed})`, async () => {
    const cases = await Promise.all(values.map((value) => renderValue(shape, value)));
    for (const { value, file } of cases) {
      if (file === undefined) {
        expect(shape.holdsAll, JSON.stringify(value)).not.toBe(true);
        continue;
      }
      expect(file.startsWith(shape.before), JSON.stringify({ value, file })).toBe(true);
      expect(file.endsWith(shape.after), JSON.stringify({ value, file })).toBe(true);
    }
    // Passwords as AWS makes them, at least, can be held.
    const ordinary = await renderValue(shape, 'Zj8,k_x+-T!v.(a)~[b]');
    expect(ordinary.file).toBeDefined();
  });

  it.for(shape.readers.map((reader) => [reader.name, reader] as const))(
    `is read by %s as what it is (seed ${seed})`,
    async ([, reader], { skip }) => {
      if (reader.missing !== undefined) skip(reader.missing);
      const cases = await Promise.all(values.map((value) => renderValue(shape, value)));
      const written = cases.filter((one): one is Case & { file: string } => one.file !== undefined);
      expect(written.length).toBeGreaterThan(20);
      const read = reader.read(written.map(({ file }) => file));
      for (const [index, { value, file }] of written.entries()) {
        const expected = shape.read?.(value) ?? value;
        expect(read[index], JSON.stringify({ value, file })).toBe(expected);
      }
    },
  );
});
