import { byShift, type Format } from '../format.ts';

/** A file of any other format. The whole file is one value, and each placeholder needs a filter. */
export const textFormat: Format = {
  name: 'text',
  needsFilters: true,
  scan: (text) => ({
    places: [
      {
        span: { start: 0, end: text.length },
        text,
        locate: byShift(0),
        inPlace: (value) => value,
      },
    ],
    comments: [],
  }),
};
