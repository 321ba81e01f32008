import type { Dispatcher } from 'undici';
import { missing, requireSuitable } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';

/** How a rotator reaches its API: whose certificates it trusts, and by which proxy. */
export interface TransportOptions {
  /** Returns certificates (PEM) to trust besides Node.js's own. Called once, before the first request. */
  readonly ca?: () => string | undefined;
  /** The URLs of the proxies, and the hosts without a proxy, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY write them. */
  readonly proxy?: {
    /** The proxy for https, a URL. */
    readonly https?: string | undefined;
    /** The proxy for http, a URL. */
    readonly http?: string | undefined;
    /** Hosts that are reached without a proxy, with commas between them. */
    readonly except?: string | undefined;
  };
}

/** Returns the dispatcher for `fetch`; undefined for Node.js's own. @internal */
export type Transport = () => Promise<Dispatcher | undefined>;

/** Loads undici only for a private authority or a proxy: Node.js's `fetch` has no options for these. @internal */
export function createTransport({ ca, proxy = {} }: TransportOptions): Transport {
  let made: Promise<Dispatcher | undefined> | undefined;
  const make = async (): Promise<Dispatcher | undefined> => {
    const trusted = ca?.();
    if (trusted === undefined && proxy.https === undefined && proxy.http === undefined) return undefined;
    const undici = await loadUndici();
    const tls = trusted === undefined ? {} : { ca: authoritiesWith(trusted) };
    // Pass empty texts. If an option is absent, undici reads the environment itself.
    return new undici.EnvHttpProxyAgent({
      httpsProxy: proxy.https ?? '',
      httpProxy: proxy.http ?? '',
      noProxy: proxy.except ?? '',
      connect: tls,
      requestTls: tls,
      proxyTls: tls,
    });
  };
  return () => {
    made ??= make();
    return made;
  };
}

async function loadUndici() {
  requireSuitable('undici');
  try {
    // Use the default export: in a bundle, a CommonJS package that is imported later has no other.
    return (await import('undici')).default;
  } catch (error) {
    return missing('undici')(error);
  }
}
