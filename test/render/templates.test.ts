import { describe, expect, it } from 'vitest';
import { formatOf } from '../../src/render/format.ts';
import type { FormatName } from '../../src/render/format-names.ts';
import { loadFormat } from '../../src/render/load-format.ts';
import { parseTemplate } from '../../src/render/parse.ts';
import { renderTemplate } from '../../src/render/render.ts';
import { createResolver } from '../../src/render/secrets.ts';
import { problemsOf, render, sourceOf } from './rendering.ts';

const secrets = {
  'prod/db':
    '{"engine":"postgres","host":"db","port":5432,"username":"app","password":"p\\"w","n":12345678901234567890,"nil":null,"deep":{"a.b":["x",{"y":"z"}]},"a.b":"dot","dup":1,"dup":2}',
  'prod/db@AWSPREVIOUS': '{"password":"old"}',
  'prod/db@0f0f0f0f-1111-2222-3333-444444444444': '{"password":"by id"}',
  'team@corp': 'plain',
  'prod/sql': 'Server=tcp:db,1433;Database=shop;User Id=app;Password="a;b"',
  empty: '',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf': 'by arn',
};

const json = async (placeholder: string, variables = {}): Promise<unknown> =>
  JSON.parse(await render('json', JSON.stringify({ a: placeholder }), secrets, variables)).a;

describe('a placeholder', () => {
  it.each([
    ['${secret:prod/db#password}', 'p"w'],
    ['x ${secret:prod/db#username}:${secret:prod/db#password} y', 'x app:p"w y'],
    ['${secret:prod/db#password@AWSPREVIOUS}', 'old'],
    ['${secret:prod/db@AWSPREVIOUS}', '{"password":"old"}'],
    ['${secret:prod/db#password@0f0f0f0f-1111-2222-3333-444444444444}', 'by id'],
    ['${secret:team@corp}', 'plain'],
    ['${secret:team@corp@AWSCURRENT}', 'plain'],
    ['${secret:team@corp#@value}', 'plain'],
    ['${secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf}', 'by arn'],
    ['${secret:empty}', ''],
    ['${secret:prod/db#n}', '12345678901234567890'],
    ['${secret:prod/db#dup}', '2'],
    ['${secret:prod/db#a.b}', 'dot'],
    ['${secret:prod/db#deep.a.b.1.y}', 'z'],
    ['${secret:prod/db#deep}', '{"a.b":["x",{"y":"z"}]}'],
    ["${secret:prod/db#'password'}", 'p"w'],
    ['${secret:prod/sql#password}', 'a;b'],
    ['${secret:prod/sql#host}', 'db'],
    ['${secret:prod/sql#@url}', 'sqlserver://app:a%3Bb@db:1433?database=shop'],
    ['${secret:prod/sql#@ado-net}', secrets['prod/sql']],
    ['${secret:prod/db#@libpq}', 'host=db port=5432 user=app password=p"w'],
    ['${secret:${env}/db#password}', 'p"w'],
    ['${secret:prod/db#${key}}', 'p"w'],
    ['${secret:prod/none:-fallback}', 'fallback'],
    ['${secret:prod/none#x@BLUE|url:-a b}', 'a%20b'],
    ["${secret:prod/none:-'it''s } ${here}'}", "it's } ${here}"],
    ['${secret:prod/db#none:-}', ''],
    ['${secret:prod/db#nil:-none}', 'none'],
    ['${secret:prod/db#password:-fallback}', 'p"w'],
    ['${secret:prod/db#password|base64}', 'cCJ3'],
    ['${secret:prod/db#password|url|base64}', 'cCUyMnc='],
    ['$${secret:prod/db}', '${secret:prod/db}'],
    ['$$${secret:empty}', '$${secret:empty}'],
    ['${env} ${other} $secret:x', '${env} ${other} $secret:x'],
  ])('%s becomes %s', async (placeholder, expected) => {
    expect(await json(placeholder, { env: 'prod', key: 'password' })).toBe(expected);
  });

  it('is never looked for in a value', async () => {
    const hostile = { a: '${secret:b}', b: 'stolen', c: '{"x":"$${secret:b}","y":"${env}"}' };
    const template = '{"a":"${secret:a}","x":"${secret:c#x}","y":"${secret:c#y}"}';
    const text = await render('json', template, hostile, { env: 'b' });
    expect(JSON.parse(text)).toEqual({ a: '${secret:b}', x: '$${secret:b}', y: '${env}' });
  });

  it('reads each version of a secret once', async () => {
    const source = sourceOf(secrets);
    const text =
      '{"a":"${secret:prod/db#password}","b":"${secret:prod/db#username}","c":"${secret:prod/db#@url}"}';
    const template = parseTemplate(text, await loadFormat('json'), new Map());
    await renderTemplate(template, createResolver(source));
    expect(source.asked).toEqual(['prod/db']);
  });

  it('takes all parts of a secret from one version, also where it is named in two ways', async () => {
    let rotation = 0;
    const source = {
      read: async () => {
        rotation += 1;
        return {
          arn: 'arn',
          versionId: `${rotation}`,
          text: `{"username":"user ${rotation}","password":"${rotation}"}`,
        };
      },
      tags: async () => new Map(),
    };
    const text =
      '${secret:prod/db#username|raw} ${secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf#password|raw}';
    const template = parseTemplate(text, await loadFormat('text'), new Map());
    expect((await renderTemplate(template, createResolver(source))).text).toMatch(/^user (\d) \1$/);
  });

  it('can be a number or a boolean without quotes', async () => {
    const text = '{"port":"${secret:prod/db#port|number}", "on":"${secret:none|boolean:-TRUE}"}';
    expect(await render('json', text, secrets)).toBe('{"port":5432, "on":true}');
    expect(
      await render(
        'yaml',
        "port: ${secret:prod/db#port|number}\non: '${secret:x|boolean:-no}'",
        secrets,
      ).catch((e: unknown) => e),
    ).toMatchObject({
      problems: [{ line: 2, column: 6, code: 'ValueNotWritable' }],
    });
    expect(await render('toml', 'port = "${secret:prod/db#port|number}"', secrets)).toBe('port = 5432');
  });
});

