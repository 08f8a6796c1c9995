/**
 * The level band of an index: the caps that an open level puts on a street (red 40, orange 60, yellow 80).
 * The blue cap of 95 is left out: a city of millions is below it every day, and what is normal stays grey.
 */
import type { Level } from '../live/wire';

export function bandOf(index: number | null): Level | null {
  if (index === null) return null;
  if (index <= 40) return 'red';
  if (index <= 60) return 'orange';
  return index <= 80 ? 'yellow' : null;
}
