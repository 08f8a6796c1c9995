/**
 * The devices' state in typed arrays, outside the framework: 20,000 devices at 5 frames a second must not make proxies.
 *
 * Levels as on the wire: 0 normal, 1 blue … 4 red, -1 never seen, -2 stale, -3 its source is deaf, -4 under maintenance.
 */
import type { Catalogue, DeviceFrame, Snapshot } from './wire';

const EMPTY: Catalogue = {
  version: '', id: [], lon: [], lat: [], kind: [], district: [], domain: [], name: [], quantity: [], unit: [],
};

export class Devices {
  catalogue: Catalogue = EMPTY;
  levels = new Int8Array(0);
  values = new Float64Array(0);
  /** Event time of the last reading, ms; 0 for never. */
  times = new Float64Array(0);
  /** Devices whose level changed since the map last took them. */
  readonly relevelled = new Set<number>();
  /** Grows by one with each snapshot: whoever draws devices starts over. */
  generation = 0;
  #positions = new Map<string, number>();

  get count(): number {
    return this.levels.length;
  }

  position(id: string | null): number | undefined {
    return id === null ? undefined : this.#positions.get(id);
  }

  load(catalogue: Catalogue, snapshot: Snapshot): void {
    if (catalogue.version !== this.catalogue.version || this.count !== catalogue.id.length) {
      this.catalogue = catalogue;
      this.#positions = new Map(catalogue.id.map((id, position) => [id, position]));
    }
    const count = catalogue.id.length;
    this.levels = new Int8Array(count);
    this.values = new Float64Array(count);
    this.times = new Float64Array(count);
    for (let position = 0; position < count; position += 1) {
      this.levels[position] = snapshot.l[position] ?? -1;
      this.values[position] = snapshot.v[position] ?? NaN;
      this.times[position] = snapshot.a[position] ?? 0;
    }
    this.relevelled.clear();
    this.generation += 1;
  }

  /** False when the frame names a device that the catalogue does not have. */
  apply(frame: DeviceFrame): boolean {
    const count = this.count;
    for (const position of frame.i) {
      if (!(position >= 0 && position < count)) return false;
    }
    frame.i.forEach((position, column) => {
      const level = frame.l[column] ?? -1;
      if (this.levels[position] !== level) {
        this.levels[position] = level;
        this.relevelled.add(position);
      }
      this.values[position] = frame.v[column] ?? NaN;
      this.times[position] = frame.a[column] ?? 0;
    });
    return true;
  }
}
