import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { SecretFields } from '../../documents/fields.ts';
import { type RelayedTarget, throughRelay } from './relaying.ts';
import { contextOf, type Subject } from './subject.ts';
import type { TestGroup } from './test-group.ts';
import { endOf, eventually } from './waiting.ts';

/** The numbers of the messages of a change at which the signal fires. */
const moments = [1, 2, 3, 5, 8, 13];

/** The promises of `change` when the signal fires: it ends soon, and leaves a credential that works. */
export const aborting: TestGroup = {
  'gives up a change that gets no answer when the signal fires': (subject) =>
    throughRelay(subject, (relayed) => giveUpChange(subject, relayed, { at: 1, treatment: 'hold' })),

  ...Object.fromEntries(
    moments.map((at): [string, TestGroup[string]] => [
      `leaves a credential that works when a change is given up at its message ${at}`,
      (subject) =>
        throughRelay(subject, (relayed) => giveUpChange(subject, relayed, { at, treatment: 'pass' })),
    ]),
  ),
};

interface Moment {
  /** The message with which the signal fires. */
  readonly at: number;
  /** What happens to that message and all that follow. */
  readonly treatment: 'pass' | 'hold';
}

async function giveUpChange(
  { changing, first, generate, using, changer, opens, prove, skip }: Subject,
  { relay, through }: RelayedTarget,
  { at, treatment }: Moment,
): Promise<void> {
  const rotator = changing();
  const pending = await generate();
  const [by, credential] = [through(changer()), rotator.parse(through(pending.fields))];
  const controller = new AbortController();
  const { signal } = controller;
  const current = rotator.parse(through(first.fields));
  const context = { ...contextOf(signal), using: rotator.parse(by), current };
  const fired = once(signal, 'abort');
  let sent = 0;
  const treat = () => {
    sent += 1;
    if (sent === at) controller.abort();
    return sent < at ? 'pass' : treatment;
  };

  const ended = await using(
    by,
    async (session) => {
      relay.treat = treat;
      const change = rotator.change(session, credential, context);
      await Promise.race([fired, Promise.allSettled([change])]);
      const end = await endOf(change);
      // Closing the session could wait for an answer too.
      if (end.status === 'pending') await relay.close();
      return end;
    },
    signal,
  );
  assert.notEqual(ended.status, 'pending', 'The change goes on after the signal has fired.');
  if (ended.status === 'fulfilled') await prove(pending.fields);
  // A half-made account may be accepted, and then cause an error because of what it lacks.
  const works = (fields: SecretFields) => opens(fields).catch(() => false);
  // The target may carry out what was sent a moment later.
  const oneWorks = async () => (await works(pending.fields)) || (await works(first.fields));
  assert.ok(await eventually(oneWorks), 'Neither the pending credential nor the one before works.');
  if (!signal.aborted) skip(`a change has ${sent} messages`);
}
