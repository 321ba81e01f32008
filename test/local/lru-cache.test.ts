import { describe, expect, it } from 'vitest';
import { createLruCache } from '../../src/local/lru-cache.ts';

describe('what was used recently', () => {
  const kept = (count: number, has: (key: string) => boolean) =>
    Array.from({ length: count }, (_, index) => String(index)).filter(has);

  it('is kept, and never more than the limit', () => {
    const recent = createLruCache<number>(10, () => 1);
    for (let index = 0; index < 100; index++) recent.set(String(index), index);
    const found = kept(100, (key) => recent.get(key) !== undefined);
    expect(found.length).toBeLessThanOrEqual(10);
    expect(found).toContain('99');
  });

  it('stays while it is used', () => {
    const recent = createLruCache<number>(10, () => 1);
    recent.set('used', 1);
    for (let index = 0; index < 100; index++) {
      recent.set(String(index), index);
      expect(recent.get('used')).toBe(1);
    }
  });

  it('counts by size, and does not keep what is larger than the limit for long', () => {
    const recent = createLruCache<string>(100, (value) => value.length);
    recent.set('large', 'x'.repeat(1_000));
    for (let index = 0; index < 4; index++) recent.set(String(index), 'x'.repeat(30));
    expect(kept(4, (key) => recent.get(key) !== undefined)).toEqual(['2', '3']);
    expect(recent.get('large')).toBeUndefined();
  });

  it('is gone when it is deleted, young or old', () => {
    const recent = createLruCache<number>(4, () => 1);
    for (const key of ['a', 'b', 'c', 'd']) recent.set(key, 1);
    recent.delete('a');
    recent.delete('d');
    expect([recent.get('a'), recent.get('d')]).toEqual([undefined, undefined]);
    expect(recent.get('c')).toBe(1);
    recent.clear();
    expect(recent.get('c')).toBeUndefined();
  });
});
