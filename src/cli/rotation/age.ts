const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** How far a date is from now, and the date: `3 days ago (2026-01-02T03:04:05Z)`, `in 5 hours (...)`. */
export function describeDate(date: Date | undefined, nowMs: number): string {
  if (date === undefined) return 'at an unknown time';
  const distanceMs = date.getTime() - nowMs;
  const [unit, lengthMs] = units.find(([, length]) => Math.abs(distanceMs) >= length) ?? [];
  const distance = unit === undefined ? 'just now' : words.format(Math.trunc(distanceMs / lengthMs), unit);
  return `${distance} (${date.toISOString().replace(/\.\d+Z$/, 'Z')})`;
}
