import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CityMap } from '../src/map/city-map';
import { boundsOf } from '../src/map/features';
import { cityStyle, nameField } from '../src/map/style';
import { Devices } from '../src/live/devices';

interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}
const maps: { calls: Call[]; fire(event: string): void }[] = [];

vi.mock('maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url', () => ({ default: '' }));
// The library draws with WebGL, which tests do not have; this one writes down what it is asked for.
vi.mock('maplibre-gl', () => ({
  setWorkerUrl: () => undefined,
  Marker: class {},
  Map: class {
    calls: Call[] = [];
    touchZoomRotate = { disableRotation: () => undefined };
    #listeners = new Map<string, () => void>();
    constructor() {
      maps.push(this);
    }
    on(event: string, listener: unknown): void {
      if (typeof listener === 'function') this.#listeners.set(event, listener as () => void);
    }
    fire(event: string): void {
      this.#listeners.get(event)?.();
    }
    getSource(): object {
      return { setData: () => undefined, updateData: () => undefined };
    }
    #note(name: string, args: readonly unknown[]): void {
      this.calls.push({ name, args });
    }
    addImage(): void {}
    setFeatureState(...args: unknown[]): void {
      this.#note('setFeatureState', args);
    }
    setLayoutProperty(...args: unknown[]): void {
      this.#note('setLayoutProperty', args);
    }
    fitBounds(...args: unknown[]): void {
      this.#note('fitBounds', args);
    }
  },
}));

const square = (code: string, x: number): GeoJSON.Feature => ({
  type: 'Feature', properties: { code }, geometry: { type: 'Polygon', coordinates: [[[x, 39], [x + 1, 39], [x + 1, 40], [x, 40], [x, 39]]] },
});
const borders: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [square('110101', 116), square('110102', 117)] };

function mapOf(): { map: CityMap; calls: (name: string) => Call[]; load: () => void } {
  const map = new CityMap(document.createElement('div'), new Devices(), 'zh', true, { hover: () => undefined, pick: () => undefined, ready: () => undefined });
  const drawn = maps.at(-1);
  if (!drawn) throw new Error('no map was made');
  return { map, calls: (name) => drawn.calls.filter((call) => call.name === name), load: () => drawn.fire('load') };
}

beforeEach(() => {
  maps.length = 0;
  vi.stubGlobal('matchMedia', () => ({ matches: false }));
});
afterEach(() => vi.unstubAllGlobals());

describe('map', () => {
  // Promise: a language chosen while the map is still loading is the map's language.
  it('keeps a language chosen before it has loaded', () => {
    const { map, calls, load } = mapOf();
    map.setLanguage('en');
    expect(calls('setLayoutProperty')).toEqual([]);
    load();
    expect(calls('setLayoutProperty').at(-1)?.args).toEqual(['district-name', 'text-field', nameField('en')]);
  });

  // Promise: borders that come again do not take the operator's view away, and the chosen district stays chosen.
  it('is framed by the first borders only', () => {
    const { map, calls, load } = mapOf();
    map.setDistricts(borders);
    load();
    map.choose('110102');
    expect(calls('fitBounds').length).toBe(1);
    map.setDistricts({ ...borders });
    expect(calls('fitBounds').length).toBe(1);
    expect(calls('setFeatureState').at(-1)?.args).toEqual([{ source: 'districts', id: 2 }, { chosen: true }]);
  });

  // Promise: the chosen district is outlined, over its neighbours' borders.
  it('outlines the chosen district', () => {
    const { layers } = cityStyle('zh', false);
    const at = (id: string): number => layers.findIndex((layer) => layer.id === id);
    expect(at('district-chosen')).toBeGreaterThan(at('district-line'));
    expect(layers[at('district-chosen')]?.paint).toMatchObject({ 'line-color': '#8fd3ff', 'line-width': 2 });
  });

  // Case: a border with more points than a call takes arguments.
  it('bears very detailed borders', () => {
    const ring = Array.from({ length: 200_000 }, (_, at) => [116 + at / 200_000, 39 + (at % 2)]);
    const feature: GeoJSON.Feature = { type: 'Feature', properties: { code: 'x' }, geometry: { type: 'Polygon', coordinates: [ring] } };
    expect(boundsOf({ type: 'FeatureCollection', features: [feature] }, new Devices())?.[1]).toBe(39);
  });
});