/** Every problem as `line:column code`, and what its message says. */
async function wrong(format: FormatName, template: string, variables = {}): Promise<string[]> {
  const problems = await problemsOf(format, template, secrets, variables);
  return problems.map(
    ({ line, column, code, reference = '', message }) => `${line}:${column} ${code} ${reference} ${message}`,
  );
}

describe('a mistake', () => {
  it('is told with all others, each with its line and column', async () => {
    const template = [
      '{',
      '  "é": "${secret:prod/none#x}", "b": "x\\t${secret:prod/db#nokey}",',
      '  "${secret:prod/db}": 1,',
      '  "c": ["${secret:prod/db#password|nofilter}", "${secret:prod/db", "${secret:bad name}"]',
      '}',
    ].join('\r\n');
    expect(await wrong('json', template)).toEqual([
      expect.stringMatching(/^2:9 SecretNotFound prod\/none#x There is no prod\/none/),
      expect.stringMatching(
        /^2:42 InvalidSecretField prod\/db#nokey .*has no key "nokey"\. It has: engine, host/,
      ),
      expect.stringMatching(/^3:4 InvalidTemplate .*must stand in a value/),
      expect.stringMatching(/^4:10 InvalidTemplate .*the filter 'nofilter', which is none of raw, json/),
      expect.stringMatching(/^4:49 InvalidTemplate .*has no closing brace/),
      expect.stringMatching(/^4:69 InvalidTemplate .*names the secret "bad name"/),
    ]);
  });

  it.each(['json', 'yaml', 'toml'] as const)('is told where %s is nested too deeply', async (format) => {
    const deep = `${'['.repeat(30_000)}"\${secret:prod/db#port}"${']'.repeat(30_000)}`;
    expect(await wrong(format, format === 'toml' ? `a = ${deep}` : deep)).toEqual([
      expect.stringMatching(/^1:\d+ InvalidTemplate .*nested too deeply/),
    ]);
  });

  it('is told where a secret is nested too deeply', async () => {
    const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    expect(await problemsOf('json', '["${secret:deep#a.a}"]', { deep })).toMatchObject([
      { code: 'MalformedSecret', message: expect.stringContaining('nested too deeply') },
    ]);
  });

  it('is told with values that can not be written', async () => {
    const lines = [
      'A=${secret:prod/none}',
      'B=${secret:lines|base64} ${secret:lines}',
      'C=${secret:x:-a',
      'D=${secret:lines}',
    ];
    const problems = await problemsOf('env', lines.join('\n'), { ...secrets, lines: 'two\nlines' });
    expect(problems.map(({ line, column, code }) => [line, column, code])).toEqual([
      [1, 3, 'SecretNotFound'],
      [2, 26, 'ValueNotWritable'],
      [3, 3, 'InvalidTemplate'],
      [4, 3, 'ValueNotWritable'],
    ]);
  });

  it.each([
    ['${secret:}', 'names no secret'],
    ['${secret:#x}', 'names no secret'],
    ['${secret:a#}', 'has no key after #'],
    ['${secret:a#@nonsense}', 'none of @value, @url'],
    ['${secret:a#b@}', 'no staging label'],
    ['${secret:a|}', "the filter ''"],
    ["${secret:a#'b}", 'no closing quote'],
    ["${secret:a:-'b}", 'no closing quote'],
    ['${secret:a:-${secret:b}}', 'a placeholder inside its default'],
    ['${secret:${env}/a}', 'give --env NAME'],
    ['${secret:${other}/a}', 'give --var other=VALUE'],
    ['${secret:a$' + '{}}', 'no variable such as'],
    ['${secret:a b}', 'names the secret "a b"'],
    ['${secret: a}', 'names the secret " a"'],
    ['${secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret}', 'or it is an ARN'],
    ["${secret:a#'b'c}", 'goes on after its end'],
  ])('%s %s', async (placeholder, message) => {
    expect(await wrong('json', JSON.stringify([1, placeholder]))).toEqual([
      expect.stringMatching(
        new RegExp(`^1:5 InvalidTemplate .*${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
      ),
    ]);
  });

  it('can’t come from a variable, which stays a part of a name whatever is in it', async () => {
    const [problem] = await problemsOf('json', '["${secret:${env}/db:-x}"]', secrets, {
      env: 'a#b@AWSPREVIOUS|raw:-',
    });
    expect(problem).toMatchObject({
      code: 'InvalidTemplate',
      message: expect.stringContaining('names the secret'),
    });
  });

  it.each<[FormatName, string, string, string]>([
    ['json', '{"a": ${secret:x}}', '1:7', 'inside of a string'],
    ['json', '{"a": "x"', '1:10', ''],
    ['json', '{"a": "x\ny ${secret:x}"}', '1:7', ''],
    ['yaml', 'a: [${secret:x}]', '1:', 'in quotes'],
    ['yaml', 'a: "x', '1:', ''],
    ['yaml', 'a: 1\n"${secret:x}": 2', '2:2', 'must stand in a value'],
    ['yaml', 'a: 1\nb: &${secret:x} c', '2:', ''],
    ['yaml', 'a: 1\na: 2', '2:1', ''],
    ['xml', '<a>\n <${secret:x}/></a>', '2:', ''],
    ['xml', '<a ${secret:x}="1"/>', '1:', ''],
    ['xml', '<a><b></a>', '1:', 'it is not XML'],
    ['xml', '<a x="&nope;"/>', '1:', 'it is not XML'],
    ['xml', '<a><?php ${secret:x}?></a>', '1:10', 'must stand in a value'],
    ['xml', '<!DOCTYPE a [<!ENTITY b "${secret:x}">]><a/>', '1:26', 'must stand in a value'],
    ['xml', '<a>${secret:<![CDATA[x}]]></a>', '1:4', ''],
    ['env', 'A=1\n${secret:x}=2', '2:1', ''],
    ['env', 'A=1\nnonsense', '2:1', 'no line of a .env file'],
    ['env', 'A="x\nB=1', '1:3', 'does not end'],
    ['env', 'A="x" y', '1:6', 'something follows'],
    ['properties', '${secret:x}=1', '1:1', 'must stand in a value'],
    ['properties', 'a=\\uXYZ', '1:3', ''],
    ['toml', 'a = ${secret:x}', '1:5', ''],
    ['toml', '["${secret:x}"]', '1:3', 'must stand in a value'],
    ['toml', '"${secret:x}" = 1', '1:2', 'must stand in a value'],
    ['ini', '[${secret:x}]\na=1', '1:2', 'must stand in a value'],
    ['ini', '${secret:x} = 1', '1:1', 'must stand in a value'],
    ['ini', '[s]\njust ${secret:x}', '2:6', 'must stand in a value'],
    ['ini-quoted', 'a = "\\x ${secret:x}"', '1:5', ''],
    ['text', 'a ${secret:x} b', '1:3', 'how the value is written'],
  ])('in %s, %j, is told at %s: %s', async (format, template, place, message) => {
    const [first = '', ...more] = await wrong(format, template);
    expect(first).toMatch(new RegExp(`^${place}\\d* InvalidTemplate `));
    expect(first).toContain(message);
    expect(more).toEqual([]);
  });

  it('keeps the other values of a template out of the file', async () => {
    expect(
      await wrong('env', 'A=${secret:prod/db#username}\nB=${secret:x#y:-' + "'a$b'" + '}\nC=${secret:none}'),
    ).toEqual([expect.stringMatching(/^3:3 SecretNotFound/)]);
  });

  it.each<[FormatName, string, string, string]>([
    ['env', 'A=${secret:s}', 'two\nlines', 'has a line break'],
    ['env', 'A="$HOME/${secret:s}"', 'a b$c', 'a variable of its own'],
    ['env', 'A=`$(id) ${secret:s}`', 'x', 'a variable of its own'],
    ['ini', 'a=${secret:s}', 'a;b', 'ini-python'],
    ['ini-python', 'a=${secret:s}', 'two\nlines', 'has a line break'],
    ['xml', '<a b="${secret:s}"/>', 'a\u0001b', 'has a control character'],
    ['json', '["${secret:s}"]', 'a\ud800b', 'half of a character'],
    ['text', '${secret:s|shell}', 'a\0b', 'has a NUL'],
    ['json', '["${secret:s|number}"]', '0x10', 'is no number'],
  ])('in %s: %j can not hold a value that is not fit for it', async (format, template, value, reason) => {
    const problems = await problemsOf(format, template, { s: value });
    expect(problems).toEqual([
      expect.objectContaining({ code: 'ValueNotWritable', reference: expect.stringMatching(/^s/), line: 1 }),
    ]);
    expect(problems[0]?.message).toContain(reason);
    if (value.length > 1) expect(problems[0]?.message).not.toContain(value);
  });
});

describe('the format of a file', () => {
  it.each([
    ['appsettings.json', 'json'],
    ['appsettings.template.json', 'json'],
    ['dir.yaml/Web.config', 'xml'],
    ['web.config.template', 'xml'],
    ['.env', 'env'],
    ['.env.production', 'env'],
    ['prod.env.tmpl', 'env'],
    ['application.properties.example', 'properties'],
    ['Cargo.toml', 'toml'],
    ['values.yml', 'yaml'],
    ['setup.cfg', 'ini'],
    ['nginx.conf', 'text'],
    ['json', 'text'],
    ['script.sh', 'text'],
  ])('of %s is %s', (name, format) => {
    expect(formatOf(name)).toBe(format);
  });
});
