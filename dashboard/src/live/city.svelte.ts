/**
 * The city as the page knows it: what the link delivers, kept once, told to the framework at most once per painted frame.
 *
 * Invariants: an alert never goes back to an older version; the framework sees arrays that are replaced, never changed.
 * Limits: resolved alerts are kept for `RESOLVED_KEPT_MS`, at most `RESOLVED_MAX` of them; between two pictures, which
 * may be long in a hidden tab, at most `PRUNE_AT` alerts more.
 */
import { SvelteMap } from 'svelte/reactivity';
import { api, Problem } from './api';
import { Devices } from './devices';
import type { LinkStatus, Sink } from './link';
import { Reference } from './reference';
import { rankOf } from '../level';
import type {
  Alert, AlertFrame, Catalogue, DeviceFrame, Heartbeat, Level, Place, Rule, SequencedFrame, SeriesName, Snapshot, Status,
} from './wire';

const RESOLVED_KEPT_MS = 600_000;
const RESOLVED_MAX = 500;
/** So many alerts more than after the last clearing make the next one due, painted or not. */
const PRUNE_AT = 500;
/** Differences of the clocks below this are the network's. */
const CLOCK_JITTER_MS = 1_000;

/** Runs `flush` before the next paint. */
export type Painter = (flush: () => void) => void;

export class City implements Sink {
  readonly devices = new Devices();
  link = $state.raw<LinkStatus>({ state: 'connecting', lastFrameAt: 0, nextTryAt: null, tries: 0, snapshotProblem: null });
  heartbeatNow = $state.raw<Heartbeat | null>(null);
  /** All alerts of the page, open and recently resolved, unsorted. */
  alerts = $state.raw<readonly Alert[]>([]);
  featured = $state.raw<readonly SeriesName[]>([]);
  rules = $state.raw<readonly Rule[]>([]);
  about = $state.raw<Status | null>(null);
  /** How far the gateway's clock is ahead of this desk's, ms: a desk may be set wrongly, the city's time is the gateway's. */
  ahead = $state(0);
  /** Grows when device values or levels changed; read it to follow `devices`. */
  tick = $state(0);
  /** Grows with each snapshot. */
  generation = $state(0);
  readonly places = new SvelteMap<string, Place['name']>();
  /** The districts' borders; null until they came, or where the city has none. */
  borders = $state.raw<GeoJSON.FeatureCollection | null>(null);
  bordersState = $state<'asking' | 'here' | 'none' | 'failed'>('asking');

