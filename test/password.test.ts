import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPasswordPolicy, generatePassword } from '../src/index.ts';

const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/];

describe('generatePassword', () => {
  it("makes AWS's default: 32 characters, all classes, nothing excluded", () => {
    const password = generatePassword(defaultPasswordPolicy);
    expect(password).toHaveLength(32);
    for (const one of classes) expect(password).toMatch(one);
    expect(password).not.toMatch(/[/@"'\\]/);
  });

  it('keeps to any policy, or says that it is impossible', () => {
    const policies = fc.record({
      length: fc.integer({ min: 1, max: 64 }),
      excludeCharacters: fc.string(),
      excludeNumbers: fc.boolean(),
      excludePunctuation: fc.boolean(),
      excludeUppercase: fc.boolean(),
      excludeLowercase: fc.boolean(),
      requireEachIncludedType: fc.boolean(),
    });
    fc.assert(
      fc.property(policies, (policy) => {
        const excluded = [
          policy.excludeLowercase,
          policy.excludeUppercase,
          policy.excludeNumbers,
          policy.excludePunctuation,
        ];
        const included = classes.filter((_, index) => !excluded[index]);
        let password: string;
        try {
          password = generatePassword(policy);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PasswordImpossible' });
          expect(policy.length < included.length || included.length === 0).toBe(true);
          return;
        }
        expect(password).toHaveLength(policy.length);
        for (const character of policy.excludeCharacters) expect(password).not.toContain(character);
        for (const [index, one] of classes.entries()) {
          if (excluded[index]) expect(password).not.toMatch(one);
          else if (policy.requireEachIncludedType && policy.excludeCharacters === '')
            expect(password).toMatch(one);
        }
      }),
    );
  });

  it('refuses a policy that excludes every character of every class', () => {
    const all = {
      ...defaultPasswordPolicy,
      excludeNumbers: true,
      excludePunctuation: true,
      excludeUppercase: true,
      excludeLowercase: true,
    };
    expect(() => generatePassword(all)).toThrow(/leaves no password/);
  });

  it('uses every character that may occur about as often as the others', () => {
    const policy = {
      ...defaultPasswordPolicy,
      length: 100,
      excludePunctuation: true,
      requireEachIncludedType: false,
    };
    const counts = new Map<string, number>();
    for (let made = 0; made < 620; made += 1) {
      for (const character of generatePassword(policy))
        counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    // 1,000 expected for each; the standard deviation is 31, so 8 of them off is no accident.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
  });
});
