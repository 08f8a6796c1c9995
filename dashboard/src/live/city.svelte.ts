/**
 * The city as the page knows it: what the link delivers, kept once, told to the framework at most once per painted frame.
 *
 * Invariants: an alert never goes back to an older version; the framework sees arrays that are replaced, never changed.
 * Limits: resolved alerts are kept for `RESOLVED_KEPT_MS`, at most `RESOLVED_MAX` of them.
 */
import { SvelteMap } from 'svelte/reactivity';
import { api } from './api';
import { Devices } from './devices';
import type { LinkStatus, Sink } from './link';
import { rankOf } from '../level';
import type {
  Alert, AlertFrame, Catalogue, DeviceFrame, Heartbeat, Level, Place, Rule, SequencedFrame, SeriesName, Snapshot, Status,
} from './wire';

const RESOLVED_KEPT_MS = 600_000;
const RESOLVED_MAX = 500;
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

  #alerts = new Map<string, Alert>();
  #alertsChanged = false;
  #devicesChanged = false;
  #scheduled = false;
  #pendingCatalogue: Catalogue | null = null;
  #epoch = '';

  constructor(private readonly paint: Painter) {}

  /** Open alerts only. */
  open = $derived(this.alerts.filter((alert) => alert.state === 'firing'));
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
    this.alerts = [...this.#alerts.values()];
    this.generation += 1;
    this.tick += 1;
    if (snapshot.epoch !== this.#epoch) {
      this.#epoch = snapshot.epoch;
      void this.#loadReference();
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
    const resolved = [...this.#alerts.values()].filter((alert) => alert.state === 'resolved');
    resolved.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
    const newest = Math.max(0, ...[...this.#alerts.values()].map((alert) => Date.parse(alert.updated_at)));
    resolved.forEach((alert, place) => {
      if (place >= RESOLVED_MAX || newest - Date.parse(alert.updated_at) > RESOLVED_KEPT_MS) this.#alerts.delete(alert.id);
    });
  }

  /** Names, rules and mode: the page works without them, so a failure leaves codes on the screen and nothing else. */
  async #loadReference(): Promise<void> {
    const [places, rules, status] = await Promise.allSettled([api.places(), api.rules(), api.status()]);
    if (places.status === 'fulfilled') for (const place of places.value) this.places.set(place.code, place.name);
    if (rules.status === 'fulfilled') this.rules = rules.value;
    if (status.status === 'fulfilled') this.about = status.value;
  }
}
