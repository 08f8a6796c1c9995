/**
 * The map of the city: owns the map library's object and everything drawn on it.
 *
 * Place in the data path: `Devices` (typed arrays) -> here, once a second and only for devices whose level changed;
 * values never go to the map. Limits: `PULSES` moving marks; the rest stands still.
 */
import { Map as GlMap, Marker, setWorkerUrl, type GeoJSONSource, type MapGeoJSONFeature } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import type { Devices } from '../live/devices';
import { boundsOf, deviceFeatures, labelPoints, mapLevel } from './features';
import { levelImages } from './icons';
import { cityStyle, FONT, nameField } from './style';

setWorkerUrl(workerUrl);

export const PULSES = 12;
const LOCATE_ZOOM = 14;
/** Room for what lies over the map: the legend below. */
const EDGES = { top: 16, bottom: 48, left: 24, right: 24 };

export interface Hover {
  readonly position: number;
  readonly x: number;
  readonly y: number;
}
export interface MapActs {
  hover(hover: Hover | null): void;
  pick(position: number): void;
  ready(): void;
}
export interface Place {
  readonly lon: number;
  readonly lat: number;
}

export class CityMap {
  readonly #map: GlMap;
  readonly #reduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
  #loaded = false;
  #generation = -1;
  #districts: GeoJSON.FeatureCollection | null = null;
  #chosen: string | null = null;
  #framed = false;
  #pulses: Marker[] = [];
  #target: Marker | null = null;
  #pulseKey = '';

