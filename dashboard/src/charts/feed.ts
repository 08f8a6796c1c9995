/**
 * One chart's readings: the last hour by HTTP, then the live primary value appended; asked for again each minute, since
 * live values are conflated. Limit: `MAX_POINTS` readings, the oldest go first.
 */
import { binary } from '../i18n/locale.svelte';
import { api, type Point } from '../live/api';
import type { City } from '../live/city.svelte';
import { spacingOf } from './gaps';

const WINDOW_MS = 3_600_000;
const POINTS = 300;
/** Older readings come in buckets this wide, however often the device speaks. */
const BUCKET_S = WINDOW_MS / POINTS / 1_000;
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
  /** When the last reading was, in seconds; null for none. */
  get lastAt(): number | null {
    return this.times.at(-1) ?? null;
  }
  /** How far apart readings usually are, in seconds; null where that cannot be said yet. */
  get spacing(): number | null {
    return spacingOf(this.times, BUCKET_S);
  }

  /** Brings the feed up to `now`. */
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
    const known = points.filter((point) => point[2] !== null);
    this.times = known.map((point) => point[0] / 1_000);
    const means = known.map((point) => point[2]);
    this.values = binary(this.quantity) ? decided(means) : means;
  }

  /** Appends the live value if the frames carry this series; says whether they do. */
  #append(): boolean {
    const { devices } = this.city;
    const position = devices.position(this.device);
    if (position === undefined || devices.catalogue.quantity[position] !== this.quantity) return false;
    const [time, value] = [(devices.times[position] ?? 0) / 1_000, devices.values[position] ?? NaN];
    const last = this.times.at(-1) ?? 0;
    if (this.state === 'ready' && Number.isFinite(value) && time >= last && time > 0) {
      // A bucket that begins with this very reading gives way to it.
      const over = time === last ? 1 : 0;
      this.times.splice(this.times.length - over, over, time);
      this.values.splice(this.values.length - over, over, value);
      if (this.times.length > MAX_POINTS) {
        this.times.splice(0, this.times.length - MAX_POINTS);
        this.values.splice(0, this.values.length - MAX_POINTS);
      }
    }
    return true;
  }
}

/** Means of a yes/no quantity as yes or no: a bucket that saw both is shown as a change from the one before. */
export function decided(means: readonly (number | null)[]): (number | null)[] {
  let before: number | null = null;
  return means.map((mean) => {
    if (mean !== null) before = mean === 0 || mean === 1 ? mean : before === null ? Number(mean >= 0.5) : 1 - before;
    return mean === null ? null : before;
  });
}
