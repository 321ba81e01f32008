import { Transform } from 'node:stream';

/**
 * Makes a stream that replaces texts by three stars, also if a text arrives in pieces. It holds back only what may be the
 * beginning of a text. It works on bytes, so binary output stays as it is.
 *
 * @param texts gives the texts to replace. It is asked again for each piece of output
 */
export function createOutputFilter(texts: () => readonly string[]): Transform {
  let held = '';
  let known: readonly string[] = [];
  let patterns: readonly string[] = [];
  const update = (): void => {
    const current = texts();
    if (current === known) return;
    known = current;
    // One character for each byte.
    const bytes = current.map((text) => Buffer.from(text).toString('latin1')).filter((text) => text !== '');
    patterns = [...new Set(bytes)].sort((a, b) => b.length - a.length);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      update();
      const { out, rest } = maskTexts(held + chunk.toString('latin1'), patterns, false);
      held = rest;
      done(null, Buffer.from(out, 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(maskTexts(held, patterns, true).out, 'latin1'));
    },
  });
}

/**
 * @param patterns longest first
 * @param isEnd whether this is the last piece, so that nothing is held back
 */
function maskTexts(
  text: string,
  patterns: readonly string[],
  isEnd: boolean,
): { readonly out: string; readonly rest: string } {
  const [longest = ''] = patterns;
  let out = '';
  let at = 0;
  const waitingFrom = (from: number): number =>
    isEnd ? text.length : firstWaiting(text, from, patterns, longest.length);
  let waiting = waitingFrom(at);
  for (;;) {
    const found = firstMatch(text, at, patterns);
    if (found === undefined || found.start >= waiting) {
      return { out: out + text.slice(at, waiting), rest: text.slice(waiting) };
    }
    out += `${text.slice(at, found.start)}***`;
    at = found.end;
    if (at > waiting) waiting = waitingFrom(at);
  }
}

/** The text that is found first. If several begin there, the longest one. */
function firstMatch(
  text: string,
  from: number,
  patterns: readonly string[],
): { start: number; end: number } | undefined {
  let best: { start: number; end: number } | undefined;
  for (const pattern of patterns) {
    const start = text.indexOf(pattern, from);
    if (start >= 0 && (best === undefined || start < best.start))
      best = { start, end: start + pattern.length };
  }
  return best;
}

/** The index from which the rest may be the beginning of one of the texts. */
function firstWaiting(text: string, from: number, patterns: readonly string[], longest: number): number {
  for (let at = Math.max(from, text.length - longest + 1); at < text.length; at += 1) {
    const rest = text.slice(at);
    if (patterns.some((pattern) => pattern.length > rest.length && pattern.startsWith(rest))) return at;
  }
  return text.length;
}