  constructor(
    container: HTMLElement,
    private readonly devices: Devices,
    private language: 'zh' | 'en',
    private readonly lite: boolean,
    private readonly acts: MapActs,
  ) {
    const bounds = boundsOf(null, devices) ?? [115.4, 39.4, 117.5, 41.1];
    this.#map = new GlMap({
      container,
      style: cityStyle(language, lite),
      bounds,
      fitBoundsOptions: { padding: EDGES },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 18,
      fadeDuration: 0,
      localIdeographFontFamily: FONT.join(','),
      ...(lite ? { pixelRatio: 1 } : {}),
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.on('load', () => this.#load());
    this.#listen();
  }

  /** Takes over the city's borders; they may come before or after the map has loaded, and be replaced later. */
  setDistricts(districts: GeoJSON.FeatureCollection): void {
    // Numeric ids for feature-state; the code stays a property.
    const features = districts.features.map((district, place) => ({ ...district, id: place + 1 }));
    this.#districts = { ...districts, features };
    if (this.#loaded) this.#drawDistricts();
  }

  /** Before the map has loaded the language is only kept; `#load` applies it. */
  setLanguage(language: 'zh' | 'en'): void {
    this.language = language;
    if (this.#loaded) this.#map.setLayoutProperty('district-name', 'text-field', nameField(language));
  }

  /** Brings changed levels to the map; call it once a second. */
  sync(): void {
    if (!this.#loaded) return;
    const source = this.#map.getSource('devices') as GeoJSONSource;
    if (this.#generation !== this.devices.generation) {
      // A new snapshot, or the one that came before the map: draw all of it.
      this.#generation = this.devices.generation;
      this.devices.relevelled.clear();
      source.setData(deviceFeatures(this.devices));
    } else if (this.devices.relevelled.size > 0) {
      const update = [...this.devices.relevelled].map((position) => ({
        id: position + 1,
        addOrUpdateProperties: [{ key: 'lv', value: mapLevel(this.devices.levels[position] ?? -1) }],
      }));
      this.devices.relevelled.clear();
      source.updateData({ update });
    }
  }

  /** Moves to a place; `coveredPx` of the map's right side are under a panel. */
  locate(place: Place, coveredPx: number): void {
    const zoom = Math.max(this.#map.getZoom(), LOCATE_ZOOM);
    this.#map.easeTo({ center: [place.lon, place.lat], zoom, offset: [-coveredPx / 2, 0], duration: this.#reduced ? 0 : 900 });
  }

  /** Shows one district, or the whole city. */
  frame(code: string | null): void {
    const bounds = boundsOf(this.#districts, this.devices, code);
    if (bounds) this.#map.fitBounds(bounds, { padding: EDGES, duration: this.#reduced ? 0 : 700, maxZoom: 15 });
  }

  choose(code: string | null): void {
    this.#chosen = code;
    if (!this.#loaded) return;
    for (const district of this.#districts?.features ?? []) {
      this.#map.setFeatureState({ source: 'districts', id: district.id }, { chosen: code !== null && district.properties?.code === code });
    }
  }

  /** Shades districts by their open alerts, 0 … 1; neutral, since colour belongs to the levels. */
  setHeat(heat: ReadonlyMap<string, number>): void {
    if (!this.#loaded) return;
    for (const district of this.#districts?.features ?? []) {
      this.#map.setFeatureState({ source: 'districts', id: district.id }, { heat: heat.get(String(district.properties?.code)) ?? 0 });
    }
  }

  zoomBy(steps: number): void {
    this.#map.zoomTo(this.#map.getZoom() + steps, { duration: this.#reduced ? 0 : 250 });
  }

  /** The newest open reds beat; nothing else on the page moves by itself. */
  setPulses(places: readonly Place[]): void {
    const shown = this.lite || this.#reduced ? [] : places.slice(0, PULSES);
    const key = shown.map((place) => `${place.lon},${place.lat}`).join(';');
    if (key === this.#pulseKey) return;
    this.#pulseKey = key;
    for (const pulse of this.#pulses) pulse.remove();
    this.#pulses = shown.map((place) => this.#mark('map-pulse', place));
  }

  setTarget(place: Place | null): void {
    this.#target?.remove();
    this.#target = place ? this.#mark('map-target', place) : null;
  }

  remove(): void {
    this.#map.remove();
  }

  #mark(name: string, place: Place): Marker {
    const element = document.createElement('div');
    element.className = name;
    element.append(document.createElement('i'));
    const marker = new Marker({ element }).setLngLat([place.lon, place.lat]).addTo(this.#map);
    // The queue says the same in words; the library's own label would only be noise.
    element.removeAttribute('aria-label');
    element.removeAttribute('role');
    element.setAttribute('aria-hidden', 'true');
    return marker;
  }

  #load(): void {
    this.#loaded = true;
    for (const { name, image } of levelImages()) this.#map.addImage(name, image, { pixelRatio: 2 });
    this.setLanguage(this.language);
    this.#drawDistricts();
    this.sync();
    this.acts.ready();
  }

  #drawDistricts(): void {
    if (!this.#districts) return;
    (this.#map.getSource('districts') as GeoJSONSource).setData(this.#districts);
    (this.#map.getSource('names') as GeoJSONSource).setData(labelPoints(this.#districts));
    // Only the first borders frame the map; later ones must not take the operator's view away.
    const bounds = this.#framed ? null : boundsOf(this.#districts, this.devices);
    if (bounds) this.#map.fitBounds(bounds, { padding: EDGES, duration: 0 });
    this.#framed = true;
    this.choose(this.#chosen);
  }

  #listen(): void {
    const map = this.#map;
    map.on('click', 'cluster', (event) => void this.#openCluster(event.features?.[0]));
    for (const layer of ['device', 'device-alert']) {
      map.on('click', layer, (event) => {
        const position = Number(event.features?.[0]?.id) - 1;
        if (position >= 0) this.acts.pick(position);
      });
      map.on('mousemove', layer, (event) => {
        const position = Number(event.features?.[0]?.id) - 1;
        map.getCanvas().style.cursor = 'pointer';
        if (position >= 0) this.acts.hover({ position, x: event.point.x, y: event.point.y });
      });
      map.on('mouseleave', layer, () => {
        map.getCanvas().style.cursor = '';
        this.acts.hover(null);
      });
    }
    map.on('mouseenter', 'cluster', () => (map.getCanvas().style.cursor = 'pointer'));
    map.on('mouseleave', 'cluster', () => (map.getCanvas().style.cursor = ''));
    map.on('movestart', () => this.acts.hover(null));
  }

  async #openCluster(feature: MapGeoJSONFeature | undefined): Promise<void> {
    if (feature?.geometry.type !== 'Point') return;
    const [lon = 0, lat = 0] = feature.geometry.coordinates;
    const zoom = this.#map.getZoom();
    const expansion = await (this.#map.getSource('devices') as GeoJSONSource).getClusterExpansionZoom(Number(feature.properties.cluster_id)).catch(() => zoom);
    // The expansion zoom may be the present one; the press must still be felt.
    this.#map.easeTo({ center: [lon, lat], zoom: Math.max(expansion + 0.3, zoom + 1.5), duration: this.#reduced ? 0 : 500 });
  }
}
