import type { Dispatcher } from 'undici';
import { missing } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';

/** How APIs are reached. */
export interface TransportOptions {
  /** Certificates (PEM) to trust besides Node.js's own; read when the first call is made. */
  readonly ca?: () => string | undefined;
  /** What the environment's variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY say. */
  readonly proxy?: {
    readonly https?: string | undefined;
    readonly http?: string | undefined;
    readonly except?: string | undefined;
  };
}

/** The dispatcher for `fetch`; undefined: Node.js's own. @internal */
export type Transport = () => Promise<Dispatcher | undefined>;

/** undici is loaded only for a private authority or a proxy: Node.js's `fetch` has no option for them. @internal */
export function createTransport({ ca, proxy = {} }: TransportOptions): Transport {
  let made: Promise<Dispatcher | undefined> | undefined;
  const make = async (): Promise<Dispatcher | undefined> => {
    const trusted = ca?.();
    if (trusted === undefined && proxy.https === undefined && proxy.http === undefined) return undefined;
    // Use the default export: in a bundle, a CommonJS package that is imported later has no other.
    const { default: undici } = await import('undici').catch(missing('undici'));
    const tls = trusted === undefined ? {} : { ca: authoritiesWith(trusted) };
    // Empty, and not absent: otherwise undici would read the environment itself.
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
