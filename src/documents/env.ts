import { malformed, notHeld, type ParsedText, refused } from './form.ts';
import { connectionField, type FieldNames } from './json.ts';
import { type Leaf, leavesOfLine, pathOfLine, slotOfLine, unsafeInLines } from './leaves.ts';
import { type Line, readLines } from './lines-scanner.ts';
import { referencesTo } from './references.ts';
import { isCredentialName } from './setting-names.ts';
import { readSettings, type SettingsHints } from './settings.ts';

/**
 * Reads `KEY=value` lines, as in `.env` files: three kinds of quotes, `export`, comments.
 *
 * @throws MalformedSecret
 * @see https://github.com/motdotla/dotenv#what-rules-does-the-parsing-engine-follow
 * @see https://github.com/theskumar/python-dotenv#file-format
 */
export function parseEnv(
  text: string,
  fieldNames: FieldNames,
  hints: SettingsHints = { isLeft: () => false },
): ParsedText {
  const lines = readLines(text);
  if (lines.length === 0) throw malformed('env', 0, 'there is nothing in it');
  const leaves = lines.flatMap((line) => leavesOfLine(line));
  const ofLines = new Set(lines.map(pathOfLine));
  const at = (key: string | undefined): Leaf[] =>
    leaves.filter((leaf) => ofLines.has(leaf.path) && leaf.path === key);
  const named = [...fieldNames].filter(([field, key]) => field !== connectionField && at(key).length > 0);
  const own = Object.fromEntries(named.map(([field, key]) => [field, at(key).at(-1)?.value]));
  const settings = readSettings(leaves, {
    own,
    password: at(fieldNames.get('password')).at(-1),
    connections: at(fieldNames.get(connectionField)),
    taken: new Set(named.flatMap(([, key]) => at(key))),
    hints,
  });
  const { target } = referencesTo(leaves);
  const plain = lines.filter(({ section, value }) => section === '' && target(value, '') === undefined);
  const raw = Object.fromEntries(lines.map((line) => [pathOfLine(line), line.value]));
  const ownSlots = [
    ...plain.map((line) => ({ ...slotOfLine(line), field: line.key })),
    ...named.flatMap(([field, key]) =>
      lines.filter((line) => pathOfLine(line) === key).map((line) => ({ ...slotOfLine(line), field })),
    ),
  ];
  return {
    form: 'env',
    fields: { ...raw, ...settings.fields, ...own },
    slots: [...ownSlots, ...settings.slots],
    append: (missing) => {
      const edits = settings.append?.(missing);
      if (edits !== undefined) return edits;
      throw notHeld([...missing.keys()].join(', '), 'has no line of its own');
    },
    unsafeCharacters: unsafeInLines + settings.unsafeCharacters,
    engineIsGuess: settings.engineIsGuess,
    isConnectionString: settings.isConnectionString,
    sensitive: settings.sensitive,
    others: settings.others,
    refusal: settings.refusal ?? disputed(lines, settings.fields, own),
  };
}

/** The refusal of a password in a line that readers read in different ways. */
function disputed(
  lines: readonly Line[],
  found: ParsedText['fields'],
  own: ParsedText['fields'],
): ParsedText['refusal'] {
  const password = own.password ?? found.password;
  const line = lines.find(
    ({ key, value, dispute }) =>
      dispute !== undefined && (value === password || isCredentialName(key) || value.includes('://')),
  );
  if (
    line === undefined ||
    typeof password !== 'string' ||
    !(line.value === password || line.value.includes(password))
  )
    return undefined;
  return refused(
    line.key,
    `The secret's "${line.key}" has ${line.dispute}, which readers of KEY=value lines take in different ways.`,
    line.section === ''
      ? 'Set a password once that needs no quotes, or put the value in single quotes.'
      : 'Write the value without quotes and number signs.',
  );
}
