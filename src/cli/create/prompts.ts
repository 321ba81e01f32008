import { stripVTControlCharacters } from 'node:util';
import { printable } from '../printable.ts';

/** The user has ended the questions with Ctrl-C or Ctrl-D, or has not confirmed. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** Asks at the terminal. Questions go to standard error, so standard output holds the outcome alone. */
export interface Prompter {
  /** Asks for one line. If `check` says that something is wrong with it, asks again. */
  line(question: string, check?: (text: string) => string | undefined): Promise<string>;
  /** Asks for one line that is not shown. `judge` describes it while it is typed. */
  hidden(question: string, judge?: (text: string) => string): Promise<string>;
  /** Asks for one of several by its number. */
  choose<T>(question: string, choices: readonly (readonly [value: T, title: string])[]): Promise<T>;
  confirm(question: string, byDefault: boolean): Promise<boolean>;
  say(text: string): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** A prompter; undefined if standard input or standard error is not a terminal. */
export function createPrompter(): Prompter | undefined {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) return undefined;
  stdin.setEncoding('utf8');
  const restore = (): void => {
    if (stdin.isRaw) stdin.setRawMode(false);
  };
  const keys = keysFrom(stdin, () => {
    restore();
    process.kill(process.pid, 'SIGINT');
  });
  // Raw until the last question: otherwise the terminal would show what is typed between two questions.
  const begin = (): void => {
    if (stdin.isRaw) return;
    stdin.setRawMode(true);
    process.once('exit', restore);
  };

  const readLine = async (show: (text: string) => string): Promise<string> => {
    let text = '';
    begin();
    try {
      for (;;) {
        stderr.write(`\r\u001b[K${shortened(show(text), stderr.columns)}`);
        const key = await keys.next();
        if (key === '\r' || key === '\n') return text;
        if (key === '\u0003' || (key === '\u0004' && text === '')) throw new Cancelled();
        if (key === '\u007f' || key === '\b') text = [...text].slice(0, -1).join('');
        else if (key === '\u0015') text = '';
        else if (!/^\p{Cc}/u.test(key)) text += key;
      }
    } finally {
      stderr.write('\n');
    }
  };

  const prompter: Prompter = {
    line: async (question, check) => {
      for (;;) {
        const text = (await readLine((typed) => `${question}: ${printable(typed)}`)).trim();
        const problem = check?.(text);
        if (problem === undefined) return text;
        prompter.say(`  ${problem}`);
      }
    },
    hidden: (question, judge) =>
      readLine((typed) => {
        const length = [...typed].length;
        const state = typed === '' ? 'hidden' : `${length} ${length === 1 ? 'character' : 'characters'}`;
        return `${question} (${state}${judge === undefined || typed === '' ? '' : `: ${judge(typed)}`}): `;
      }),
    choose: async (question, choices) => {
      prompter.say(question);
      for (const [index, [, title]] of choices.entries()) prompter.say(`  ${index + 1}  ${title}`);
      const answer = await prompter.line('Number (1)', (text) =>
        text === '' || (/^\d{1,2}$/.test(text) && choices[Number(text) - 1] !== undefined)
          ? undefined
          : `a number from 1 to ${choices.length}`,
      );
      const chosen = choices[answer === '' ? 0 : Number(answer) - 1] ?? choices[0];
      if (chosen === undefined) throw new Error('There is nothing to choose from.');
      return chosen[0];
    },
    confirm: async (question, byDefault) => {
      const answer = await prompter.line(`${question} (${byDefault ? 'Y/n' : 'y/N'})`, (text) =>
        /^(y|yes|n|no)?$/i.test(text) ? undefined : 'y or n',
      );
      return answer === '' ? byDefault : /^y/i.test(answer);
    },
    say: (text) => void stderr.write(`${text}\n`),
    close: () => {
      process.off('exit', restore);
      restore();
      stdin.pause();
    },
  };
  return prompter;
}

/** Cuts a line to the terminal's width: a line that wraps could not be overwritten. */
function shortened(text: string, columns: number): string {
  const shown = printable(stripVTControlCharacters(text));
  // A terminal that does not tell its width says 0.
  const width = columns > 10 ? columns : 80;
  return shown.length < width ? shown : `${shown.slice(0, width - 4)}...`;
}

/**
 * The keys that are typed, one after the other. Keys that are typed ahead wait. Cursor keys and the like are left out.
 *
 * @param onInterrupt is called for Ctrl-C while nobody asks
 */
function keysFrom(input: NodeJS.ReadStream, onInterrupt: () => void): { next(): Promise<string> } {
  const typed: string[] = [];
  let waiting: ((key: string) => void) | undefined;
  const hand = (): void => {
    const key = waiting === undefined ? undefined : typed.shift();
    if (key === undefined) return;
    const give = waiting;
    waiting = undefined;
    give?.(key);
  };
  const read = (chunk: unknown): void => {
    if (waiting === undefined && String(chunk).includes('\u0003')) onInterrupt();
    typed.push(...stripVTControlCharacters(String(chunk)));
    hand();
  };
  const end = (): void => read('\u0004');
  return {
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
        if (input.listenerCount('data') === 0) input.on('data', read).on('end', end);
        hand();
      }),
  };
}
