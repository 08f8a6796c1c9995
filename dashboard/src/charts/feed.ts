/**
 * One chart's readings: the last hour by HTTP, then the live primary value appended; asked for again each minute, since
 * live values are conflated. Limit: `MAX_POINTS` readings, the oldest go first.
 */
import { api, type Point } from '../live/api';
import type { City } from '../live/city.svelte';

const WINDOW_MS = 3_600_000;
const POINTS = 300;
const MAX_POINTS = 2_000;
const REFRESH_MS = 60_000;
/** A series that the live frames do not carry is asked for more often. */
const REFRESH_SILENT_MS = 10_000;

export type FeedState = 'loading' | 'ready' | 'failed';

export class Feed {
  /** Seconds, as the plot wants them. */
  times: number[] = [];
  values: (number | null)[] = [];
  unit = '';
  state: FeedState = 'loading';
  #asked = 0;
  #asking = false;

  constructor(
    readonly device: string,
    readonly quantity: string,
    private readonly city: City,
  ) {}

  get last(): number | null {
    return this.values.at(-1) ?? null;
  }

  /** Brings the feed up to `now`; true when something is to be drawn anew. */
  async follow(now: number): Promise<void> {
    const live = this.#append();
    if (!this.#asking && now - this.#asked > (live ? REFRESH_MS : REFRESH_SILENT_MS)) await this.#ask(now);
  }

  async #ask(now: number): Promise<void> {
    this.#asking = true;
    this.#asked = now;
    try {
      const series = await api.series(this.device, this.quantity, now - WINDOW_MS, now, POINTS);
      this.unit = series.unit;
      this.#take(series.points);
      this.state = 'ready';
      this.#append();
    } catch {
      if (this.times.length === 0) this.state = 'failed';
    } finally {
      this.#asking = false;
    }
  }

  #take(points: readonly Point[]): void {
    this.times = points.map((point) => point[0] / 1_000);
    this.values = points.map((point) => point[2]);
  }

  /** Appends the live value if the frames carry this series; says whether they do. */
  #append(): boolean {
    const { devices } = this.city;
    const position = devices.position(this.device);
    if (position === undefined || devices.catalogue.quantity[position] !== this.quantity) return false;
    const [time, value] = [(devices.times[position] ?? 0) / 1_000, devices.values[position] ?? NaN];
    if (this.state === 'ready' && Number.isFinite(value) && time > (this.times.at(-1) ?? 0)) {
      this.times.push(time);
      this.values.push(value);
      if (this.times.length > MAX_POINTS) {
        this.times.splice(0, this.times.length - MAX_POINTS);
        this.values.splice(0, this.values.length - MAX_POINTS);
      }
    }
    return true;
  }
}
