/** The districts of the heartbeat as rows: worst first, then the most open alerts, then by code. */
import { LEVELS, rankOf } from '../level';
import type { DistrictState, Level } from '../live/wire';

export interface DistrictRow {
  readonly code: string;
  readonly state: DistrictState;
  readonly worst: Level | null;
  readonly total: number;
}

/** A bar is full, and a district shaded most, at no fewer open alerts than this: one alert in a calm city is not much. */
const FULL = 5;

/** The count that fills a bar: the largest of all districts. */
export function mostOf(rows: readonly DistrictRow[]): number {
  return rows.reduce((most, row) => Math.max(most, row.total), FULL);
}

export function districtRows(districts: Readonly<Record<string, DistrictState>>): DistrictRow[] {
  const rows = Object.entries(districts).map(([code, state]) => ({
    code,
    state,
    worst: LEVELS.find((level) => state.open[level] > 0) ?? null,
    total: LEVELS.reduce((sum, level) => sum + state.open[level], 0),
  }));
  const rank = (row: DistrictRow): number => (row.worst ? rankOf(row.worst) : 0);
  return rows.sort((a, b) => rank(b) - rank(a) || b.total - a.total || (a.code < b.code ? -1 : 1));
}
