import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clockOf, delayOf, exactOf, momentOf, shortMomentOf, spanOf, unitOf, valueOf } from '../src/format';
import { en } from '../src/i18n/en';
import { locale } from '../src/i18n/locale.svelte';
import { QUANTITIES } from '../src/i18n/quantities';
import { troubleOf, TROUBLES } from '../src/i18n/troubles';
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

describe('quantities', () => {
  const registry = readFileSync(join(import.meta.dirname, '../../gateway/core/src/reading/quantity.rs'), 'utf8');
  const entries = [...registry.matchAll(/^ {4}(?:public|internal|sensitive)\(\s*"(\w+)",\s*"([^"]+)",\s*([-\d._]+),\s*([-\d._]+),/gm)].map(
    ([, name = '', unit, min, max]) => ({ name, binary: unit === '1' && Number(min) === 0 && Number(max) === 1 }),
  );

  // Promise: whatever the gateway can measure has a name in both languages, and no name stands for nothing.
  it('names every quantity of the registry, and no other', () => {
    expect(entries.length).toBeGreaterThan(50);
    expect(Object.keys(QUANTITIES).sort()).toEqual(entries.map((entry) => entry.name).sort());
    for (const words of Object.values(QUANTITIES)) expect(words.zh !== '' && words.en !== '').toBe(true);
  });

  // Promise: a yes/no value is told in words; nobody has to know whether a 1 is good or bad.
  it('has words for yes and no, and only there', () => {
    const spoken = Object.entries(QUANTITIES).filter(([, words]) => words.states).map(([name]) => name);
    expect(spoken.sort()).toEqual(entries.filter((entry) => entry.binary).map((entry) => entry.name).sort());
    locale.language = 'zh';
    expect([locale.reading('smoke', 1, '1'), locale.reading('power', 0, '1'), locale.reading('smoke', null, '1')]).toEqual(
      ['报警', '断电', '—'].map((text) => ({ text, unit: '' })),
    );
    expect(locale.reading('crowd_density', 5.38, '/m2')).toEqual({ text: '5.38', unit: '人/m²' });
    locale.language = 'en';
    expect([locale.quantity('power'), locale.reading('power', 1, '1').text, locale.quantity('newer_one')]).toEqual(['Mains', 'on', 'newer_one']);
    locale.language = 'zh';
  });
});

describe('troubles', () => {
  const source = readFileSync(join(import.meta.dirname, '../../gateway/core/src/notify/answer.rs'), 'utf8').split('#[cfg(test)]')[0] ?? '';
  const sentences = [...source.matchAll(/(?:=> |, )"(the [^"]+|no connection[^"]+)"/g)].map(([, sentence = '']) => sentence);

  // Promise: whatever the gateway says of a receiver that does not take what it is told is said in the page's language.
  it('has every sentence of the gateway', () => {
    expect(sentences.length).toBeGreaterThan(14);
    expect(sentences.filter((sentence) => !TROUBLES[sentence])).toEqual([]);
    expect(troubleOf('the receiver refuses (HTTP 404)', 'zh')).toBe('接收方拒收（HTTP 404）');
    expect(troubleOf('the receiver refuses (HTTP 404)', 'en')).toBe('the receiver refuses (HTTP 404)');
    expect(troubleOf('superseded by version 3; last attempt: no connection to the receiver', 'zh')).toBe('由第 3 版代替；最后一次：连不上接收方');
    expect(troubleOf('silenced by li.wei: 检修', 'zh')).toBe('li.wei 静默：检修');
    expect(troubleOf('something newer', 'zh')).toBe('something newer');
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
    expect([exactOf(moment + 481), exactOf(-1)]).toEqual(['2026-11-24 00:53:02.481', '1970-01-01 07:59:59.999']);
    expect(shortMomentOf(moment - 7_200_000, moment)).toBe('11-23 22:53:02');
  });

  it('writes spans, values and units', () => {
    const spans = [0, 61_000, 3_900_000, 180_000_000];
    expect(spans.map((span) => spanOf(span, 'en'))).toEqual(['0s', '1m 01s', '1h 05m', '2d 2h']);
    expect(spans.map((span) => spanOf(span, 'zh'))).toEqual(['0秒', '1分01秒', '1时05分', '2天2时']);
    expect([-5, 14, 420, 9_949, 9_950, 61_000].map((ms) => delayOf(ms, 'en'))).toEqual(['0 ms', '14 ms', '0.4s', '9.9s', '9s', '1m 01s']);
    expect([null, NaN, 0, 0.0754, 12.345, 123.45, 12_345.6].map(valueOf)).toEqual(['—', '—', '0', '0.075', '12.35', '123.5', '12346']);
    expect(['ug/m3', 'cm', null, '/m2', '/h', '1'].map((unit) => unitOf(unit, 'zh'))).toEqual(['µg/m³', 'cm', '', '人/m²', '辆/h', '']);
    expect(['/m2', '/h'].map((unit) => unitOf(unit, 'en'))).toEqual(['p/m²', 'veh/h']);
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
