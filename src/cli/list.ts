import { type Command, readCommandLine, UsageError } from './command.ts';
import { choiceOptions, placeOptions, placeOptionsHelp, readPlace, readTag } from './rotation/arguments.ts';

const helpText = `keyturn list: lists secrets, and how their rotation stands

Usage: keyturn list [PREFIX] [OPTIONS]

Shows the secrets whose names begin with PREFIX, or all. No value is read.

Options:
  --tag KEY[=VALUE] Only secrets with this tag; can be repeated, and all must be there
  --deleted         Also secrets that are marked for deletion
${placeOptionsHelp}
Examples:
  keyturn list prod/
  keyturn list --tag team=shop --json | jq -r '.secrets[].name'
`;

/** `keyturn list`: lists secrets. */
export const listCommand: Command = { name: 'list', summary: 'List secrets', help: helpText, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...choiceOptions,
    deleted: { type: 'boolean', default: false },
  });
  const [prefix, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one prefix at a time, without '${more[0]}'`);
  const work = { ...readPlace(values), prefix, tags: values.tag.map(readTag), withDeleted: values.deleted };
  // Loaded here, so that help and mistakes are answered at once.
  const { list } = await import('./secrets/list.ts');
  return list(work);
}
