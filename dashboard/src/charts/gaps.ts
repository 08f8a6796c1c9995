/** Silence in a series: how far apart its readings usually are, and where one is missing. Times in seconds. */

/** So many usual spacings without a reading are a gap: one lost reading is bridged, an outage is not. */
export const GAP_SPACINGS = 3;

export interface Line {
  readonly times: number[];
  readonly values: (number | null)[];
}

/** The median time between neighbours, at least `floor` (closer than that the series cannot say); null for one reading. */
export function spacingOf(times: readonly number[], floor: number): number | null {
  if (times.length < 2) return null;
  const steps = times.slice(1).map((time, at) => time - (times[at] ?? time));
  steps.sort((a, b) => a - b);
  return Math.max(floor, steps[steps.length >> 1] ?? floor);
}

/** The same line with an empty reading in each gap, so that nothing is drawn across it. */
export function withGaps(times: readonly number[], values: readonly (number | null)[], spacing: number | null): Line {
  const line: Line = { times: [], values: [] };
  times.forEach((time, at) => {
    const before = times[at - 1];
    if (before !== undefined && spacing !== null && time - before > GAP_SPACINGS * spacing) {
      line.times.push((before + time) / 2);
      line.values.push(null);
    }
    line.times.push(time);
    line.values.push(values[at] ?? null);
  });
  return line;
}

/** Readings with nothing on either side: a line cannot show them, they need a dot. */
export function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  }
  return found;
}

/** Whether a series that should have spoken has not: its last reading is a gap old. */
export function silent(last: number | null, now: number, spacing: number | null): boolean {
  return last !== null && spacing !== null && now - last > GAP_SPACINGS * spacing;
}
