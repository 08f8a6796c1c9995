/** The wait before the next try: jittered, doubling from at most 1 s to at most 30 s, so that many desks do not return at once. */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(30_000, 1_000 * 2 ** Math.min(failures, 5));
  return Math.max(500, Math.round(ceiling * (0.5 + random / 2)));
}
