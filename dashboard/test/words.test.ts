import { describe, expect, it } from 'vitest';
import { clockOf, momentOf, shortMomentOf, spanOf, unitOf, valueOf } from '../src/format';
import { en } from '../src/i18n/en';
import { locale } from '../src/i18n/locale.svelte';
import { zh } from '../src/i18n/zh';
import { View } from '../src/view.svelte';

function keysOf(words: object, path = ''): string[] {
  return Object.entries(words).flatMap(([key, word]) => (word !== null && typeof word === 'object' ? keysOf(word as object, `${path}${key}.`) : [`${path}${key}`])).sort();
}

describe('words', () => {
  // Promise: both languages know the same codes; the type cannot see into the code tables.
  it('has every key in both languages', () => {
    expect(keysOf(en)).toEqual(keysOf(zh));
  });

  // Promise: a code from a newer gateway is shown as it came, never as nothing.
  it('shows unknown codes raw', () => {
    expect(locale.code(zh.reasons, 'recovered')).toBe('恢复正常');
    expect(locale.code(zh.reasons, 'something_new')).toBe('something_new');
    expect(locale.code(zh.reasons, null)).toBe('');
    expect(locale.pick({ zh: '', en: 'only' })).toBe('only');
  });
});

describe('formats', () => {
  // Promise: one zone, Beijing's, whatever the desk's clock is set to.
  it('writes times in Beijing’s zone', () => {
    const moment = Date.parse('2026-11-23T16:53:02.000Z');
    expect(clockOf(moment)).toBe('00:53:02');
    expect(momentOf(moment, 'en')).toBe('2026-11-24 Tue 00:53:02');
    expect(momentOf(moment, 'zh')).toBe('2026-11-24 周二 00:53:02');
    expect(shortMomentOf(moment, moment)).toBe('00:53:02');
    expect(shortMomentOf(moment - 7_200_000, moment)).toBe('11-23 22:53:02');
  });

  it('writes spans, values and units', () => {
    expect([0, 61_000, 3_900_000, 180_000_000].map(spanOf)).toEqual(['0s', '1m 01s', '1h 05m', '2d 2h']);
    expect([null, NaN, 0, 0.0754, 12.345, 123.45, 12_345.6].map(valueOf)).toEqual(['—', '—', '0', '0.075', '12.35', '123.5', '12346']);
    expect([unitOf('ug/m3'), unitOf('cm'), unitOf(null)]).toEqual(['µg/m³', 'cm', '']);
  });
});

describe('address', () => {
  // Promise: a link shows the same view, and what others put into the address stays.
  it('mirrors the view', () => {
    const view = new View('?lang=en&level=red&district=110105&level2=x');
    expect([view.level, view.district]).toEqual(['red', '110105']);
    view.toggleLevel('red');
    view.alert = 'ep 1';
    expect(new URLSearchParams(view.search('?lang=en&level=red&district=110105')).toString()).toBe('lang=en&district=110105&alert=ep+1');
    expect(new View('?level=purple').level).toBeNull();
  });
});
