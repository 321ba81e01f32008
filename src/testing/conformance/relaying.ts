import type { SecretFields } from '../../documents/fields.ts';
import type { Target } from '../../rotator/contract.ts';
import type { Address } from '../harness.ts';
import { type Relay, startRelay } from './servers.ts';
import type { Subject } from './subject.ts';

/** A target behind a relay. */
export interface RelayedTarget {
  readonly relay: Relay;
  /** Changes fields to the relay's address. */
  through(fields: SecretFields): SecretFields;
}

/** A target's address. Its host may be a URL. */
function addressOf({ host, port }: Target): Address | undefined {
  if (port !== undefined) return { host, port };
  if (!URL.canParse(host)) return undefined;
  const { hostname, port: named, protocol } = new URL(host);
  return { host: hostname, port: Number(named) || (protocol === 'https:' ? 443 : 80) };
}

/** Puts a relay before the target while `use` runs. Skips the test if the target does not work behind one. */
export async function throughRelay(
  { rotator, first, elsewhere, opens, skip }: Subject,
  use: (relayed: RelayedTarget) => Promise<void>,
): Promise<void> {
  const address = addressOf(rotator.target(rotator.parse(first.fields)));
  if (address === undefined) return skip('the target has neither a port nor a URL');
  const relay = await startRelay(address);
  const through = (fields: SecretFields): SecretFields => elsewhere(fields, relay.address);
  try {
    const works = await opens(through(first.fields)).catch(() => false);
    if (!works) return skip('the target does not work at another address: see `elsewhere` of the harness');
    await use({ relay, through });
  } finally {
    await relay.close();
  }
}
