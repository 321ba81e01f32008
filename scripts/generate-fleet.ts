import { readFile, writeFile } from 'node:fs/promises';
import { withDefinitions } from './fleet-template.ts';

/** Writes the definitions of the state machines into fleet.yaml. */
const template = new URL('../fleet.yaml', import.meta.url);
await writeFile(template, withDefinitions(await readFile(template, 'utf8')));
