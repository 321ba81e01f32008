import { byShift, type Format } from '../format.ts';

/** A file of any other format: all of it is one value, and each placeholder says by a filter how it is written. */
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
