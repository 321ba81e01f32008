import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../src/redact.ts';

const password = fc.string({ minLength: 8, unit: 'grapheme' }).filter((value) => value.trim().length >= 8);

describe('the redactor', () => {
  it('masks a password wherever it stands, plain or encoded', () => {
    fc.assert(
      fc.property(password, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = createRedactor();
        redactor.learn({ password: secret });
        const forms = [
          secret,
          JSON.stringify(secret),
          encodeURIComponent(secret),
          Buffer.from(secret).toString('base64'),
        ];
        for (const form of forms) expect(redactor.text(`${before}${form}${after}`)).not.toContain(form);
      }),
    );
  });

  it('masks a password that is encoded as a part of something longer', () => {
    fc.assert(
      fc.property(password, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = createRedactor();
        redactor.learn({ password: secret });
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(`${before}${secret}${after}`).toString(encoding);
          const shown = Buffer.from(redactor.text(encoded).replaceAll('[redacted]', ' '), encoding);
          expect(shown.toString()).not.toContain(secret);
        }
      }),
    );
  });

  it('masks the longer of two values of which one holds the other, whole', () => {
    const redactor = createRedactor();
    redactor.learn({ password: 'hunter2', apiKey: 'hunter2-and-more' });
    expect(redactor.text('it is hunter2-and-more')).toBe('it is [redacted]');
  });

  it('takes unknown fields and nested values for sensitive, and leaves host and user readable', () => {
    const redactor = createRedactor();
    redactor.learn({
      host: 'db.example.com',
      username: 'service',
      nested: { token: 'tok-123456' },
      list: ['key-654321'],
    });
    expect(redactor.text('service@db.example.com tok-123456 key-654321')).toBe(
      'service@db.example.com [redacted] [redacted]',
    );
  });

  it('masks errors with stacks, own properties and causes, in place', () => {
    const redactor = createRedactor();
    redactor.learn({ password: 'open-sesame' });
    const cause = Object.assign(new Error('bad open-sesame'), {
      detail: "ALTER ROLE PASSWORD 'open-sesame'",
    });
    const error = redactor.error(new Error('failed with open-sesame', { cause }));
    const shown = [error.message, error.stack, cause.message, cause.stack, cause.detail].join();
    expect(shown).not.toContain('open-sesame');
    expect(cause.detail).toBe("ALTER ROLE PASSWORD '[redacted]'");
  });

  it('masks structured values without touching their keys', () => {
    const redactor = createRedactor();
    redactor.learn({ password: 'level' });
    expect(redactor.value({ level: 'info', text: ['the level'] })).toEqual({
      level: 'info',
      text: ['the [redacted]'],
    });
  });
});
