import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { apiSchemaText } from './api-token-schema.ts';
import { formatted } from './formatted.ts';

const path = fileURLToPath(new URL('../rotators/api-token/schema.json', import.meta.url));
await writeFile(path, formatted(path, apiSchemaText()));
