import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  makeSamples,
  pagesOfSamples,
  type SampleName,
  type Samples,
  sampleIn,
  withoutChance,
} from '../../scripts/docs-samples.ts';

describe('what the docs show of a command', () => {
  let samples: Samples;
  beforeAll(async () => {
    samples = await makeSamples();
  });

  it.each(Object.keys(pagesOfSamples) as SampleName[])('is what it prints: %s', async (name) => {
    const page = await readFile(new URL(`../../${pagesOfSamples[name]}`, import.meta.url), 'utf8');
    // Where it differs: npm run generate:samples.
    expect(withoutChance(sampleIn(page, name) ?? '')).toBe(withoutChance(samples[name]));
  });
});
