import { describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { type Selection, selectRotator } from '../../src/rotation/select.ts';

const rotators = [postgres(), postgresAlternatingUsers()];
const select = (selection: Partial<Selection>): string =>
  selectRotator(rotators, { tags: new Map(), fields: {}, defaultRotator: undefined, ...selection }).name;

describe('selectRotator', () => {
  it('goes by the tag first', () => {
    const tags = new Map([['keyturn:rotator', 'postgres']]);
    expect(select({ tags, fields: { engine: 'postgres', masterarn: 'arn' }, defaultRotator: 'x' })).toBe(
      'postgres',
    );
  });

  it('goes by the engine, and masterarn means alternating users', () => {
    expect(select({ fields: { engine: 'postgres' } })).toBe('postgres');
    expect(select({ fields: { engine: 'aurora-postgresql', masterarn: 'arn' } })).toBe(
      'postgres-alternating-users',
    );
  });

  it('goes by the configuration last', () => {
    expect(select({ fields: {}, defaultRotator: 'postgres-alternating-users' })).toBe(
      'postgres-alternating-users',
    );
    expect(select({ fields: { engine: 'unheard-of' }, defaultRotator: 'postgres' })).toBe('postgres');
  });

  it('lists the known ones when the named one is unknown', () => {
    const list = /one of: postgres, /;
    expect(() => select({ tags: new Map([['keyturn:rotator', 'mars']]) })).toThrow(list);
    expect(() => select({ fields: { engine: 'mars' } })).toThrow(list);
    expect(() => select({})).toThrow(list);
    expect(() => select({ defaultRotator: 'mars' })).toThrow(/KEYTURN_ROTATOR names a rotator/);
  });
});
