import * as v from 'valibot';

const rotationSchema = v.object({
  secretsManagerCalls: v.number(),
  logins: v.number(),
  refusedLogins: v.number(),
  gapMs: v.number(),
  durationMs: v.number(),
  steps: v.array(v.object({ step: v.string(), durationMs: v.number(), outcome: v.string() })),
});

/** One rotation, as `npm run demo -- --json` reports it. */
export type MeasuredRotation = v.InferOutput<typeof rotationSchema>;

/**
 * Takes the last rotation of the demo's report. By then the function is warm.
 * @throws ValiError if this is not a report of the demo; Error if it has no rotation
 */
export function readRotation(report: unknown): MeasuredRotation {
  const { rotations } = v.parse(v.object({ rotations: v.array(rotationSchema) }), report);
  const rotation = rotations.at(-1);
  if (rotation === undefined)
    throw new Error('The report has no rotation. Run: npm run --silent demo -- --json');
  return rotation;
}

/** What each step does in the demo's rotation of a single user, by `STEP OUTCOME`. */
const whatSteps: Readonly<Record<string, string>> = {
  'createSecret stored': 'stores a new password as AWSPENDING',
  'setSecret changed-and-current': 'logs in, changes the password, logs in with it, moves AWSCURRENT',
  'testSecret already-done': 'finds that AWSCURRENT has moved',
  'finishSecret already-done': 'finds nothing left to do',
};

const [width, left, right, top, row] = [860, 120, 20, 64, 46];

/** Draws the rotation as an SVG. The SVG's metadata holds the measurements, so that a test can draw it again. */
export function drawRotation(rotation: MeasuredRotation): string {
  const { secretsManagerCalls, logins, refusedLogins, gapMs, steps } = rotation;
  const total = steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const x = (ms: number): number => Math.round(left + (ms / total) * (width - left - right));
  const height = top + steps.length * row + 52;
  let begun = 0;
  const rows = steps.flatMap(({ step, durationMs, outcome }, index) => {
    const what = whatSteps[`${step} ${outcome}`];
    if (what === undefined) throw new Error(`No words for ${step} with the outcome ${outcome}.`);
    const [from, to, y] = [x(begun), x(begun + durationMs), top + index * row];
    begun += durationMs;
    return [
      `<text class="step" x="12" y="${y + 15}">${step}</text>`,
      `<rect class="time" x="${from}" y="${y}" width="${Math.max(2, to - from)}" height="20" rx="3"/>`,
      `<text class="note" x="${left}" y="${y + 35}">${what} (${durationMs.toFixed(1)} ms)</text>`,
    ];
  });
  const summary =
    `${secretsManagerCalls} calls of Secrets Manager, ${logins} logins, ${refusedLogins} refused. ` +
    `AWSCURRENT was refused for at most ${gapMs.toFixed(1)} ms.`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    '<title id="title">One rotation of a PostgreSQL login, step by step</title>',
    `<metadata>${JSON.stringify(rotation)}</metadata>`,
    '<style>',
    'svg { font: 14px system-ui, sans-serif }',
    '.paper { fill: #fff }',
    '.time { fill: #2b6cb0 }',
    'text { fill: #1a202c }',
    '.title { font-size: 17px; font-weight: 600 }',
    '.step { font-family: ui-monospace, monospace }',
    '.note { fill: #4a5568; font-size: 13px }',
    '</style>',
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="12" y="30">One rotation of a PostgreSQL login: ${total.toFixed(0)} ms in the function</text>`,
    ...rows,
    `<text x="12" y="${height - 18}">${summary}</text>`,
    '</svg>',
  ].join('\n')}\n`;
}
