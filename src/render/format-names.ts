/** The formats of templates. */
export const formatNames = [
  'json',
  'yaml',
  'xml',
  'env',
  'properties',
  'toml',
  'ini',
  'ini-python',
  'ini-quoted',
  'text',
] as const;

/** One of {@link formatNames}. */
export type FormatName = (typeof formatNames)[number];
