import { vi } from 'vitest';

/**
 * Has one answer of `fetch` be lost: the call is carried out, and the connection breaks before its answer arrives.
 * `vi.unstubAllGlobals` ends it.
 */
export function loseAnswer(method: string, path: RegExp): void {
  const real = globalThis.fetch;
  let armed = true;
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const response = await real(url, init);
    if (!armed || init.method !== method || !path.test(new URL(url).pathname)) return response;
    armed = false;
    await response.body?.cancel();
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }) });
  });
}
