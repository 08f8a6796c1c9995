/** Which series the four charts show: the chosen alert's, then the worst open alerts', then those the gateway features. */
import { binary } from '../i18n/locale.svelte';
import { compareAlerts } from '../alerts/order';
import type { Alert, SeriesName } from '../live/wire';

export const SLOTS = 4;
/** One place is left for the chosen alert, or for a calm series to compare with. */
const WORST = 3;

export function slotKey(series: SeriesName): string {
  return `${series.device}/${series.quantity}`;
}

export function chartSlots(chosen: Alert | undefined, open: readonly Alert[], featured: readonly SeriesName[]): SeriesName[] {
  const slots = new Map<string, SeriesName>();
  const take = (device: string | null, quantity: string | null, upTo: number): void => {
    if (!device || !quantity || slots.size >= upTo) return;
    const series = { device, quantity };
    const key = slotKey(series);
    if (!slots.has(key)) slots.set(key, series);
  };
  if (chosen) take(chosen.device, chosen.quantity, SLOTS);
  const upTo = slots.size + WORST;
  // What is only yes or no says no more than its row. One of each rule first: three floods side by side say little more
  // than one.
  const worst = [...open].sort(compareAlerts).filter((alert) => !binary(alert.quantity));
  const rules = new Set<string>(chosen ? [chosen.rule] : []);
  const firsts = worst.filter((alert) => !rules.has(alert.rule) && rules.add(alert.rule));
  for (const alert of [...firsts, ...worst]) take(alert.device, alert.quantity, upTo);
  for (const series of featured) take(series.device, series.quantity, SLOTS);
  return [...slots.values()];
}
