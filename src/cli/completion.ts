import { type Command, UsageError } from './command.ts';

const helpText = `keyturn completion: prints the script by which a shell completes keyturn's commands and options

Usage: keyturn completion bash|zsh|fish

Add one of these to your shell's configuration:
  bash    eval "$(keyturn completion bash)"             in ~/.bashrc
  zsh     eval "$(keyturn completion zsh)"              in ~/.zshrc, after compinit
  fish    keyturn completion fish | source              in ~/.config/fish/config.fish

Options:
  --help            Show this text
Examples:
  eval "$(keyturn completion bash)"
`;

/** An option as a command's help names it. */
interface Option {
  readonly name: string;
  readonly letter: string | undefined;
  readonly takesValue: boolean;
  readonly text: string;
}

/** `keyturn completion`: makes the script from the help of the commands. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'Print completion for bash, zsh or fish',
    help: helpText,
    run: async (args) => {
      const [shell = '', ...more] = args;
      const make = { bash, zsh, fish }[shell];
      if (make === undefined || more.length > 0) throw new UsageError('name the shell: bash, zsh or fish');
      process.stdout.write(make(commands()));
      return 0;
    },
  };
}

/** The options that a help describes. */
export function optionsOf({ help }: Pick<Command, 'help'>): Option[] {
  // One space separates an option from its value. More spaces, or a line break, separate it from its description.
  const lines = help.matchAll(/^ {2}(?:-(\w), )?--([a-z-]+)(?: (\S+))?\s+(\S.*)$/gm);
  return Array.from(lines, ([, letter, name = '', value, text = '']) => ({
    name,
    letter,
    takesValue: value !== undefined,
    text: text.replace(/[.:;,]?$/, ''),
  }));
}

function words(command: Command): string {
  return optionsOf(command)
    .flatMap(({ name, letter }) => [`--${name}`, ...(letter === undefined ? [] : [`-${letter}`])])
    .join(' ');
}

/** After two dashes comes another command. The shell itself completes that. */
function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${words(command)}" ;;`);
  return `_keyturn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [ "$word" = -- ] && return; done
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) words="${commands.map(({ name }) => name).join(' ')}" ;;
${cases.join('\n')}
  esac
  case "$current" in -*) ;; *) [ "\${COMP_WORDS[1]}" = help ] || return ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _keyturn keyturn
`;
}

function zsh(commands: readonly Command[]): string {
  const named = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n');
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(({ name, takesValue, text }) =>
      quote(`*--${name}[${text.replace(/[[\]\\:]/g, '\\$&')}]${takesValue ? ':value:_files' : ''}`),
    );
    return `    ${command.name}) _arguments ${[...options, "'*:file:_files'"].join(' ')} ;;`;
  });
  return `_keyturn() {
  local -a commands
  commands=(
${named}
    'help:Show the help of a command'
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  if (( \${words[(I)--]} && \${words[(I)--]} < CURRENT )); then _files; return; fi
  case "\${words[2]}" in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
compdef _keyturn keyturn
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c keyturn -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`,
    ...optionsOf(command).map(({ name, letter, takesValue, text }) =>
      [
        `complete -c keyturn -n '__fish_seen_subcommand_from ${command.name}' -l ${name}`,
        ...(letter === undefined ? [] : [`-s ${letter}`]),
        ...(takesValue ? ['-r'] : []),
        `-d ${quote(text)}`,
      ].join(' '),
    ),
  ]);
  return `${lines.join('\n')}\ncomplete -c keyturn -n __fish_use_subcommand -a help -d 'Show the help of a command'\n`;
}

/** A word in single quotes, for zsh and fish. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
