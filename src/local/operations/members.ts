import { binary, flag, integer, list, required, structure, text } from '../protocol/shapes.ts';

/**
 * The members that several operations share, with the limits of the API's model.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Types.html
 */
export const secretId = required(text({ min: 1, max: 2048 }));
export const versionId = text({ min: 32, max: 64 });
export const stage = text({ min: 1, max: 256 });
export const clientRequestToken = text({ min: 32, max: 64 });
export const description = text({ max: 2048 });
export const kmsKeyId = text({ max: 2048 });
export const secretString = text({ min: 1, max: 65_536, sensitive: true });
export const secretBinary = binary({ min: 1, max: 65_536 });
export const rotationToken = text({ min: 36, max: 256, sensitive: true });
export const maxResults = integer({ min: 1, max: 100 });
export const nextToken = text({ min: 1, max: 4096 });
export const boolean = flag();
export const tagKey = text({ min: 1, max: 128 });
export const tags = list(structure({ Key: tagKey, Value: text({ max: 256 }) }));
