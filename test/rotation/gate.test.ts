import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKeyturnError } from '../../src/index.ts';
import { steps } from '../../src/rotation/event.ts';
import { checkEvent } from '../../src/rotation/gate.ts';
import { versionWith } from '../../src/secrets-manager/staging-labels.ts';

const token = 'token-of-the-rotation-0000000000000';
const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf';
const event = (step: string) => ({ step, secretId: arn, token, rotationToken: undefined });

function verdictCode(
  step: string,
  rotationEnabled: boolean | undefined,
  stages: Record<string, string[]>,
): string {
  try {
    return checkEvent(event(step), { arn, rotationEnabled, stages }).kind;
  } catch (error) {
    return isKeyturnError(error) ? error.code : 'not a KeyturnError';
  }
}

const labels = fc.uniqueArray(fc.constantFrom('AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS', 'custom'));
const stages = fc.dictionary(fc.constantFrom(token, 'other-version', '__proto__', 'constructor'), labels);

describe('the gate', () => {
  it('asks in the order of the templates, whatever the labels', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...steps, 'preflight', 'nonsense'),
        fc.option(fc.boolean(), { nil: undefined }),
        stages,
        (step, enabled, all) => {
          const own = Object.hasOwn(all, token) ? all[token] : undefined;
          const expected =
            enabled === false
              ? 'RotationNotEnabled'
              : own === undefined
                ? 'VersionNotStaged'
                : own.includes('AWSCURRENT')
                  ? step === 'preflight'
                    ? 'preflight'
                    : 'already-current'
                  : !own.includes('AWSPENDING')
                    ? 'VersionNotPending'
                    : step === 'nonsense' || step === 'preflight'
                      ? 'UnknownStep'
                      : 'proceed';
          expect(verdictCode(step, enabled, all)).toBe(expected);
        },
      ),
    );
  });

  it('takes a token that is the name of a property of every object for unknown', () => {
    const named = { step: 'setSecret', secretId: arn, token: 'constructor', rotationToken: undefined };
    expect(() => checkEvent(named, { arn, rotationEnabled: true, stages: {} })).toThrow(
      /has no stage for rotation/,
    );
  });

  it('keeps the words of the templates, which runbooks search for', () => {
    const words =
      (enabled: boolean, all: Record<string, string[]>, step = 'setSecret') =>
      () =>
        checkEvent(event(step), { arn, rotationEnabled: enabled, stages: all });
    expect(words(false, {})).toThrow(`Secret ${arn} is not enabled for rotation.`);
    expect(words(true, {})).toThrow(`Secret version ${token} has no stage for rotation of secret ${arn}.`);
    expect(words(true, { [token]: ['AWSPREVIOUS'] })).toThrow(
      `Secret version ${token} not set as AWSPENDING`,
    );
    expect(words(true, { [token]: ['AWSPENDING'] }, 'nonsense')).toThrow('Invalid step parameter.');
  });
});

describe('versionWith', () => {
  it('finds the version that carries a label, and no other', () => {
    fc.assert(
      fc.property(stages, (all) => {
        const found = versionWith(all, 'AWSCURRENT');
        if (found === undefined) expect(Object.values(all).flat()).not.toContain('AWSCURRENT');
        else expect(all[found]).toContain('AWSCURRENT');
      }),
    );
  });
});
