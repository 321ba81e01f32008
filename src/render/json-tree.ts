import { createScanner, type Node, type ParseError, parseTree } from 'jsonc-parser';

/** As deep as a secret may be nested: see `src/documents/json-scanner.ts`. */
const deepest = 400;

/** A text as JSON with comments, and what is wrong in it. */
export interface JsonTree {
  /** Undefined if the text has no value, or is nested more than 400 deep. */
  readonly root: Node | undefined;
  readonly errors: readonly ParseError[];
}

/** Parses JSON with comments. It never throws: the parser's stack would overflow in a text that is nested thousands deep. */
export function parseJsonTree(text: string, allowTrailingComma: boolean): JsonTree {
  if (isTooDeep(text)) return { root: undefined, errors: [] };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: false, allowTrailingComma });
  return { root, errors };
}

function isTooDeep(text: string): boolean {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const token = text[scanner.getTokenOffset()];
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    if (depth > deepest) return true;
  }
  return false;
}
