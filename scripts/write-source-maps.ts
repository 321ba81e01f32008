import { parseArgs } from 'node:util';
import { makeSourceMaps, sourcePosition, writeSourceMaps } from './source-maps.ts';

const help = `Writes the source maps of the function that a checkout of the same commit deploys.

Usage: npm run source-maps -- [--out FOLDER] [FILE:LINE:COLUMN...]

  --out FOLDER      where to (default: .aws-sam/source-maps)
  FILE:LINE:COLUMN  a position in a stack trace of the function: prints where that is in the sources, and writes nothing
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: '.aws-sam/source-maps' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(help);
else {
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
}
