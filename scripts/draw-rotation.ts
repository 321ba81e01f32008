/**
 * Draws a rotation of the demo as docs/rotation.svg:
 *
 *     npm run --silent demo -- --json | npm run --silent draw:rotation
 */
import { writeFile } from 'node:fs/promises';
import { json } from 'node:stream/consumers';
import { drawRotation, readRotation } from './rotation-picture.ts';

const rotation = readRotation(await json(process.stdin));
await writeFile(new URL('../docs/rotation.svg', import.meta.url), drawRotation(rotation));
