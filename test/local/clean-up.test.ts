import { describe, expect, it } from 'vitest';
import { type EventBridgeEvent, manualClock } from '../../src/local/index.ts';
import { start, token } from './harness.ts';

const hourMs = 3_600_000;

async function startWithClock() {
  const clock = manualClock(Date.UTC(2024, 0, 15));
  const harness = await start({ clock });
  const { local, client } = harness;
  const deleted: (string | undefined)[] = [];
  local.onEventBridge(({ detail }: EventBridgeEvent) => {
    if (detail.eventName === 'SecretVersionDeletion')
      deleted.push(detail.additionalEventData.SecretVersionId);
  });
  await client.createSecret({ Name: 'n', SecretString: '0', ClientRequestToken: token('0') });
  const put = async (from: number, to: number, VersionStages?: string[]) => {
    for (let n = from; n <= to; n++) {
      const request = {
        SecretId: 'n',
        SecretString: `${n}`,
        ClientRequestToken: token(`${n}`),
        VersionStages,
      };
      await client.putSecretValue(request);
    }
  };
  const versions = async () => {
    const ids: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.listSecretVersionIds({ SecretId: 'n', IncludeDeprecated: true, NextToken });
      ids.push(...(page.Versions ?? []).map(({ VersionId }) => VersionId));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return ids;
  };
  return { ...harness, clock, deleted, put, versions };
}

describe('versions without labels', () => {
  it('stay for 24 hours, and go once there are more than 100', async () => {
    const { clock, deleted, put, versions } = await startWithClock();
    await put(1, 102);
    expect(await versions()).toHaveLength(103);
    await clock.advance(24 * hourMs - 1);
    expect(await versions()).toHaveLength(103);
    await clock.advance(1);
    expect(deleted).toEqual(['0', '1', '2'].map(token));
    expect(await versions()).toHaveLength(100);
    await put(103, 103);
    expect(deleted).toEqual(['0', '1', '2', '3'].map(token));
    await clock.advance(100 * hourMs);
    expect(await versions()).toHaveLength(100);
  });

  it('are the only ones that go', async () => {
    const { client, clock, deleted, put, versions } = await startWithClock();
    await put(1, 1, ['kept']);
    await put(2, 101);
    await clock.advance(25 * hourMs);
    expect(deleted).toEqual([token('0'), token('2')]);
    expect(await versions()).toContain(token('1'));
    expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe('101');
    await client.updateSecretVersionStage({
      SecretId: 'n',
      VersionStage: 'kept',
      RemoveFromVersionId: token('1'),
    });
    expect(await versions()).toContain(token('1'));
    await put(102, 102);
    expect(await versions()).not.toContain(token('1'));
  });
});
