/** Whether a value has reached a level's limit: at or beyond it, or at or outside a band. */
import type { Level } from '../live/wire';

export type Bound = number | readonly number[];
export type Levels = Partial<Record<Level, Bound>>;

export function reached(bound: Bound | undefined, value: number | null, direction: string | null): boolean {
  if (bound === undefined || value === null) return false;
  if (typeof bound === 'number') return direction === 'below' ? value <= bound : value >= bound;
  const [low, high] = bound;
  return (low !== undefined && value <= low) || (high !== undefined && value >= high);
}
