import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/index.ts';
import { passwordFor } from '../../src/rotation/new-password.ts';
import { realDocuments } from './real-documents.ts';

/** A password as Keyturn makes them, long enough not to stand anywhere by chance. */
const old = 'Kq7-mT2.vR9_xW4~bN6-zL3.sD8';

describe.each(realDocuments)('$name', ({ text, form, fields, places = 1, hints = {} }) => {
  const whole = text.replaceAll('OLD', old);

  it('is read as its application reads it', () => {
    const document = readDocument(whole, hints);
    expect(document.form).toBe(form);
    const { password, ...others } = fields;
    expect(document.fields).toMatchObject({ ...others, password: old });
    expect(document.refusal).toBeUndefined();
  });

  it('differs afterwards in the credential only, in every place of it', () => {
    expect(text.split('OLD')).toHaveLength(places + 1);
    const document = readDocument(whole, hints);
    fc.assert(
      fc.property(fc.nat(), () => {
        const password = passwordFor(document);
        const written = document.write({ password });
        // It needs no quotes and no codes, so that it stands there as it is.
        expect(written).toBe(text.replaceAll('OLD', () => password));
        expect(readDocument(written, { ...hints, form }).fields.password).toBe(password);
        expect(document.misreadBy(password)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('takes the next user too, where it names the first', () => {
    if (fields.username === undefined) return;
    const written = readDocument(whole, hints).write({
      username: 'app_clone',
      password: 'N3w-password.of_the~clone',
    });
    const again = readDocument(written, { ...hints, form });
    expect(again.fields).toMatchObject({ username: 'app_clone', password: 'N3w-password.of_the~clone' });
    expect(written).not.toContain(old);
    expect(written).not.toMatch(/\bapp\b/);
  });

  it('holds any other password, or says that it can not, and changes nothing else', () => {
    const document = readDocument(whole, hints);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 }), (password) => {
        fc.pre(password !== old);
        let written: string;
        try {
          written = document.write({ password });
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidSecretField' });
          expect(form === 'env' || /jtds|^pgsql:/.test(text)).toBe(true);
          return;
        }
        const again = readDocument(written, { ...hints, form });
        expect(again.fields.password).toBe(password);
        expect(withoutStrings(again.fields)).toEqual({ ...withoutStrings(document.fields), password });
      }),
      { numRuns: 50 },
    );
  });
});

/** A text that holds the password changes with it. */
function withoutStrings(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const canonical = ['engine', 'host', 'port', 'dbname', 'username', 'password', 'ssl', 'encrypt', 'hosts'];
  return Object.fromEntries(canonical.filter((name) => name in fields).map((name) => [name, fields[name]]));
}
