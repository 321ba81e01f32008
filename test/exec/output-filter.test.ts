import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutputFilter } from '../../src/exec/output-filter.ts';

async function filter(chunks: readonly (string | Buffer)[], texts: readonly string[]): Promise<Buffer> {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(
    createOutputFilter(() => texts),
  );
  return buffer(stream);
}

/** Each place where a text begins, the longest one there, from left to right. */
function replaceAll(input: string, texts: readonly string[]): string {
  const longestFirst = texts.filter((text) => text !== '').sort((a, b) => b.length - a.length);
  let out = '';
  for (let at = 0; at < input.length; ) {
    const found = longestFirst.find((text) => input.startsWith(text, at));
    out += found === undefined ? input.charAt(at) : '***';
    at += found?.length ?? 1;
  }
  return out;
}

describe('the filter of a command’s output', () => {
  it('finds texts wherever the output is cut', async () => {
    const piece = fc.constantFrom('a', 'b', 'ab', 'aba', 'é', 'x', '\n');
    const text = fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 8 }),
        fc.array(text, { maxLength: 4 }),
        fc.array(fc.nat(12), { maxLength: 6 }),
        async (pieces, texts, cuts) => {
          const bytes = Buffer.from(pieces.join(''));
          const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length))])].sort(
            (a, b) => a - b,
          );
          const chunks = places.map((from, index) => bytes.subarray(from, places[index + 1] ?? bytes.length));
          expect((await filter(chunks, texts)).toString()).toBe(replaceAll(pieces.join(''), texts));
        },
      ),
    );
  });

  it('keeps bytes that are no text', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    expect(await filter([bytes], ['none'])).toEqual(bytes);
  });

  it('holds nothing back but what may be the beginning of a text', async () => {
    const stream = createOutputFilter(() => ['secret']);
    const next = async (text: string): Promise<string> => {
      await new Promise<void>((resolve) => stream.write(text, () => resolve()));
      return String(stream.read() ?? '');
    };
    expect(await next('Continue? [y/n] ')).toBe('Continue? [y/n] ');
    expect(await next('a sec')).toBe('a ');
    expect(await next('tor se')).toBe('sector ');
    expect(await next('cret!')).toBe('***!');
  });

  it('takes a new list of texts when there is one', async () => {
    let texts = ['one'];
    const stream = createOutputFilter(() => texts);
    stream.write('one two ');
    texts = ['one', 'two'];
    stream.end('one two');
    expect((await buffer(stream)).toString()).toBe('*** two *** ***');
  });
});
