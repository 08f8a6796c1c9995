import { flushSync } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { City } from '../src/live/city.svelte';
import { ACKNOWLEDGED, alertOf } from './alerts';
import type { Alert, Catalogue, Snapshot } from '../src/live/wire';

const catalogue: Catalogue = {
  version: 'c1', id: ['air-1', 'air-2'], lon: [116.4, 116.5], lat: [39.9, 39.8], kind: ['air', 'air'], district: ['110105', '110105'],
  domain: ['ecology', 'ecology'], name: ['微站 1', '微站 2'], quantity: ['pm25', 'pm25'], unit: ['ug/m3', 'ug/m3'],
};

function snapshotOf(alerts: Alert[]): Snapshot {
  return { epoch: 'e1', seq: 1, now: 0, version: 'c1', l: [0, -1], v: [12, null], a: [1_000, 0], alerts, featured: [], hb: null };
}

async function cityWith(alerts: Alert[]): Promise<{ city: City; paint: () => void }> {
  const paints: (() => void)[] = [];
  const city = new City((flush) => void paints.push(flush));
  vi.stubGlobal('fetch', (path: string) =>
    Promise.resolve(new Response(JSON.stringify(path.endsWith('snapshot') ? snapshotOf(alerts) : path.endsWith('view/devices') ? catalogue : { items: [] }))),
  );
  city.snapshot(await city.loadSnapshot());
  return {
    city,
    paint: () => {
      for (const flush of paints.splice(0)) flush();
      flushSync();
    },
  };
}

afterEach(() => vi.unstubAllGlobals());

describe('alerts', () => {
  // Promise: an alert never goes back to an older version, whichever way the news came.
  it('keeps the newest version', async () => {
    const { city, paint } = await cityWith([alertOf({ id: 'a', version: 3, level: 'red' })]);
    city.frame({ t: 'al', s: 2, ts: 0, up: [alertOf({ id: 'a', version: 2, level: 'blue' })] });
    paint();
    expect(city.alert('a')?.level).toBe('red');
    city.take(alertOf({ id: 'a', version: 4, level: 'red', acknowledged: ACKNOWLEDGED }));
    paint();
    expect(city.alert('a')?.acknowledged).toEqual(ACKNOWLEDGED);
  });

  // Promise: counts are of open alerts, acknowledged ones apart.
  it('counts open and unacknowledged per level', async () => {
    const { city } = await cityWith([
      alertOf({ id: 'a', level: 'red' }),
      alertOf({ id: 'b', level: 'red', acknowledged: ACKNOWLEDGED }),
      alertOf({ id: 'c', level: 'red', state: 'resolved' }),
    ]);
    expect(city.counts.red).toEqual([2, 1]);
  });

  // Limit: returned alerts leave after ten minutes, so that a page open for weeks does not grow.
  it('forgets what returned long ago', async () => {
    const { city, paint } = await cityWith([alertOf({ id: 'old', state: 'resolved', updated_at: '2026-11-23T12:00:00.000Z' })]);
    city.frame({ t: 'al', s: 2, ts: 0, up: [alertOf({ id: 'new', updated_at: '2026-11-23T12:10:00.001Z' })] });
    paint();
    expect(city.alerts.map((alert) => alert.id)).toEqual(['new']);
  });

  // Limit: a hidden tab is not painted; what it keeps must stay bounded all the same.
  it('forgets without being painted', async () => {
    const { city, paint } = await cityWith([alertOf({ id: 'open' })]);
    const at = (n: number): string => new Date(Date.parse('2026-11-23T12:00:00.000Z') + n).toISOString();
    for (let n = 0; n < 20_000; n += 1) city.frame({ t: 'al', s: n, ts: 0, up: [alertOf({ id: `r${n}`, state: 'resolved', updated_at: at(n) })] });
    expect(city.kept).toBeLessThan(1_100);
    paint();
    expect(city.alerts.length).toBe(501);
    expect(city.alert('open')).toBeDefined();
    expect(city.alert('r19999')).toBeDefined();
  });

  // Case: more alerts than a call takes arguments.
  it('bears a very large number of open alerts', async () => {
    const { city, paint } = await cityWith([]);
    city.snapshot(snapshotOf(Array.from({ length: 150_000 }, (_, n) => alertOf({ id: `a${n}` }))));
    city.frame({ t: 'al', s: 2, ts: 0, up: [alertOf({ id: 'b' })] });
    expect(paint).not.toThrow();
  });

  // Promise: a burst of frames makes one picture.
  it('tells the framework once per paint', async () => {
    const { city, paint } = await cityWith([]);
    const before = city.alerts;
    for (let at = 0; at < 100; at += 1) city.frame({ t: 'al', s: at, ts: 0, up: [alertOf({ id: `a${at}` })] });
    expect(city.alerts).toBe(before);
    paint();
    expect(city.alerts.length).toBe(100);
  });
});

describe('devices', () => {
  // Promise: unknown stays unknown, and only changed levels go to the map.
  it('applies columns and notes changed levels', async () => {
    const { city } = await cityWith([]);
    expect([...city.devices.levels]).toEqual([0, -1]);
    expect(city.frame({ t: 'dv', s: 2, ts: 0, i: [0, 1], l: [4, -1], v: [260, null], a: [2_000, 0] })).toBe(true);
    expect([...city.devices.relevelled]).toEqual([0]);
    expect(city.devices.values[0]).toBe(260);
    expect(Number.isNaN(city.devices.values[1])).toBe(true);
  });

  // Case: a device beyond the catalogue; nothing of the frame may be applied.
  it('refuses a frame that does not fit', async () => {
    const { city } = await cityWith([]);
    expect(city.frame({ t: 'dv', s: 2, ts: 0, i: [0, 2], l: [4, 4], v: [1, 1], a: [1, 1] })).toBe(false);
    expect(city.devices.levels[0]).toBe(0);
  });
});
