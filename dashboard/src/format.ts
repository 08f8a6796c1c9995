/** Times in Beijing's zone, numbers and units as an operator reads them. */

const ZONE = 'Asia/Shanghai';
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' });
const weekdays = {
  zh: new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, weekday: 'short' }),
  en: new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, weekday: 'short' }),
};

/** `20:05:09`. */
export function clockOf(ms: number): string {
  return clock.format(ms);
}

/** `20:05`. */
export function minuteOf(ms: number): string {
  return minute.format(ms);
}

/** `2026-11-24 周二 00:53:02`. */
export function momentOf(ms: number, language: 'zh' | 'en'): string {
  return `${day.format(ms)} ${weekdays[language].format(ms)} ${clock.format(ms)}`;
}

/** The clock for a moment of today, date and clock for another day. */
export function shortMomentOf(ms: number, now: number): string {
  const date = day.format(ms);
  return date === day.format(now) ? clock.format(ms) : `${date.slice(5)} ${clock.format(ms)}`;
}

/** `1h 05m`, `5m 12s`, `12s`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** A measured value: four significant digits at most, no exponent, `—` for none. */
export function valueOf(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '—';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toPrecision(2);
  return String(Number(value.toFixed(size >= 1_000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3)));
}

export function countOf(count: number): string {
  return count.toLocaleString('en-US');
}

/** UCUM codes that people write otherwise; any other code is shown as it is. */
const UNITS: Readonly<Record<string, string>> = {
  'ug/m3': 'µg/m³', 'mg/m3': 'mg/m³', 'm3/s': 'm³/s', 'm3/h': 'm³/h', 'm/s2': 'm/s²', Cel: '°C', deg: '°',
  '[ppm]': 'ppm', '[ppb]': 'ppb', 'dB[A]': 'dB(A)', 'dB(SPL)': 'dB', '1': '', '/min': '/min', '[pH]': 'pH', '%[LEL]': '%LEL', '%LEL': '%LEL', '{count}': '', 'uS/cm': 'µS/cm',
};

export function unitOf(unit: string | null | undefined): string {
  return unit ? (UNITS[unit] ?? unit) : '';
}
