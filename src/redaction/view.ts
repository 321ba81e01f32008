/** A text that was decoded. `from` and `to` say for each of its characters where in the first text it comes from. */
export interface View {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Undoes one kind of encoding wherever it stands. Answers nothing where it stands nowhere. */
export type Decoder = (view: View) => readonly View[];

/** A text as it is. */
export function wholeView(text: string): View {
  const from = Array.from({ length: text.length }, (_, at) => at);
  return { text, from, to: from.map((at) => at + 1) };
}

/** A view that is put together of characters of another one. */
export class Composer {
  private text = '';
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly view: View;
  constructor(view: View) {
    this.view = view;
  }

  /** Takes characters over as they are. */
  copy(start: number, end: number): void {
    this.text += this.view.text.slice(start, end);
    for (let at = start; at < end; at += 1) {
      this.from.push(this.view.from[at] ?? 0);
      this.to.push(this.view.to[at] ?? 0);
    }
  }

  /** Adds what characters stand for. */
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
