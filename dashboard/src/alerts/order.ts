/**
 * The order of the queue, and how it holds still under the pointer.
 *
 * Order: level, then real before drills, then open before acknowledged, then newest first; the id breaks ties, so that equal alerts never swap.
 * While held, rows keep their places: their content changes, nothing moves, what is new waits and is counted.
 */
import { rankOf } from '../level';
import type { Alert } from '../live/wire';

/** Times come as UTC text of one width, so text order is time order; parsing thousands per frame would cost more. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareAlerts(a: Alert, b: Alert): number {
  return (
    rankOf(b.level) - rankOf(a.level) ||
    Number(a.drill === true) - Number(b.drill === true) ||
    Number(a.acknowledged !== null) - Number(b.acknowledged !== null) ||
    compareText(b.started_at, a.started_at) ||
    compareText(a.id, b.id)
  );
}

/** Resolved alerts: what came back last is first. */
export function compareResolved(a: Alert, b: Alert): number {
  return compareText(b.resolved_at ?? b.updated_at, a.resolved_at ?? a.updated_at) || compareText(a.id, b.id);
}

export interface Arranged {
  readonly rows: readonly Alert[];
  /** Changes that wait: alerts that would come in, go or move. */
  readonly waiting: number;
}

/**
 * `sorted` is the present order, `held` the ids on the screen (null when free), `known` finds an alert that has left
 * `sorted` (it returned, or no longer fits the filter): its row stays, greyed, until the hold ends.
 */
export function arrange(sorted: readonly Alert[], held: readonly string[] | null, known: (id: string) => Alert | undefined): Arranged {
  if (held === null) return { rows: sorted, waiting: 0 };
  const rows: Alert[] = [];
  const onScreen = new Set(held);
  const present = new Map(sorted.map((alert) => [alert.id, alert]));
  for (const id of held) {
    const alert = present.get(id) ?? known(id);
    if (alert) rows.push(alert);
  }
  let waiting = 0;
  for (const alert of sorted) if (!onScreen.has(alert.id)) waiting += 1;
  return { rows, waiting };
}
