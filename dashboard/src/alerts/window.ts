/** Which rows of a long list are on the screen: fixed row height, a few rows more above and below. */
export const ROW_PX = 44;
const MARGIN_ROWS = 4;

export interface Visible {
  readonly first: number;
  readonly end: number;
}

export function visibleRows(scrollTop: number, height: number, count: number): Visible {
  const first = Math.max(0, Math.min(Math.floor(scrollTop / ROW_PX), count) - MARGIN_ROWS);
  const end = Math.min(count, Math.ceil((scrollTop + height) / ROW_PX) + MARGIN_ROWS);
  return { first, end: Math.max(first, end) };
}

/** The scroll position that shows row `index` wholly, moving as little as can be. */
export function scrollFor(index: number, scrollTop: number, height: number): number {
  const top = index * ROW_PX;
  if (top < scrollTop) return top;
  if (top + ROW_PX > scrollTop + height) return top + ROW_PX - height;
  return scrollTop;
}
