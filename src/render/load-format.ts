import type { Format } from './format.ts';
import type { FormatName } from './format-names.ts';

/** Loads a format with its parser. */
export async function loadFormat(name: FormatName): Promise<Format> {
  switch (name) {
    case 'json':
      return (await import('./formats/json.ts')).jsonFormat;
    case 'yaml':
      return (await import('./formats/yaml.ts')).yamlFormat;
    case 'xml':
      return (await import('./formats/xml.ts')).xmlFormat;
    case 'toml':
      return (await import('./formats/toml.ts')).tomlFormat;
    case 'env':
      return (await import('./formats/env.ts')).envFormat;
    case 'properties':
      return (await import('./formats/properties.ts')).propertiesFormat;
    case 'ini':
    case 'ini-python':
    case 'ini-quoted':
      return (await import('./formats/ini.ts')).iniFormat(name);
    case 'text':
      return (await import('./formats/text.ts')).textFormat;
  }
}
