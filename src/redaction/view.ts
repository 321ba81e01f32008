/** A decoded text. `from` and `to` give each character's range in the original text. */
export interface View {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Decodes one kind of encoding wherever it occurs; no view if it doesn't. */
export type Decoder = (view: View) => readonly View[];

/** The original text as a view. */
export function wholeView(text: string): View {
  const from = Array.from({ length: text.length }, (_, at) => at);
  return { text, from, to: from.map((at) => at + 1) };
}

/** Builds a view from another one. */
export class Composer {
  private text = '';
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly view: View;
  constructor(view: View) {
    this.view = view;
  }

  /** Copies characters as they are. */
  copy(start: number, end: number): void {
    this.text += this.view.text.slice(start, end);
    for (let at = start; at < end; at += 1) {
      this.from.push(this.view.from[at] ?? 0);
      this.to.push(this.view.to[at] ?? 0);
    }
  }

  /** Adds the decoded text of the characters from `start` to `end`. */
  add(decoded: string, start: number, end: number): void {
    this.text += decoded;
    for (let unit = 0; unit < decoded.length; unit += 1) {
      this.from.push(this.view.from[start] ?? 0);
      this.to.push(this.view.to[end - 1] ?? 0);
    }
  }

  done(): View[] {
    return this.text === '' ? [] : [{ text: this.text, from: this.from, to: this.to }];
  }
}
