import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { isKeyturnError } from '../../errors.ts';
import { sensitiveValues } from '../../redact.ts';
import { documentOf } from '../secrets.ts';
import { secretsShown } from './shown.ts';
import type { TestGroup } from './test-group.ts';

const canary = `canary-${'of-a-field-'.repeat(40)}`;

/** Values that no field of a credential can have. */
const wrongValues: readonly unknown[] = [undefined, '', canary, [canary], { canary }, 918273645.5];

/** The promises of `parse` and `target`. */
export const reading: TestGroup = {
  'reads the same from the same, and leaves it as it is': async ({ rotator, first }) => {
    const fields = structuredClone(first.fields);
    const credential = rotator.parse(fields);
    // assert.deepEqual would print the values.
    const again = rotator.parse(fields);
    assert.ok(isDeepStrictEqual(again, credential), 'parse answers something else the second time.');
    assert.deepEqual(rotator.target(credential), rotator.target(again));
    assert.ok(isDeepStrictEqual(fields, first.fields), 'parse has changed the fields that it was given.');
  },

  'refuses a secret that says nothing': async ({ rotator }) => {
    assert.throws(() => rotator.parse({}), isFieldError);
  },

  'names the field that is wrong, and never its value': async ({ rotator, first, account }) => {
    const secrets = [...sensitiveValues(documentOf(first.text, account.tags)), canary, '918273645'];
    for (const field of Object.keys(first.fields))
      for (const value of wrongValues) {
        const error = errorOf(() => rotator.parse({ ...first.fields, [field]: value }));
        if (error === undefined) continue;
        assert.ok(isFieldError(error), `A wrong ${field} is no InvalidSecretField with its name in it.`);
        assert.equal(
          secretsShown(error, secrets, [rotator.name]).length,
          0,
          `The error for ${field} shows a value.`,
        );
      }
  },

  'tells the target, and nothing secret of it': async ({ rotator, first, account }) => {
    const target = rotator.target(rotator.parse(first.fields));
    assert.ok(target.host !== '' && target.account !== '', 'A target has a host and an account.');
    const secrets = sensitiveValues(documentOf(first.text, account.tags));
    assert.equal(
      secretsShown(target, secrets, [rotator.name]).length,
      0,
      'The target, which is logged, is secret.',
    );
  },
};

function isFieldError(error: unknown): boolean {
  return (
    isKeyturnError(error, 'InvalidSecretField') &&
    error.field !== undefined &&
    error.message.includes(error.field)
  );
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
