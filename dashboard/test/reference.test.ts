import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { City } from '../src/live/city.svelte';
import { RETRY_MS } from '../src/live/reference';
import type { Snapshot } from '../src/live/wire';

const BORDERS = { type: 'FeatureCollection', features: [] };
let asked: string[];
let status: Record<string, number>;

function snapshotOf(epoch: string): Snapshot {
  return { epoch, seq: 1, now: 0, version: '', l: [], v: [], a: [], alerts: [], featured: [], hb: null };
}

beforeEach(() => {
  vi.useFakeTimers();
  [asked, status] = [[], {}];
  vi.stubGlobal('fetch', (path: string) => {
    const name = path.replace('api/v1/', '').replace(/\?.*/, '');
    asked.push(name);
    const code = status[name] ?? 200;
    const body = code !== 200 ? { code: code === 404 ? 'not_found' : 'internal' } : name === 'districts' ? BORDERS : name === 'status' ? { mode: 'demo' } : { items: [{ code: '110105', name: { zh: '朝阳区', en: 'Chaoyang' } }] };
    return Promise.resolve(new Response(JSON.stringify(body), { status: code }));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function cityOf(): Promise<City> {
  const city = new City((flush) => flush());
  city.snapshot(snapshotOf('e1'));
  await vi.advanceTimersByTimeAsync(10);
  return city;
}

describe('reference data', () => {
  // Promise: what failed is asked again until it is had, and only that.
  it('is asked again after half a minute, only what is missing', async () => {
    status = { districts: 500, places: 503, rules: 500, status: 500 };
    const city = await cityOf();
    expect([city.borders, city.bordersState, city.about, city.rules.length, city.places.size]).toEqual([null, 'failed', null, 0, 0]);
    status = { districts: 500 };
    asked = [];
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    expect(asked.sort()).toEqual(['districts', 'places', 'rules', 'status']);
    expect([city.about?.mode, city.rules.length, city.places.get('110105')?.zh]).toEqual(['demo', 1, '朝阳区']);
    [status, asked] = [{}, []];
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    expect(asked).toEqual(['districts']);
    expect([city.borders, city.bordersState]).toEqual([BORDERS, 'here']);
    asked = [];
    await vi.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(asked).toEqual([]);
  });

  // Promise: the next picture is reason enough to try again.
  it('is asked again with the next snapshot, anew after a restart', async () => {
    status = { rules: 500 };
    const city = await cityOf();
    [status, asked] = [{}, []];
    city.snapshot(snapshotOf('e1'));
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual(['rules']);
    asked = [];
    city.snapshot(snapshotOf('e2'));
    await vi.advanceTimersByTimeAsync(10);
    expect(asked.length).toBe(4);
  });

  // Promise: only the gateway's own word makes a city one without borders; a restart does not move the same borders.
  it('tells no borders from borders that could not be had', async () => {
    status = { districts: 404 };
    const city = await cityOf();
    expect(city.bordersState).toBe('none');
    asked = [];
    await vi.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(asked).toEqual([]);
    status = {};
    city.snapshot(snapshotOf('e2'));
    await vi.advanceTimersByTimeAsync(10);
    const first = city.borders;
    expect(first).toEqual(BORDERS);
    status = { districts: 500 };
    city.snapshot(snapshotOf('e3'));
    await vi.advanceTimersByTimeAsync(10);
    expect([city.bordersState, city.borders === first]).toEqual(['here', true]);
    status = {};
    city.snapshot(snapshotOf('e4'));
    await vi.advanceTimersByTimeAsync(10);
    expect(city.borders).toBe(first);
  });
});
