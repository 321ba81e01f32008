import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKeyturnError } from '../../src/index.ts';
import { parseRotationEvent } from '../../src/rotation/event.ts';

const good = { Step: 'createSecret', SecretId: 'arn:aws:secretsmanager:x', ClientRequestToken: 'token' };

function refusal(input: unknown): { code: string; field: string | undefined } | undefined {
  try {
    parseRotationEvent(input);
    return undefined;
  } catch (error) {
    return isKeyturnError(error)
      ? { code: error.code, field: error.field }
      : { code: 'other', field: undefined };
  }
}

describe('parseRotationEvent', () => {
  it('reads the event, with and without a RotationToken', () => {
    expect(parseRotationEvent(good)).toEqual({
      step: 'createSecret',
      secretId: 'arn:aws:secretsmanager:x',
      token: 'token',
      rotationToken: undefined,
    });
    expect(parseRotationEvent({ ...good, RotationToken: 'r', Extra: 1 }).rotationToken).toBe('r');
    expect(parseRotationEvent({ ...good, RotationToken: null }).rotationToken).toBeUndefined();
  });

  it.each(['Step', 'SecretId', 'ClientRequestToken'])('names a missing or empty %s', (field) => {
    for (const value of [undefined, null, '', 5, {}, ['x']]) {
      expect(refusal({ ...good, [field]: value })).toEqual({ code: 'InvalidEvent', field });
    }
  });

  it('refuses a RotationToken that is no string', () => {
    expect(refusal({ ...good, RotationToken: 7 })).toEqual({ code: 'InvalidEvent', field: 'RotationToken' });
  });

  it('answers anything at all with an event or with InvalidEvent', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const refused = refusal(input);
        expect(refused === undefined || refused.code === 'InvalidEvent').toBe(true);
      }),
    );
  });
});
