/** The map's style: districts, clusters by worst level, devices by level. No tiles, glyphs or sprites from anywhere. */
import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import { COLOUR } from '../level';

export const FONT = ['Noto Sans CJK SC'];
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
const CALM = '#8797a7';
const SIGNAL = '#8fd3ff';

function byLevel(of: ExpressionSpecification, calm: string): ExpressionSpecification {
  return ['match', of, 4, COLOUR.red, 3, COLOUR.orange, 2, COLOUR.yellow, 1, COLOUR.blue, calm];
}

export function nameField(language: 'zh' | 'en'): ExpressionSpecification {
  return language === 'zh' ? ['coalesce', ['get', 'name_zh'], ['get', 'name_en']] : ['coalesce', ['get', 'name_en'], ['get', 'name_zh']];
}

const alerting: ExpressionSpecification = ['>', ['get', 'mx'], 0];
const radius: ExpressionSpecification = ['case', alerting, ['interpolate', ['linear'], ['sqrt', ['get', 'na']], 1, 11, 4, 16, 12, 27], ['interpolate', ['linear'], ['sqrt', ['get', 'point_count']], 1, 4, 40, 11]];

function sources(lite: boolean): Record<string, SourceSpecification> {
  return {
    districts: { type: 'geojson', data: EMPTY },
    names: { type: 'geojson', data: EMPTY },
    devices: {
      type: 'geojson',
      data: EMPTY,
      cluster: true,
      clusterRadius: 32,
      // Software drawing pays for each point; clusters stay longer there.
      clusterMaxZoom: lite ? 13 : 11,
      clusterProperties: { mx: ['max', ['get', 'lv']], na: ['+', ['case', ['>', ['get', 'lv'], 0], 1, 0]] },
    },
  };
}

function layers(language: 'zh' | 'en'): LayerSpecification[] {
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': '#0e141b' } },
    {
      id: 'district-fill',
      type: 'fill',
      source: 'districts',
      paint: { 'fill-color': ['case', ['boolean', ['feature-state', 'chosen'], false], '#2b4056', ['interpolate', ['linear'], ['number', ['feature-state', 'heat'], 0], 0, '#161f29', 1, '#25374a']], 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 9.5, 1, 13, 0.5] },
    },
    { id: 'district-line', type: 'line', source: 'districts', paint: { 'line-color': '#40566b', 'line-width': 1 } },
    // A layer of its own, above all borders: a neighbour's border must not cut into the chosen one's.
    {
      id: 'district-chosen',
      type: 'line',
      source: 'districts',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': SIGNAL, 'line-width': 2, 'line-opacity': ['case', ['boolean', ['feature-state', 'chosen'], false], 1, 0] },
    },
    {
      id: 'cluster',
      type: 'circle',
      source: 'devices',
      filter: ['has', 'point_count'],
      layout: { 'circle-sort-key': ['get', 'mx'] },
      paint: {
        'circle-radius': radius,
        'circle-color': ['case', alerting, '#131a22', ['==', ['get', 'mx'], -1], 'rgba(0,0,0,0)', '#2a3643'],
        'circle-opacity': 0.88,
        'circle-stroke-color': byLevel(['get', 'mx'], '#64768a'),
        'circle-stroke-width': ['case', alerting, 2.5, 1],
      },
    },
    {
      id: 'district-name',
      type: 'symbol',
      source: 'names',
      // Over the rings of calm clusters. The numbers above are placed first: a name takes whichever side of its point they leave
      // free, or goes.
      layout: {
        'text-field': nameField(language),
        'text-font': FONT,
        'text-size': 12.5,
        'text-variable-anchor': ['center', 'top', 'bottom', 'right', 'left', 'top-left', 'top-right', 'bottom-left', 'bottom-right'],
        'text-radial-offset': 1.8,
        'text-justify': 'auto',
        'text-padding': 1,
      },
      paint: { 'text-color': '#a9b8c6', 'text-halo-color': '#0e141b', 'text-halo-width': 1.4 },
    },
    {
      id: 'cluster-count',
      type: 'symbol',
      source: 'devices',
      filter: ['all', ['has', 'point_count'], alerting],
      layout: { 'text-field': ['to-string', ['get', 'na']], 'text-font': FONT, 'text-size': 13, 'text-allow-overlap': true, 'text-padding': 12 },
      paint: { 'text-color': '#ffffff' },
    },
    {
      id: 'cluster-mark',
      type: 'symbol',
      source: 'devices',
      filter: ['all', ['has', 'point_count'], alerting],
      layout: {
        'icon-image': ['concat', 'level-', ['to-string', ['get', 'mx']]],
        'icon-size': 0.85,
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'icon-offset': ['interpolate', ['linear'], ['sqrt', ['get', 'na']], 1, ['literal', [12, -12]], 4, ['literal', [16, -16]], 12, ['literal', [26, -26]]],
        'symbol-sort-key': ['get', 'mx'],
      },
    },
    {
      id: 'device',
      type: 'circle',
      source: 'devices',
      filter: ['all', ['!', ['has', 'point_count']], ['<=', ['get', 'lv'], 0]],
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 8, 2.2, 14, 5],
        'circle-color': ['case', ['<', ['get', 'lv'], 0], 'rgba(0,0,0,0)', CALM],
        'circle-stroke-color': '#b6c3cf',
        'circle-stroke-width': ['case', ['<', ['get', 'lv'], 0], 1.2, 0],
      },
    },
    {
      id: 'device-alert',
      type: 'symbol',
      source: 'devices',
      filter: ['all', ['!', ['has', 'point_count']], ['>', ['get', 'lv'], 0]],
      layout: {
        'icon-image': ['concat', 'level-', ['to-string', ['get', 'lv']]],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 8, 0.85, 14, 1.2],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'symbol-sort-key': ['get', 'lv'],
      },
    },
  ];
}

export function cityStyle(language: 'zh' | 'en', lite: boolean): StyleSpecification {
  return { version: 8, sources: sources(lite), layers: layers(language) };
}
