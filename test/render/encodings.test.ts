import { describe, expect, it } from 'vitest';
import type { FormatName } from '../../src/render/format-names.ts';
import { loadFormat } from '../../src/render/load-format.ts';
import { parseTemplate } from '../../src/render/parse.ts';
import { renderTemplate } from '../../src/render/render.ts';
import { createResolver } from '../../src/render/secrets.ts';
import { decodeFile } from '../../src/render/template.ts';
import { sourceOf } from './rendering.ts';

async function renderBytes(name: FormatName, bytes: Uint8Array): Promise<Buffer> {
  const format = await loadFormat(name);
  const file = decodeFile(bytes, format);
  const template = parseTemplate(file.text, format, new Map());
  const { text } = await renderTemplate(template, createResolver(sourceOf({ s: 'pä€🔑' })));
  return file.encode(text);
}

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

describe('the encoding of a file', () => {
  it('keeps a byte order mark', async () => {
    expect(await renderBytes('json', Buffer.from('\ufeff["é ${secret:s}"]'))).toEqual(
      Buffer.from('\ufeff["é pä€🔑"]'),
    );
  });

  it('stays UTF-16', async () => {
    const template = '\ufeff<?xml version="1.0" encoding="utf-16"?><a>é ${secret:s}</a>';
    const expected = '\ufeff<?xml version="1.0" encoding="utf-16"?><a>é p&#xE4;&#x20AC;&#x1F511;</a>';
    expect(await renderBytes('xml', Buffer.from(template, 'utf16le'))).toEqual(
      Buffer.from(expected, 'utf16le'),
    );
    expect(await renderBytes('xml', utf16be(template))).toEqual(utf16be(expected));
  });

  it('may be any other if the format can write ASCII alone', async () => {
    const xml =
      '<?xml version="1.0" encoding="iso-8859-1"?><a b="\u00e9">${secret:s}<![CDATA[${secret:s}]]></a>';
    expect(
      String(await renderBytes('xml', Buffer.from(xml, 'latin1')).then((bytes) => bytes.toString('latin1'))),
    ).toBe(
      '<?xml version="1.0" encoding="iso-8859-1"?><a b="\u00e9">p&#xE4;&#x20AC;&#x1F511;<![CDATA[]]>p&#xE4;&#x20AC;&#x1F511;<![CDATA[]]></a>',
    );
    const properties = await renderBytes('properties', Buffer.from('a=\u00e9\nb=${secret:s}', 'latin1'));
    expect(properties.toString('latin1')).toBe('a=\u00e9\nb=p\\u00E4\\u20AC\\uD83D\\uDD11');
  });

  it.each<FormatName>(['json', 'yaml', 'xml', 'env', 'toml', 'ini', 'text'])(
    'must be known in %s',
    async (name) => {
      await expect(renderBytes(name, Buffer.from('["\u00e9"]', 'latin1'))).rejects.toThrow(
        'neither UTF-8 nor UTF-16',
      );
    },
  );
});
