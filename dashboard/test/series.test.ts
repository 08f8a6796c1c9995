import { cleanup } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import ChartRow from '../src/charts/ChartRow.svelte';
import { lonely, silent, spacingOf, withGaps, type Line } from '../src/charts/gaps';
import { locale } from '../src/i18n/locale.svelte';
import { alertOf } from './alerts';
import { deskWith, NOW, show, type OneDevice } from './desk';

interface Drawn {
  readonly line: Line;
  readonly bands: readonly unknown[];
  readonly now: number;
  readonly scale: 'figures' | ((value: number) => string);
}
const drawn: Drawn[] = [];

// The canvas is the browser's; what is drawn on it is ours.
vi.mock('../src/charts/plot', () => ({
  Plot: class {
    draw(line: Line, bands: readonly unknown[], now: number, scale: Drawn['scale']): void {
      drawn.push({ line, bands, now, scale });
    }
    resize(): void {}
    destroy(): void {}
  },
}));

const SECOND = NOW / 1_000;
const featured = [{ device: 'air-1', quantity: 'pm25' }];
const air: OneDevice = { id: 'air-1', quantity: 'pm25', unit: 'ug/m3', value: 42, at: NOW - 5_000, level: 0 };
let points: [number, number, number, number, number][];
const pointsAt = (...ages: number[]): void => {
  points = ages.map((age) => [NOW - age * 1_000, 1, 2, 3, 1]);
};

beforeEach(() => {
  locale.language = 'zh';
  drawn.length = 0;
  vi.useFakeTimers({ now: NOW });
  const bodies: [part: string, body: () => unknown][] = [
    ['/series/', () => ({ quantity: 'pm25', unit: 'ug/m3', points })],
    ['/rules', () => ({ items: ['pm25', 'power'].map((quantity) => ({ id: quantity, domain: 'ecology', quantity, levels: { yellow: 0 }, direction: 'below' })) })],
    ['', () => ({ items: [] })],
  ];
  vi.stubGlobal('fetch', (path: string) => {
    const body = bodies.find(([part]) => path.includes(part))?.[1];
    return Promise.resolve(new Response(JSON.stringify(body?.())));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function chart(device: OneDevice, series = featured): Promise<HTMLElement> {
  const page = show(ChartRow, deskWith([], '', { device, featured: series }));
  await vi.advanceTimersByTimeAsync(10);
  flushSync();
  return page;
}

describe('silence', () => {
  // Promise: an outage is a hole in the line, a single lost reading is not.
  it('breaks the line where more than three usual spacings are empty', () => {
    const times = [0, 60, 120, 240, 500, 560];
    expect(spacingOf(times, 12)).toBe(60);
    expect(withGaps(times, [1, 2, 3, 4, 5, 6], 60)).toEqual({ times: [0, 60, 120, 240, 370, 500, 560], values: [1, 2, 3, 4, null, 5, 6] });
    // Case: old readings come in buckets, live ones each second; the buckets are no gaps.
    expect(spacingOf([0, 12, 24, 25, 26, 27, 28], 12)).toBe(12);
    expect([spacingOf([], 12), spacingOf([5], 12)]).toEqual([null, null]);
    expect(withGaps([5], [1], null)).toEqual({ times: [5], values: [1] });
  });

  it('finds readings that a line cannot show, and series that should have spoken', () => {
    expect(lonely([1, null, 2, 3, null, 4])).toEqual([0, 5]);
    expect([silent(100, 280, 60), silent(100, 281, 60), silent(null, 281, 60), silent(100, 281, null)]).toEqual([false, true, false, false]);
  });

  // Promise: the time axis ends now, whenever the last reading was, and the value says how old it is.
  it('is seen at the end of the chart, and said', async () => {
    pointsAt(900, 840, 780, 720, 660);
    const page = await chart({ ...air, at: NOW - 660_000 });
    expect(drawn.at(-1)?.now).toBe(SECOND);
    expect(drawn.at(-1)?.line.times.at(-1)).toBe(SECOND - 660);
    const age = page.querySelector('[data-stale]');
    expect(age?.getAttribute('data-stale')).toBe('true');
    expect(age?.textContent).toBe('停滞 11分00秒');
    expect(page.querySelector('.plot.stale')).not.toBeNull();
  });

  it('is not claimed of a series that speaks, and is of one the gateway calls stale', async () => {
    pointsAt(185, 125, 65, 5);
    const fresh = await chart(air);
    expect(drawn.at(-1)?.bands.length).toBe(1);
    expect(fresh.querySelector('[data-stale]')?.textContent).toBe('5秒');
    expect(fresh.querySelector('[data-stale]')?.getAttribute('data-stale')).toBe('false');
    cleanup();
    const deaf = await chart({ ...air, level: -3 });
    expect(deaf.querySelector('[data-stale="true"]')?.textContent).toBe('停滞 5秒');
  });
});

describe('charts', () => {
  // Promise: the charts follow the alerts as they come; a chart that stays keeps its element, wherever it moves.
  it('follow the worst alerts live', async () => {
    pointsAt(5);
    const desk = deskWith([], '', { device: air, featured });
    const page = show(ChartRow, desk);
    const shown = (): string => [...page.querySelectorAll('[data-chart]')].map((one) => one.getAttribute('data-chart')).join(' ');
    const kept = page.querySelector('[data-chart="air-1"]');
    expect(shown()).toBe('air-1');
    desk.city.take(alertOf({ id: 'x', device: 'gas-1', level: 'red' }));
    flushSync();
    expect(shown()).toBe('gas-1 air-1');
    expect(page.querySelector('[data-chart="air-1"]')).toBe(kept);
    desk.city.take(alertOf({ id: 'x', device: 'gas-1', state: 'resolved', version: 2 }));
    flushSync();
    expect(shown()).toBe('air-1');
    await vi.advanceTimersByTimeAsync(10);
  });

  // Promise: the name is the city's own in Chinese; in English it is the id, which anyone can read.
  it('are named in the language of the page', async () => {
    pointsAt(5);
    const page = await chart(air);
    expect(page.querySelector('.name')?.textContent).toBe('微站 1 PM2.5');
    locale.language = 'en';
    flushSync();
    expect(page.querySelector('.name')?.textContent).toBe('air-1 PM2.5');
    expect(page.querySelector('.name')?.getAttribute('title')).toContain('微站 1');
  });

  // Promise: yes and no are words, also at the axis, and have no limits to draw.
  it('write yes and no in words', async () => {
    points = [120, 60].map((age, at) => [NOW - age * 1_000, 0, 1 - 0.4 * at, 1, 5]);
    const page = await chart({ ...air, quantity: 'power', unit: '1', value: 0 }, [{ device: 'air-1', quantity: 'power' }]);
    expect(page.querySelector('.now b')?.textContent).toBe('断电');
    const { bands, scale, line } = drawn.at(-1) ?? {};
    expect(line?.values).toEqual([1, 0, 0]);
    expect(bands).toEqual([]);
    expect(typeof scale === 'function' ? [scale(0), scale(1)] : scale).toEqual(['断电', '有电']);
  });
});
