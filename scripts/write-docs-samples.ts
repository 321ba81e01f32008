import { readFile, writeFile } from 'node:fs/promises';
import { makeSamples, pagesOfSamples, type SampleName, withSample } from './docs-samples.ts';

const samples = await makeSamples();
for (const name of Object.keys(samples) as SampleName[]) {
  const page = new URL(`../${pagesOfSamples[name]}`, import.meta.url);
  await writeFile(page, withSample(await readFile(page, 'utf8'), name, samples[name]));
}
