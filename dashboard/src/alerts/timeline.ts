/**
 * An alert in the order of time, as the page reads it.
 *
 * Limits: at most `PAGES` pages are asked for; of what came about `FOLD_AT` entries stand there unasked, the first ones (it
 * began, the city knew) and the last ones (how it stands).
 */
import { api } from '../live/api';
import type { TimelineEntry } from '../live/outward';

const PAGE = 400;
const PAGES = 3;
export const FOLD_AT = 12;
const HEAD = 4;
/** A few more are not worth a button. */
const SLACK = 2;

export interface Told {
  readonly entries: readonly TimelineEntry[];
  /** There are later entries than these. */
  readonly more: boolean;
}

export async function loadTimeline(id: string): Promise<Told> {
  const entries: TimelineEntry[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page += 1) {
    const list = await api.timeline(id, PAGE, cursor);
    // A gateway that knows no timelines answers with something else.
    entries.push(...(list.items ?? []));
    cursor = list.next ?? null;
    if (cursor === null) break;
  }
  return { entries, more: cursor !== null };
}

export interface Folded {
  readonly head: readonly TimelineEntry[];
  readonly hidden: number;
  readonly tail: readonly TimelineEntry[];
}

export function fold(entries: readonly TimelineEntry[], all: boolean): Folded {
  if (all || entries.length <= FOLD_AT + SLACK) return { head: entries, hidden: 0, tail: [] };
  const tail = entries.slice(HEAD - FOLD_AT);
  return { head: entries.slice(0, HEAD), hidden: entries.length - FOLD_AT, tail };
}

/** Whether an alert may get new entries without a new version: somebody is still to be told, or to act. */
export function waits(told: Told | null): boolean {
  return told?.entries.some((entry) => entry.kind === 'owed') ?? false;
}
