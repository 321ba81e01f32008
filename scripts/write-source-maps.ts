import { readScript } from './program.ts';
import { makeSourceMaps, sourcePosition, writeSourceMaps } from './source-maps.ts';

const { values, positionals } = readScript({
  about: 'Writes the source maps of the function that this checkout deploys.',
  command: 'npm run source-maps',
  operands: '[FILE:LINE:COLUMN...]',
  details: [
    'FILE:LINE:COLUMN is a position in a stack trace of the function. If you give one, the command prints its place in the',
    'sources, and writes nothing.',
  ].join('\n'),
  options: {
    out: {
      type: 'string',
      placeholder: 'FOLDER',
      default: '.aws-sam/source-maps',
      about: 'Where to write them (default: .aws-sam/source-maps)',
    },
  },
});

const maps = await makeSourceMaps();
for (const position of positionals) {
  const source = sourcePosition(maps, position);
  if (source === undefined) process.exitCode = 1;
  console.log(`${position}  ${source ?? 'is in no file of this checkout'}`);
}
if (positionals.length === 0) {
  await writeSourceMaps(maps, values.out);
  console.log(`${maps.size} source maps in ${values.out}`);
}
