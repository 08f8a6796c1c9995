/** Alerts for tests: a plain one, with whatever the case needs changed. */
import type { Alert } from '../src/live/wire';

export function alertOf(fields: Partial<Alert> & { id: string }): Alert {
  return {
    rule: 'pm25', title: { zh: 'PM2.5 浓度超标', en: 'PM2.5 high' }, subject: { kind: 'device', id: 'air-1' }, device: 'air-1', device_name: '微站 1', place: null,
    district: '110105', place_name: null, domain: 'ecology', quantity: 'pm25', unit: 'ug/m3', level: 'blue', peak_level: 'blue', state: 'firing', data: 'fresh',
    historic: false, started_at: '2026-11-23T12:00:00.000Z', updated_at: '2026-11-23T12:00:00.000Z', resolved_at: null, acknowledged: null, value: 80, threshold: 75,
    reason: 'threshold', version: 1, lon: 116.4, lat: 39.9, ...fields,
  };
}

export const ACKNOWLEDGED = { by: '王建国', at: '2026-11-23T12:01:00.000Z', note: null };
