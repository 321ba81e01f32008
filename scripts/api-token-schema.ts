import { toJsonSchema } from '@valibot/to-json-schema';
import { array, union } from 'valibot';
import { descriptionSchema, overrideSchema } from '../rotators/api-token/schema.ts';

/** The JSON Schema of the file that KEYTURN_API_TOKENS_FILE names. Formatted, it is rotators/api-token/schema.json. */
export function apiSchemaText(): string {
  return `${JSON.stringify(toJsonSchema(array(union([descriptionSchema, overrideSchema]))), null, 2)}\n`;
}
