import { writeFile } from 'node:fs/promises';
import { permissionsDocument } from '../test/permissions/document.ts';

/** Writes docs/permissions.md for the role that template.yaml makes. */
await writeFile(new URL('../docs/permissions.md', import.meta.url), await permissionsDocument());
