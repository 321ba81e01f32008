import { generateKeySync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decryptValue, encryptValue, type ValuePlace } from '../../src/local/store/value-cipher.ts';

const newKey = () => generateKeySync('aes', { length: 256 });
const key = newKey();
const place: ValuePlace = { arn: 'arn', versionId: 'one', kind: 'string' };
const value = Buffer.from('hunter2');

describe('the encryption of values', () => {
  it('gives back what it took, in another form each time', () => {
    const sealed = encryptValue(key, place, value);
    expect(decryptValue(key, place, sealed)).toEqual(value);
    expect(encryptValue(key, place, value)).not.toEqual(sealed);
  });

  it('refuses another key, another place, and any changed byte', () => {
    const sealed = encryptValue(key, place, value);
    expect(() => decryptValue(newKey(), place, sealed)).toThrow();
    for (const other of [{ arn: 'other' }, { versionId: 'two' }, { kind: 'binary' } as const]) {
      expect(() => decryptValue(key, { ...place, ...other }, sealed)).toThrow();
    }
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => decryptValue(key, place, changed)).toThrow();
    }
  });
});
