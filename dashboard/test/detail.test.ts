import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import Queue from '../src/alerts/Queue.svelte';
import { locale } from '../src/i18n/locale.svelte';
import { ACKNOWLEDGED, alertOf } from './alerts';
import { deskWith, NOW, show, type OneDevice } from './desk';
import { settled } from './story';

let answer: (path: string, init?: RequestInit) => Response;
const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  locale.language = 'zh';
  answer = () => json({ items: [] });
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => Promise.resolve(answer(path, init)));
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const air: OneDevice = { id: 'air-1', quantity: 'pm25', unit: 'ug/m3', value: 91.5, at: NOW - 4_000, level: 1 };
const text = (page: HTMLElement, selector: string): string => page.querySelector(selector)?.textContent?.replace(/\s+/g, ' ').trim() ?? '';

describe('note', () => {
  // Promise: a note begun for one alert never goes with another.
  it('is not carried from one alert to the next', async () => {
    const desk = deskWith([alertOf({ id: 'a' }), alertOf({ id: 'b' })], '?alert=a');
    const bodies: unknown[] = [];
    answer = (path, init) => {
      if (path.endsWith('/acknowledge')) bodies.push(init?.body);
      return json(alertOf({ id: path.includes('/b') ? 'b' : 'a', acknowledged: path.endsWith('/acknowledge') ? ACKNOWLEDGED : null }));
    };
    const page = show(AlertDetail, desk);
    const note = page.querySelector('textarea');
    if (!note) throw new Error('no note');
    await fireEvent.input(note, { target: { value: '只属于 A' } });
    desk.select('b');
    flushSync();
    expect(page.querySelector('textarea')?.value).toBe('');
    const form = page.querySelector('form');
    if (!form) throw new Error('no form');
    await fireEvent.submit(form);
    expect(bodies).toEqual(['{"version":1}']);
  });
});

describe('value', () => {
  // Promise: beside the limit of a sum or a mean stands the sum or the mean, never the device's live value.
  it('is that of the window where the rule judges one', async () => {
    const alert = alertOf({ id: 'a', quantity: 'pm25', unit: 'ug/m3', value: 130, threshold: 120, measure: { signal: 'mean', window_ms: 86_400_000 } });
    const desk = deskWith([alert], '?alert=a', { device: air });
    answer = () => json({ ...alert, levels: null, direction: null });
    const page = show(AlertDetail, desk);
    const row = show(Queue, desk);
    await settled();
    expect(text(page, '.figures')).toContain('130');
    expect(text(page, '.figures')).not.toContain('91.5');
    expect(text(row, '.row .figure')).toContain('130');
  });

  // Promise: where the device frames carry the alert's quantity, the present value is shown, with its age.
  it('is the live one, with its age, in detail, ladder and row', async () => {
    const alert = alertOf({ id: 'a', value: 80 });
    const desk = deskWith([alert], '?alert=a', { device: air });
    answer = () => json({ ...alert, levels: { blue: 75, yellow: 90, red: 250 }, direction: 'above' });
    const page = show(AlertDetail, desk);
    const row = show(Queue, desk);
    await settled();
    flushSync();
    expect(text(page, '[data-value="live"]')).toBe('当前值 91.5 µg/m³ 4秒前');
    expect(text(row, '[data-alert] [data-value="live"] b')).toBe('91.5µg/m³');
    const filled = (): boolean[] => [...page.querySelectorAll<HTMLElement>('.ladder i')].map((step) => step.style.background !== 'transparent');
    expect(filled()).toEqual([true, true, false]);
    desk.city.frame({ t: 'dv', s: 2, ts: NOW, i: [0], l: [1], v: [60], a: [NOW] });
    flushSync();
    expect(text(page, '[data-value="live"]')).toBe('当前值 60 µg/m³ 0秒前');
    expect(filled()).toEqual([false, false, false]);
  });

  // Promise: any other value is named for what it is: that of the last change.
  it('is named as that of the last change where it is', () => {
    const of = (fields: Partial<Parameters<typeof alertOf>[0]>): string => {
      const desk = deskWith([alertOf({ id: 'a', value: 80, ...fields })], '?alert=a', { device: air });
      const shown = `${text(show(AlertDetail, desk), '[data-value]')} | ${text(show(Queue, desk), '[data-alert] [data-value]')}`;
      cleanup();
      return shown;
    };
    expect(of({ quantity: 'no2' })).toBe('触发值 80 µg/m³ | 触发 80µg/m³ / 75');
    expect(of({ device: null })).toBe('触发值 80 µg/m³ | 触发 80µg/m³ / 75');
    locale.language = 'en';
    expect(of({ quantity: 'no2' })).toBe('At last change 80 µg/m³ | was 80µg/m³ / 75');
  });

  // Promise: a yes/no value is a word, and its limit of 1 is nobody's business.
  it('is a word for yes and no, without limit and ladder', async () => {
    const alert = alertOf({ id: 'a', quantity: 'smoke', unit: '1', value: 1, threshold: 1, level: 'red' });
    const desk = deskWith([alert], '?alert=a', { device: { ...air, quantity: 'smoke', unit: '1', value: 1 } });
    answer = () => json({ ...alert, levels: { red: 1 }, direction: 'above' });
    const page = show(AlertDetail, desk);
    await settled();
    flushSync();
    expect(text(page, '[data-value]')).toBe('当前值 报警 4秒前');
    expect(page.querySelector('.ladder')).toBeNull();
    expect(text(page, '.figures')).not.toContain('阈值');
    expect(text(show(Queue, desk), '[data-alert] .figure')).toBe('报警');
  });
});

