import { type AST, ParseError, parseTOML, traverseNodes } from 'toml-eslint-parser';
import { doubleQuotedText, tomlString } from '../filters.ts';
import { byOccurrence, type Format, SyntaxProblem, Unwritable, type ValuePlace } from '../format.ts';

/** TOML 1.0. */
export const tomlFormat: Format = {
  name: 'toml',
  scan: (text) => {
    const program = parse(text);
    const places: ValuePlace[] = [];
    traverseNodes(program, {
      enterNode: (node) => {
        if (node.type === 'TOMLValue' && node.kind === 'string') places.push(stringPlace(text, node));
      },
      leaveNode: () => undefined,
    });
    return { places, comments: program.comments.map(({ range: [start, end] }) => ({ start, end })) };
  },
};

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.0' });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new SyntaxProblem(error.index, `it is not TOML: ${error.message}`);
  }
}

function stringPlace(text: string, node: AST.TOMLStringValue): ValuePlace {
  const [start, end] = node.range;
  const isBasic = node.style === 'basic';
  return {
    span: { start, end },
    text: node.value,
    locate: byOccurrence(text, { start, end }, node.value),
    inPlace: isBasic ? doubleQuotedText : literal,
    anew: tomlString,
    takesTyped: true,
  };
}

/** In single quotes nothing can be escaped. */
function literal(value: string): string | Unwritable {
  return /^[^'\p{C}\p{Zl}\p{Zp}]*$/u.test(value) ? value : new Unwritable('can not stand in single quotes');
}
