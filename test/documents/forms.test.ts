import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FormName, isKeyturnError, readDocument } from '../../src/index.ts';
import { anyValue, type Example, examples, hostileValues } from './examples.ts';

/** The parts of an example around its passwords, and, where it has one in an own place, around its user. */
function around({ text }: Example): string[] {
  return text.split(/"OLD"|'OLD'|\{OLD\}|OLD(?:-and-0123456789abcdef)?/);
}

/** A line break at the end of plain text is not a part of the password. */
function fitsPlainText(password: string): boolean {
  return password !== '' && !/[\r\n]$/.test(password);
}

/** Whether a form can hold a value: two of them have no quotes. */
function canHold(form: FormName, value: string): boolean {
  if (form === 'stackexchange-redis') return value !== '' && !/^[\s\u0085]|[\s\u0085]$|,/.test(value);
  return form !== 'text' || fitsPlainText(value);
}

describe.each(examples)('$name', (example) => {
  const { text, form, fields } = example;

  it('is recognised, and says what it says', () => {
    const document = readDocument(text);
    expect(document.form).toBe(form);
    expect(document.fields).toMatchObject(fields);
  });

  it('is the same when it is named', () => {
    expect(readDocument(text, { form }).fields).toEqual(readDocument(text).fields);
  });

  it('does not change when nothing does', () => {
    const { write, fields: read } = readDocument(text);
    expect(write({})).toBe(text);
    expect(write({ password: read.password })).toBe(text);
  });

  const readsBack = (password: string): void => {
    if (!canHold(form, password)) return;
    const written = readDocument(text).write({ password });
    const again = readDocument(written, { form });
    expect(again.fields.password).toBe(password);
    expect({ ...again.fields, ...holders }).toEqual({ ...readDocument(text).fields, password, ...holders });
  };
  // The members of the JSON that hold a connection string change with the password in it.
  const holders = { url: null, ConnectionStrings: null };

  it('holds any password', () => {
    hostileValues.forEach(readsBack);
    fc.assert(fc.property(anyValue, readsBack));
  });

  it('says so where it can not hold one', () => {
    const { write } = readDocument(text);
    for (const password of hostileValues.filter((value) => !canHold(form, value)))
      expect(() => write({ password })).toThrow(expect.objectContaining({ code: 'InvalidSecretField' }));
  });

  it('keeps all around the password, byte for byte', () => {
    fc.assert(
      fc.property(anyValue, (password) => {
        fc.pre(canHold(form, password));
        const parts = around(example);
        let rest = readDocument(text).write({ password });
        for (const part of parts.slice(0, -1)) {
          expect(rest).toContain(part);
          rest = rest.slice(rest.indexOf(part) + part.length);
        }
        expect(rest.endsWith(parts.at(-1) ?? '')).toBe(true);
      }),
    );
  });

  it('changes the user too', () => {
    if (fields.username === undefined) return;
    fc.assert(
      fc.property(anyValue, anyValue, (username, password) => {
        fc.pre(username !== '' && canHold(form, username) && canHold(form, password));
        const written = readDocument(text).write({ username, password });
        expect(readDocument(written, { form }).fields).toMatchObject({ ...fields, username, password });
      }),
    );
  });

  it('never quotes itself in an error', () => {
    const secret = 'hunter2-hunter2';
    const whole = text.replaceAll('OLD', secret);
    for (let end = 0; end <= whole.length; end += 1) {
      for (const broken of [whole.slice(0, end), `${whole.slice(0, end)}"${whole.slice(end)}`]) {
        try {
          readDocument(broken, { form });
        } catch (error) {
          expect(isKeyturnError(error, 'MalformedSecret')).toBe(true);
          expect(String(error)).not.toContain('hunter2');
          expect(String(error)).toMatch(/at character \d+|different accounts/);
        }
      }
    }
  });
});
