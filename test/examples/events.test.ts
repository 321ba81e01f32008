import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseRotationEvent, steps } from '../../src/rotation/event.ts';

const read = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../../${file}`, import.meta.url), 'utf8'));

describe.each(['postgres', 'sqlserver', 'api-token'])('the events of %s', (kind) => {
  it.each(steps)('have one for %s, as Secrets Manager sends it', async (step) => {
    const event = parseRotationEvent(await read(`events/${kind}/${step}.json`));
    expect(event).toEqual({
      step,
      secretId: expect.stringMatching(/^arn:aws:secretsmanager:us-east-1:123456789012:secret:\S+-\w{6}$/),
      token: expect.stringMatching(/^[0-9a-f-]{36}$/),
      rotationToken: undefined,
    });
  });
});
