import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** A file that pages load. */
export interface Asset {
  readonly type: string;
  readonly body: string;
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><style>path,circle{fill:none;stroke:#0b5f56;stroke-width:2.4;stroke-linecap:round}@media (prefers-color-scheme:dark){path,circle{stroke:#7fd6c6}}</style><circle cx="8.5" cy="8.5" r="5"/><path d="M12.2 12.2 20 20m-3.2-3.2 2.1-2.1"/></svg>';

/** The files of the folder `browser`. In a checkout the script is TypeScript, and its types are stripped here. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const read = (name: string): string => readFileSync(new URL(`./browser/${name}`, import.meta.url), 'utf8');
  const isCheckout = import.meta.url.endsWith('.ts');
  const script = isCheckout ? stripTypeScriptTypes(read('console.ts')) : read('console.js');
  return new Map([
    ['console.css', { type: 'text/css; charset=utf-8', body: read('console.css') }],
    ['console.js', { type: 'text/javascript; charset=utf-8', body: script }],
    ['icon.svg', { type: 'image/svg+xml', body: icon }],
  ]);
}