  #alerts = new Map<string, Alert>();
  #alertsChanged = false;
  #devicesChanged = false;
  #scheduled = false;
  #pendingCatalogue: Catalogue | null = null;
  #epoch = '';
  #size = 0;
  #reference = new Reference([
    async () => {
      const places = await api.places();
      return () => places.forEach((place) => this.places.set(place.code, place.name));
    },
    async () => {
      const rules = await api.rules();
      return () => (this.rules = rules);
    },
    async () => {
      const about = await api.status();
      return () => (this.about = about);
    },
    () => this.#askBorders(),
  ]);

  constructor(private readonly paint: Painter) {}

  /** Open alerts only, and no drills: this is what figures are made of. */
  open = $derived(this.alerts.filter((alert) => alert.state === 'firing' && !alert.drill));
  /** Open drills. */
  drills = $derived(this.alerts.filter((alert) => alert.state === 'firing' && alert.drill));
  #byId = $derived(new Map(this.alerts.map((alert) => [alert.id, alert])));
  /** Per level: open, and open without acknowledgement. */
  counts = $derived.by(() => {
    const counts = { blue: [0, 0], yellow: [0, 0], orange: [0, 0], red: [0, 0] } as Record<Level, [number, number]>;
    for (const alert of this.open) {
      const count = counts[alert.level];
      if (!count) continue;
      count[0] += 1;
      if (!alert.acknowledged) count[1] += 1;
    }
    return counts;
  });
  ready = $derived(this.generation > 0);
  /** The gateway is there but judges nothing: no alert will come, whatever happens. */
  unjudged = $derived(this.heartbeatNow?.evaluating === false);
  deafSources = $derived((this.heartbeatNow?.sources ?? []).filter((source) => source.state !== 'listening'));

  /** The snapshot with the catalogue it was taken for; asks for the catalogue only when its version is new. */
  async loadSnapshot(): Promise<Snapshot> {
    const snapshot = await api.snapshot();
    if (snapshot.version !== this.devices.catalogue.version || !this.ready) {
      this.#pendingCatalogue = await api.catalogue();
    }
    return snapshot;
  }

  snapshot(snapshot: Snapshot): void {
    this.devices.load(this.#pendingCatalogue ?? this.devices.catalogue, snapshot);
    this.#pendingCatalogue = null;
    this.#alerts = new Map(snapshot.alerts.map((alert) => [alert.id, alert]));
    this.featured = snapshot.featured;
    if (snapshot.hb) this.heartbeatNow = snapshot.hb;
    this.#size = this.#alerts.size;
    this.alerts = [...this.#alerts.values()];
    this.generation += 1;
    this.tick += 1;
    if (snapshot.epoch !== this.#epoch) {
      this.#epoch = snapshot.epoch;
      this.#reference.renew();
    } else {
      this.#reference.ask();
    }
  }

  frame(frame: SequencedFrame): boolean {
    return frame.t === 'al' ? this.#alertFrame(frame) : this.#deviceFrame(frame);
  }

  heartbeat(heartbeat: Heartbeat): void {
    this.heartbeatNow = heartbeat;
    const ahead = heartbeat.ts - Date.now();
    if (Math.abs(ahead - this.ahead) > CLOCK_JITTER_MS) this.ahead = ahead;
  }

  status(status: LinkStatus): void {
    this.link = status;
  }

  /** Takes an alert as a command's answer gave it; the same version comes again by the socket. */
  take(alert: Alert): void {
    this.#upsert(alert);
    this.#schedule();
  }

  /** How many alerts are kept, painted or not. */
  get kept(): number {
    return this.#alerts.size;
  }

  alert(id: string | null): Alert | undefined {
    return id === null ? undefined : this.#byId.get(id);
  }

  /** The worst level among open alerts for which `of` holds, or null. */
  worst(of: (alert: Alert) => boolean): Level | null {
    let worst: Level | null = null;
    for (const alert of this.open) {
      if (of(alert) && (worst === null || rankOf(alert.level) > rankOf(worst))) worst = alert.level;
    }
    return worst;
  }

  #alertFrame(frame: AlertFrame): boolean {
    for (const alert of frame.up) this.#upsert(alert);
    this.#schedule();
    return true;
  }

  #deviceFrame(frame: DeviceFrame): boolean {
    if (!this.devices.apply(frame)) return false;
    this.#devicesChanged = true;
    this.#schedule();
    return true;
  }

  #upsert(alert: Alert): void {
    const known = this.#alerts.get(alert.id);
    if (known && known.version > alert.version) return;
    this.#alerts.set(alert.id, alert);
    this.#alertsChanged = true;
    if (this.#alerts.size > this.#size + PRUNE_AT) this.#forgetOld();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.paint(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#alertsChanged) {
      this.#alertsChanged = false;
      this.#forgetOld();
      this.alerts = [...this.#alerts.values()];
    }
    if (this.#devicesChanged) {
      this.#devicesChanged = false;
      this.tick += 1;
    }
  }

  #forgetOld(): void {
    const resolved: [id: string, at: number][] = [];
    let newest = 0;
    for (const alert of this.#alerts.values()) {
      const at = Date.parse(alert.updated_at);
      newest = Math.max(newest, at);
      if (alert.state === 'resolved') resolved.push([alert.id, at]);
    }
    resolved.sort((a, b) => b[1] - a[1]);
    resolved.forEach(([id, at], place) => {
      if (place >= RESOLVED_MAX || newest - at > RESOLVED_KEPT_MS) this.#alerts.delete(id);
    });
    this.#size = this.#alerts.size;
  }

  /** A city without borders says so with 404; any other failure says nothing about the city. */
  async #askBorders(): Promise<() => void> {
    try {
      const borders = await api.districts();
      return () => {
        this.bordersState = 'here';
        // The same borders after a restart must not move the operator's map.
        if (JSON.stringify(borders) !== JSON.stringify(this.borders)) this.borders = borders;
      };
    } catch (error) {
      if (error instanceof Problem && error.status === 404) {
        return () => {
          this.bordersState = 'none';
          this.borders = null;
        };
      }
      if (this.bordersState === 'asking') this.bordersState = 'failed';
      throw error;
    }
  }
}
