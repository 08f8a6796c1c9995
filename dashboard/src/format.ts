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

/** `2026-11-24 00:53:02.481`. */
export function exactOf(ms: number): string {
  return `${day.format(ms)} ${clock.format(ms)}.${String(((ms % 1_000) + 1_000) % 1_000).padStart(3, '0')}`;
}

/** The clock for a moment of today, date and clock for another day. */
export function shortMomentOf(ms: number, now: number): string {
  const date = day.format(ms);
  return date === day.format(now) ? clock.format(ms) : `${date.slice(5)} ${clock.format(ms)}`;
}

const SPANS = {
  zh: { day: '天', hour: '时', minute: '分', second: '秒', between: '' },
  en: { day: 'd', hour: 'h', minute: 'm', second: 's', between: ' ' },
};

/** `1h 05m`, `5m 12s`, `12s`; `1时05分`, `5分12秒`, `12秒`. */
export function spanOf(ms: number, language: 'zh' | 'en'): string {
  const words = SPANS[language];
  const two = (count: number): string => String(count).padStart(2, '0');
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}${words.second}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${words.minute}${words.between}${two(seconds % 60)}${words.second}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}${words.hour}${words.between}${two(minutes % 60)}${words.minute}`;
  return `${Math.floor(hours / 24)}${words.day}${words.between}${hours % 24}${words.hour}`;
}

/** As `spanOf`, finer where it is short: `14 ms`, `0.4s`, `0.4秒`. */
export function delayOf(ms: number, language: 'zh' | 'en'): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 9_950 ? `${(Math.max(0, ms) / 1_000).toFixed(1)}${SPANS[language].second}` : spanOf(ms, language);
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
const UNITS: Readonly<Record<string, string | { readonly zh: string; readonly en: string }>> = {
  'ug/m3': 'µg/m³', 'mg/m3': 'mg/m³', Cel: '°C', deg: '°', '[pH]': '', '1': '',
  // Per square metre are people, per hour are vehicles: the registry has no other.
  '/m2': { zh: '人/m²', en: 'p/m²' }, '/h': { zh: '辆/h', en: 'veh/h' },
};

export function unitOf(unit: string | null | undefined, language: 'zh' | 'en'): string {
  if (!unit) return '';
  const written = UNITS[unit] ?? unit;
  return typeof written === 'string' ? written : written[language];
}
