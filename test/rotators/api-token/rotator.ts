import { type ApiDescription, apiToken } from '../../../rotators/api-token/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** Makes the rotator of a description, in another process too. */
export default function makeRotator(description: unknown): Rotator {
  if (!isDescription(description)) throw new Error('The settings are a description.');
  return apiToken(description);
}

/** Not checked here: the rotator checks it. */
function isDescription(settings: unknown): settings is ApiDescription {
  return typeof settings === 'object' && settings !== null;
}
