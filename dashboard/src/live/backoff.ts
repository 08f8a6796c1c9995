/**
 * The wait before the next try, jittered so that many desks do not return at once.
 *
 * A restart or an update takes seconds: for the first tries the wait stays short, so that the page is right again within
 * 3 s of the gateway's return. Who has been away longer finds the gateway spared: doubling to at most 30 s.
 */
const FIRST_MS = 1_000;
const PATIENT_MS = 1_500;
const PATIENT_TRIES = 15;
const MAX_MS = 30_000;

export function backoffMs(failures: number, random: number): number {
  const doublings = Math.min(16, Math.max(0, failures - PATIENT_TRIES + 1));
  const ceiling = failures === 0 ? FIRST_MS : Math.min(MAX_MS, PATIENT_MS * 2 ** doublings);
  return Math.round(ceiling * (0.5 + random / 2));
}
