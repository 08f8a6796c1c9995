/** GeoJSON of the map made from the device columns and the district borders. Feature ids are device positions plus one. */
import type { Devices } from '../live/devices';

export type Bounds = [west: number, south: number, east: number, north: number];

/** What the map tells apart: 1 … 4 the levels, 0 normal, -1 unknown for whatever reason. */
export function mapLevel(level: number): number {
  return level < 0 ? -1 : level;
}

export function deviceFeatures(devices: Devices): GeoJSON.FeatureCollection<GeoJSON.Point> {
  const { lon, lat } = devices.catalogue;
  const features: GeoJSON.Feature<GeoJSON.Point>[] = [];
  for (let position = 0; position < devices.count; position += 1) {
    const [x, y] = [lon[position], lat[position]];
    // A device without a position is in the tables, not on the map.
    if (typeof x !== 'number' || typeof y !== 'number') continue;
    features.push({
      type: 'Feature',
      id: position + 1,
      geometry: { type: 'Point', coordinates: [x, y] },
      properties: { lv: mapLevel(devices.levels[position] ?? -1) },
    });
  }
  return { type: 'FeatureCollection', features };
}

function outerRings(geometry: GeoJSON.Geometry): GeoJSON.Position[][] {
  if (geometry.type === 'Polygon') return geometry.coordinates.slice(0, 1);
  if (geometry.type === 'MultiPolygon') return geometry.coordinates.flatMap((polygon) => polygon.slice(0, 1));
  return [];
}

/** Area (signed, square degrees) and centroid of a ring. */
function centroid(ring: GeoJSON.Position[]): { area: number; x: number; y: number } {
  let [area, x, y] = [0, 0, 0];
  ring.forEach((from, place) => {
    const to = ring[(place + 1) % ring.length] ?? from;
    const cross = (from[0] ?? 0) * (to[1] ?? 0) - (to[0] ?? 0) * (from[1] ?? 0);
    area += cross / 2;
    x += ((from[0] ?? 0) + (to[0] ?? 0)) * cross;
    y += ((from[1] ?? 0) + (to[1] ?? 0)) * cross;
  });
  return area === 0 ? { area: 0, x: ring[0]?.[0] ?? 0, y: ring[0]?.[1] ?? 0 } : { area, x: x / (6 * area), y: y / (6 * area) };
}

/** One label point per district: the centroid of its largest part, so that no label comes twice at tile borders. */
export function labelPoints(districts: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection<GeoJSON.Point> {
  const features = districts.features.flatMap((district) => {
    const parts = outerRings(district.geometry).map(centroid);
    const largest = parts.sort((a, b) => Math.abs(b.area) - Math.abs(a.area))[0];
    if (!largest) return [];
    return [{ type: 'Feature' as const, properties: district.properties, geometry: { type: 'Point' as const, coordinates: [largest.x, largest.y] } }];
  });
  return { type: 'FeatureCollection', features };
}

/** The box around all borders, or around all devices where there are no borders. */
export function boundsOf(districts: GeoJSON.FeatureCollection | null, devices: Devices, code: string | null = null): Bounds | null {
  const points: (readonly number[])[] = [];
  for (const district of districts?.features ?? []) {
    if (code !== null && district.properties?.code !== code) continue;
    // One by one: a detailed border has more points than a call takes arguments.
    for (const ring of outerRings(district.geometry)) for (const point of ring) points.push(point);
  }
  if (points.length === 0) {
    const { lon, lat, district } = devices.catalogue;
    for (let at = 0; at < devices.count; at += 1) {
      if (code === null || district[at] === code) points.push([lon[at] ?? NaN, lat[at] ?? NaN]);
    }
  }
  const box: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x = NaN, y = NaN] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box[0] <= box[2] ? box : null;
}
