import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonIn } from '../../../rotators/http/json.ts';

/** The reason in a JSON, or in a plain text. */
function reasonOf(body: unknown, sent: readonly string[] = []): string | undefined {
  const isText = typeof body === 'string';
  const headers = new Headers({ 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
  return reasonIn({ text: isText ? body : JSON.stringify(body), headers }, sent);
}

const secret = fc
  .string({ unit: 'grapheme', minLength: 8, maxLength: 60 })
  .filter((text) => /^\S+$/.test(text));
const word = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });

describe('the reason of an error', () => {
  it('has no value that the call has sent, wherever it stands', () => {
    fc.assert(
      fc.property(secret, word, word, fc.nat(), (sent, before, after, shape) => {
        const text = `${before} ${sent} ${after}`;
        const shapes = [
          { message: text },
          { errors: [{ detail: text }] },
          { message: { field: [text] } },
          text,
        ];
        expect(reasonOf(shapes[shape % shapes.length], [sent]) ?? '').not.toContain(sent);
      }),
    );
  });

  it('is one line of 300 characters at most, and ends with a whole word', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,50}$/), { minLength: 1, maxLength: 60 }), (words) => {
        const reason = reasonOf({ message: words.join('\n') }) ?? '';
        expect(reason.length).toBeLessThanOrEqual(300);
        expect(`${words.join(' ')} `.startsWith(`${reason} `)).toBe(true);
      }),
    );
  });

  it('is nothing where an answer is a page, half a JSON, or a single word of plain text', () => {
    expect(reasonOf('<html><body>An error page</body></html>')).toBeUndefined();
    expect(reasonOf('c2VjcmV0')).toBeUndefined();
    const headers = new Headers({ 'content-type': 'application/json' });
    expect(reasonIn({ text: '{"message": "half', headers })).toBeUndefined();
  });
});
