import { decoders } from './decoders.ts';
import { type View, wholeView } from './view.ts';

/** How many layers of encoding are decoded. JSON in JSON in a URL in base64 has four. */
const mostLayers = 5;
/** Limits of decoding, in characters: in all, or for each character of the text. Only a text made for it exceeds them. */
const leastWork = 262_144;
const workPerCharacter = 64;

/**
 * The text, and everything that it decodes to, in any order of decoders.
 *
 * @returns undefined if a limit is exceeded
 */
export function viewsOf(text: string): readonly View[] | undefined {
  const mostWork = Math.max(leastWork, workPerCharacter * text.length);
  const views: View[] = [];
  const seen = new Set<string>();
  let work = 0;
  let layer: readonly View[] = [wholeView(text)];
  for (let depth = 0; layer.length > 0; depth += 1) {
    const fresh = layer.filter((view) => {
      const key = `${view.from[0]} ${view.text}`;
      return !seen.has(key) && seen.add(key);
    });
    if (fresh.length > 0 && depth > mostLayers) return undefined;
    views.push(...fresh);
    const next: View[] = [];
    for (const view of fresh) {
      for (const decoded of decoders.flatMap((decode) => decode(view))) {
        work += decoded.text.length;
        if (work > mostWork) return undefined;
        next.push(decoded);
      }
    }
    layer = next;
  }
  return views;
}
