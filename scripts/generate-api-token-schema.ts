import { writeFile } from 'node:fs/promises';
import { apiSchemaText } from './api-token-schema.ts';

await writeFile(new URL('../rotators/api-token/schema.json', import.meta.url), apiSchemaText());
