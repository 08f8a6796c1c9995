import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import CityIndex from '../src/city/CityIndex.svelte';
import IndexPanel from '../src/city/IndexPanel.svelte';
import { above, cost, recomputed } from '../src/city/explain';
import { locale } from '../src/i18n/locale.svelte';
import type { IndexExplanation, IndexPart } from '../src/live/wire';
import { beatOf, deskWith, NOW, show } from './desk';
import { settled } from './story';

const open = { red: 0, orange: 0, yellow: 0, blue: 0 };
const part = (fields: Partial<IndexPart>): IndexPart => ({
  of: 'city', kind: 'city', domain: null, code: null, name: { zh: '全市', en: 'The city' }, index: 85, mean: 85, cap: null, weight: 1,
  devices: 4, online: 3, coverage: 0.75, ...fields, ...{ open },
});
const domain = (name: 'traffic' | 'ecology', index: number | null): IndexPart =>
  part({ of: `domain:${name}`, kind: 'domain', domain: name, name: { zh: name === 'traffic' ? '城市交通' : '生态环境', en: name }, index, mean: index, weight: index === null ? 0 : 1 });
const explanation = (fields: Partial<IndexExplanation>): IndexExplanation => ({
  at: '2026-11-23T12:05:00.000Z', part: part({}), formula: { zh: '平均值', en: 'The mean' }, children: [domain('traffic', 70), domain('ecology', 100)],
  devices: [], rest: { count: 0, weight: 0, sum: 0 }, unknown: { never: 0, stale: 0, deaf: 0, maintenance: 0, devices: [] }, ...fields,
});
const street = part({ of: 'street:110105003/traffic', kind: 'street', domain: 'traffic', code: '110105003', name: { zh: '街道 110105003', en: 'Street 110105003' }, index: 40, mean: 70,
  cap: { level: 'red', score: 40, cause: { alert: 'e1', rule: 'wl', title: { zh: '积水', en: 'Water' }, subject: { kind: 'device', id: 'wl-2' } } } });
const device = { id: 'wl-2', name: '安华桥', quantity: 'water_depth', unit: 'cm', value: 51, limit: 50, limit_level: 'red', level: 'red', score: 40 } as const;

let asked: string[] = [];
let answers: Record<string, IndexExplanation> = {};
beforeEach(() => {
  locale.language = 'zh';
  asked = [];
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string) => {
    const of = decodeURIComponent(path.split('of=')[1] ?? '');
    if (of !== '') asked.push(of);
    const answer = answers[of];
    return Promise.resolve(new Response(JSON.stringify(answer ?? { code: 'not_found' }), { status: answer ? 200 : 404 }));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an index explained', () => {
  // Promise: the way up from a part leads through the domain to the city.
  it('knows what a part belongs to', () => {
    expect(above(part({}))).toEqual([]);
    expect(above(domain('traffic', 1))).toEqual(['city']);
    expect(above(street)).toEqual(['city', 'domain:traffic', 'district:110105/traffic']);
    expect(above({ kind: 'street', domain: null, code: '110000' })).toEqual(['city', 'district:none']);
  });

  // Promise: what the children cost adds up to what is missing from the mean; one without a score costs nothing.
  it('says what each child costs', () => {
    const told = explanation({ children: [{ ...domain('traffic', 70), weight: 2 }, domain('ecology', null)], rest: { count: 2, weight: 2, sum: 200 } });
    expect(cost(told, 70, 2)).toBe(15);
    expect(cost(told, null, 0)).toBe(0);
    expect(cost(explanation({ children: [] }), 50, 1)).toBe(0);
  });

  // Promise: the index that stands there is what the explanation comes to: weights, what is not listed, half up, the cap.
  it('comes to the index', () => {
    expect(recomputed(explanation({}))).toBe(85);
    expect(recomputed(explanation({ children: [{ ...domain('traffic', 97.5), weight: 3 }, domain('ecology', null)], rest: { count: 1, weight: 1, sum: 80 } }))).toBe(93.1);
    expect(recomputed(explanation({ part: street, children: [], devices: [device], rest: { count: 1, weight: 1, sum: 100 } }))).toBe(40);
    expect(recomputed(explanation({ part: { ...street, cap: null }, children: [] }))).toBe(null);
  });
});

describe('the panel', () => {
  // Promise: a number pressed opens, leads down to the devices and up again, and Escape closes it.
  it('opens from the number down to the devices', async () => {
    answers = {
      city: explanation({}),
      'domain:traffic': explanation({ part: domain('traffic', 70), children: [street] }),
      'street:110105003/traffic': explanation({ part: street, children: [], devices: [device], rest: { count: 1, weight: 1, sum: 100 },
        unknown: { never: 1, stale: 0, deaf: 0, maintenance: 0, devices: [{ id: 'wl-3', name: '', why: 'never' }] } }),
    };
    const desk = deskWith([]);
    desk.city.heartbeat(beatOf({ index: { city: 85, coverage: 0.75, domains: { traffic: { index: 70, coverage: 1 } } } }));
    flushSync();
    const index = show(CityIndex, desk);
    const number = index.querySelector<HTMLElement>('[data-figure=index]');
    if (!number) throw new Error('no number');
    await fireEvent.click(number);
    expect(desk.view.index).toBe('city');
    expect(desk.view.search('')).toBe('?index=city');
    const panel = show(IndexPanel, desk, { of: 'city' });
    await settled();
    expect(panel.querySelector('[data-figure=explained]')?.textContent).toBe('85.0');
    expect([...panel.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent.trim()).join(' '))).toEqual(['城市交通 70.0 15.0 1 75.0%', '生态环境 100.0 0.0 1 75.0%']);
    await fireEvent.click(panel.querySelector('tbody .link') as HTMLElement);
    expect(desk.view.index).toBe('domain:traffic');
    cleanup();
    const deep = show(IndexPanel, desk, { of: 'street:110105003/traffic' });
    await settled();
    const text = deep.textContent.replace(/\s+/g, ' ');
    for (const said of ['wl-2', '51', '50 红色', '40.0', '积水 · wl-2', '未知设备 1 台', '从未上报']) expect(text).toContain(said);
    await fireEvent.click(deep.querySelector('.cap .link') as HTMLElement);
    expect(desk.view.alert).toBe('e1');
    await fireEvent.keyDown(deep.querySelector('[data-index]') as HTMLElement, { key: 'Escape' });
    expect(desk.view.index).toBe(null);
  });

  // Promise: a panel that is open follows the city, and says so when it cannot.
  it('asks again, and says where it gets no answer', async () => {
    answers = { city: explanation({}) };
    const panel = show(IndexPanel, deskWith([]), { of: 'city' });
    await settled();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toEqual(['city', 'city']);
    answers = {};
    cleanup();
    const gone = show(IndexPanel, deskWith([]), { of: 'district:1' });
    await settled();
    expect(gone.textContent).toContain('暂时取不到说明');
    expect(panel.isConnected).toBe(false);
  });
});