describe('course and advice', () => {
  // Promise: trouble of the gateway passes by itself; what could not be had is asked for again.
  it('are asked for again after a failure', async () => {
    const alert = alertOf({ id: 'a' });
    let asked = 0;
    answer = (path) => {
      if (!path.endsWith('alerts/a')) return json({ items: [] });
      asked += 1;
      return asked === 1 ? json({ code: 'internal' }, 500) : json({ ...alert, advice: { zh: '派员核查', en: 'Send' } });
    };
    const page = show(AlertDetail, deskWith([alert], '?alert=a'));
    await vi.advanceTimersByTimeAsync(10);
    expect(text(page, '[data-problem]')).toContain('网关内部错误');
    await vi.advanceTimersByTimeAsync(5_000);
    flushSync();
    expect(page.querySelector('[data-problem]')).toBeNull();
    expect(text(page, '.advice')).toContain('派员核查');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(2);
  });

  // Promise: the trouble of one alert is not told at another.
  it('do not carry a problem to the next alert', async () => {
    const desk = deskWith([alertOf({ id: 'a' }), alertOf({ id: 'b' })], '?alert=a');
    answer = (path) => (path.endsWith('alerts/a') ? json({ code: 'not_found' }, 404) : json({ items: [] }));
    const page = show(AlertDetail, desk);
    await vi.advanceTimersByTimeAsync(10);
    expect(page.querySelector('[data-problem="not_found"]')).not.toBeNull();
    vi.stubGlobal('fetch', () => new Promise(() => undefined));
    desk.select('b');
    flushSync();
    expect(page.querySelector('[data-problem]')).toBeNull();
  });
});

describe('handling', () => {
  // Promise: what people did stands on the row and in the detail, and the sentence of the latest version in the page's language.
  it('shows who works on it, its silence, flapping and the sentence', async () => {
    const alert = alertOf({
      id: 'a',
      assigned: { to: '排水集团', by: 'li.wei', at: new Date(NOW - 60_000).toISOString() },
      silenced: { until: new Date(NOW + 3_600_000).toISOString(), by: 'li.wei', at: new Date(NOW).toISOString(), note: '检修' },
      flapping: true,
      text: { zh: '积水深度 28.3 cm，达到橙色限值 27 cm', en: 'Water depth 28.3 cm reached the orange limit 27 cm' },
    });
    const desk = deskWith([alert], '?alert=a');
    const step = { version: 1, at: alert.updated_at, state: 'firing', level: alert.level, reason: 'silenced', value: 1, actor: 'li.wei', text: { zh: 'li.wei 静默通知 1 小时：检修', en: '' } };
    answer = () => json({ ...alert, versions: [step] });
    const page = show(AlertDetail, desk);
    const row = show(Queue, desk);
    await settled();
    expect(text(page, '[data-sentence]')).toBe('积水深度 28.3 cm，达到橙色限值 27 cm');
    expect(text(page, 'dl')).toContain('排水集团');
    expect(text(page, 'dl')).toContain('检修');
    expect(text(page, 'ol')).toContain('li.wei 静默通知 1 小时：检修');
    expect([...row.querySelectorAll('[data-mark]')].map((mark) => mark.textContent)).toEqual(['已静默', '反复', '排水集团']);
    locale.language = 'en';
    flushSync();
    expect(text(page, '[data-sentence]')).toBe('Water depth 28.3 cm reached the orange limit 27 cm');
  });
});
