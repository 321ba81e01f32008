import { spawnSync } from 'node:child_process';
import { DOMParser } from '@xmldom/xmldom';
import { parse as parseProperties } from 'dot-properties';
import { parse as parseEnv } from 'dotenv';
import { parse as parseIni } from 'ini';
import { parse as parseJsonWithComments } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';

/** Reads files of one format, all at once, as an application does. @returns the value at `a` of each */
export interface Reader {
  readonly name: string;
  /** Why it can't be had on this machine. */
  readonly missing?: string;
  read(files: readonly string[]): readonly unknown[];
}

function inNode(name: string, read: (file: string) => unknown): Reader {
  return { name, read: (files) => files.map((file) => read(file)) };
}

function member(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
    value,
  );
}

/** Runs a program with the files as a JSON list on its standard input; it answers the same way. */
function inProgram(name: string, command: readonly string[], needs: readonly string[]): Reader {
  const [program = '', ...args] = command;
  const probe = spawnSync(needs[0] ?? '', needs.slice(1), { encoding: 'utf8' });
  const isThere = probe.error === undefined && probe.status === 0;
  return {
    name,
    ...(isThere ? {} : { missing: `${needs.join(' ')} does not succeed here` }),
    read: (files) => {
      const input = JSON.stringify(files);
      const { status, stdout, stderr } = spawnSync(program, args, {
        input,
        encoding: 'utf8',
        maxBuffer: 1e8,
      });
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

function inPython(name: string, modules: string, expression: string): Reader {
  const script = [
    'import sys, json, io',
    `import ${modules}`,
    'sys.stdin.reconfigure(encoding="utf-8"); sys.stdout.reconfigure(encoding="utf-8")',
    `read = lambda file: ${expression}`,
    'json.dump([read(file) for file in json.load(sys.stdin)], sys.stdout)',
  ].join('\n');
  return inProgram(name, ['python3', '-c', script], ['python3', '-c', `import ${modules}`]);
}

/** Java's own readers. The program is compiled from its source when it starts. */
function inJava(name: string, className: string): Reader {
  const source = new URL(`./${className}.java`, import.meta.url).pathname;
  return inProgram(name, ['java', source], ['java', '-version']);
}

const dotenvFile = `(lambda values: values["A"])(dotenv.dotenv_values(stream=io.StringIO(file)))`;
const pythonIni = (interpolation: string): string =>
  `(lambda parser: (parser.read_string(file), parser["s"]["a"])[1])(configparser.ConfigParser(${interpolation}))`;

/** A POSIX shell that runs the files, each in a subshell, as `. ./.env` does. */
const shell: Reader = {
  name: 'a POSIX shell',
  read: (files) => {
    const input = files.map((file) => `(\n${file}\nprintf '%s\\0' "$A"\n)\n`).join('');
    const { stdout } = spawnSync('sh', { input, encoding: 'utf8', env: {}, maxBuffer: 1e8 });
    return stdout.split('\0').slice(0, -1);
  },
};

/** `ini` reads true and false as booleans and null as null, with quotes and without. */
const iniOfNode = inNode('ini', (file) => String(member(parseIni(file), 's', 'a')));

export const readers = {
  json: [
    inNode('JSON.parse', (file) => member(JSON.parse(file), 'a')),
    inNode('jsonc-parser', (file) => member(parseJsonWithComments(file), 'a')),
    inPython("Python's json", 'json', 'json.loads(file)["a"]'),
  ],
  jsonc: [
    inNode('jsonc-parser', (file) =>
      member(parseJsonWithComments(file, [], { allowTrailingComma: true }), 'a'),
    ),
  ],
  yaml: [
    inNode('yaml', (file) => member(parseYaml(file), 'a')),
    inPython('PyYAML', 'yaml', 'yaml.safe_load(io.StringIO(file))["a"]'),
  ],
  xmlAttribute: [
    inNode('@xmldom/xmldom', (file) =>
      new DOMParser().parseFromString(file, 'text/xml').documentElement?.getAttribute('a'),
    ),
    inPython('ElementTree', 'xml.etree.ElementTree', 'xml.etree.ElementTree.fromstring(file).get("a")'),
  ],
  xmlText: [
    inNode(
      '@xmldom/xmldom',
      (file) => new DOMParser().parseFromString(file, 'text/xml').documentElement?.textContent ?? '',
    ),
    inPython('ElementTree', 'xml.etree.ElementTree', 'xml.etree.ElementTree.fromstring(file).text or ""'),
  ],
  env: [inNode('dotenv', (file) => parseEnv(file).A), inPython('python-dotenv', 'dotenv', dotenvFile), shell],
  properties: [
    inNode('dot-properties', (file) => member(parseProperties(file), 'a')),
    inJava('java.util.Properties', 'ReadProperties'),
  ],
  toml: [
    inNode('smol-toml', (file) => member(parseToml(file), 'a')),
    inPython('tomllib', 'tomllib', 'tomllib.loads(file)["a"]'),
  ],
  ini: [
    iniOfNode,
    inPython('configparser', 'configparser', pythonIni('')),
    inPython('configparser without interpolation', 'configparser', pythonIni('interpolation=None')),
  ],
  iniInQuotes: [iniOfNode],
  iniPython: [inPython('configparser', 'configparser', pythonIni(''))],
} as const satisfies Record<string, readonly Reader[]>;
