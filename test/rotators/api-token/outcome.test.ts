import { describe, expect, it } from 'vitest';
import type { Request } from '../../../rotators/api-token/index.ts';
import { callOutcome, isThrottled } from '../../../rotators/api-token/outcome.ts';

const request: Request = { method: 'GET', path: '/me', auth: { scheme: 'bearer', token: '{token}' } };
const answer = (status: number, json: object) => ({
  status,
  headers: new Headers(),
  text: JSON.stringify(json),
});

describe('an entry that has only a status', () => {
  const expected = { status: 404, at: '/error', is: 'expected' } as const;

  it.each(['gone', 'refused'] as const)('comes after a look at the body, in %s', (outcome) => {
    for (const entry of [404, { status: 404 }, { status: [404, 410] }]) {
      const call: Request = { ...request, accepted: [expected], gone: [], refused: [], [outcome]: [entry] };
      expect(callOutcome('me', call, answer(404, { error: 'expected' }), [])).toBe('accepted');
      expect(callOutcome('me', call, answer(404, { error: 'other' }), [])).toBe(outcome);
    }
  });

  it('means success, or later, as a number does', () => {
    const call: Request = { ...request, accepted: [{ status: 201 }], throttled: [{ status: [420, 429] }] };
    expect(callOutcome('me', call, answer(201, {}), [])).toBe('accepted');
    expect(isThrottled(call, answer(420, {}))).toBe(true);
    expect(isThrottled(call, answer(200, {}))).toBe(false);
  });
});
