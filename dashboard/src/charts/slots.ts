/** Which series the four charts show: the chosen alert's first, then those the gateway features, then the worst alerts'. */
import { compareAlerts } from '../alerts/order';
import type { Alert, SeriesName } from '../live/wire';

export const SLOTS = 4;

export function chartSlots(chosen: Alert | undefined, featured: readonly SeriesName[], open: readonly Alert[]): SeriesName[] {
  const slots: SeriesName[] = [];
  const taken = new Set<string>();
  const take = (device: string | null, quantity: string | null): void => {
    if (!device || !quantity || slots.length >= SLOTS) return;
    const key = `${device}/${quantity}`;
    if (taken.has(key)) return;
    taken.add(key);
    slots.push({ device, quantity });
  };
  if (chosen) take(chosen.device, chosen.quantity);
  for (const series of featured) take(series.device, series.quantity);
  if (slots.length < SLOTS) for (const alert of [...open].sort(compareAlerts)) take(alert.device, alert.quantity);
  return slots;
}
