import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fits, isSuitable, requireSuitable } from '../src/optional-package.ts';

const { peerDependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));

describe('the version of an optional package', () => {
  it.each([
    ['8.23.1', '^8.23.1', true],
    ['8.24.0', '^8.23.1', true],
    ['8.23.0', '^8.23.1', false],
    ['7.18.2', '^8.23.1', false],
    ['9.0.0', '^8.23.1', false],
    ['3.1.0', '>=3.1', true],
    ['3.0.9', '>=3.1', false],
    ['5.1.1', '>=3.1', true],
  ])('%s for %s: %s', (version, range, suitable) => {
    expect(fits(version, range)).toBe(suitable);
  });

  it.each([
    ['the package itself, too old', { name: 'tedious', version: '18.0.0' }, false],
    ['the package itself', { name: 'tedious', version: '19.2.2' }, true],
    ['an alias for a fork', { name: '@acme/tedious', version: '1.0.0' }, true],
    ['a checkout', { name: 'tedious', version: '0.0.0-dev' }, true],
    ['a package of a workspace', { name: 'tedious', version: '0.0.0' }, true],
    ['nothing that can be read', {}, true],
  ])('is compared only if it is known: %s', (_what, installed, suitable) => {
    expect(isSuitable('tedious', installed, '^19.2.2')).toBe(suitable);
  });

  it('is suitable for all that are installed here', () => {
    for (const name of Object.keys(peerDependencies)) expect(() => requireSuitable(name)).not.toThrow();
  });

  it('is written in a way that is understood', () => {
    const ranges: string[] = Object.values(peerDependencies);
    expect(ranges.filter((range) => !/^(?:\^\d+\.\d+\.\d+|>=\d+\.\d+)$/.test(range))).toEqual([]);
  });
});
