/**
 * The value an alert is shown with. The alert's own value changes with its transitions only; where the device frames
 * carry the alert's quantity, the live value is the present one. Of a sum, a mean or the like it is not: there the live value
 * would stand beside a limit that is not its own.
 */
import type { Devices } from '../live/devices';
import type { Alert } from '../live/wire';

export interface Figure {
  readonly value: number | null;
  /** Event time of the live value, ms; null where the value is that of the alert's last change. */
  readonly at: number | null;
}

export function figureOf(alert: Alert, devices: Devices): Figure {
  // What has come back to normal is told with the value it came back with.
  const plain = alert.measure == null || alert.measure.signal === 'last';
  const position = plain && alert.state === 'firing' ? devices.position(alert.device) : undefined;
  if (position !== undefined && alert.quantity !== null && devices.catalogue.quantity[position] === alert.quantity) {
    const value = devices.values[position] ?? NaN;
    if (Number.isFinite(value)) return { value, at: devices.times[position] ?? 0 };
  }
  return { value: alert.value, at: null };
}
