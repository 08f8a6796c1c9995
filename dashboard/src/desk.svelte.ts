/**
 * The operator's desk: the city, the view of it, and the acts (acknowledge, locate) every part of the page may start.
 */
import { getContext, setContext } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { Deliveries } from './deliveries/deliveries.svelte';
import { locale } from './i18n/locale.svelte';
import { type Act, api, Problem } from './live/api';
import type { City } from './live/city.svelte';
import type { Link } from './live/link';
import type { Alert } from './live/wire';
import type { View } from './view.svelte';

/** Why an acknowledgement, or another act, was not taken: a conflict's reason, or a problem's code. */
export interface Refusal {
  readonly kind: 'conflict' | 'act' | 'problem';
  readonly code: string;
}

export interface Spot {
  readonly lon: number;
  readonly lat: number;
}

const KEY = Symbol('desk');

export class Desk {
  /** Local time, ms, moved on every second. */
  now = $state(Date.now());
  /** The same moment by the gateway's clock: what times of readings and alerts are measured against. */
  cityNow = $derived.by(() => this.now + this.city.ahead);
  /** The last place asked for; a new object each time, so that asking twice moves twice. */
  spot = $state.raw<Spot | null>(null);
  /** The last thing said to those who listen to the page instead of looking at it. */
  said = $state('');
  /** How telling goes. */
  readonly deliveries = new Deliveries();
  readonly sending = new SvelteSet<string>();
  readonly refusals = new SvelteMap<string, Refusal>();

  constructor(
    readonly city: City,
    readonly view: View,
    readonly link: Link,
  ) {}

  locate(alert: Alert): void {
    if (alert.lon === null || alert.lat === null) return;
    this.spot = { lon: alert.lon, lat: alert.lat };
  }

  select(id: string | null): void {
    if (this.view.alert !== null && this.view.alert !== id) this.refusals.delete(this.view.alert);
    this.view.alert = id;
  }

  /**
   * Acknowledges the version the operator has seen. A refusal is said at the alert if it is open or nothing is; who has
   * gone on to another alert is not called away from it: the row is marked, and opening it says why.
   */
  async acknowledge(alert: Alert, note = ''): Promise<boolean> {
    if (alert.acknowledged) return false;
    return this.act(alert, { name: 'acknowledge', body: note === '' ? {} : { note } });
  }

  /** Anything else done about the version the operator has seen; refused in the same way. */
  async act(alert: Alert, act: Act): Promise<boolean> {
    if (this.sending.has(alert.id) || alert.state === 'resolved') return false;
    this.sending.add(alert.id);
    try {
      this.city.take(await api.act(alert.id, alert.version, act));
      this.refusals.delete(alert.id);
      return true;
    } catch (error) {
      this.#refused(alert, error, act.name === 'acknowledge' ? 'conflict' : 'act');
      return false;
    } finally {
      this.sending.delete(alert.id);
    }
  }

  #refused(alert: Alert, error: unknown, kind: 'conflict' | 'act'): void {
    const { id } = alert;
    const problem = error instanceof Problem ? error : new Problem('internal', 0, '');
    if (problem.current) this.city.take(problem.current);
    if (this.view.alert === null) this.select(id);
    else if (this.view.alert !== id) this.said = locale.words.refusedRow(locale.pick(alert.title) || alert.rule);
    this.refusals.set(
      id,
      problem.code === 'conflict' && problem.reason ? { kind, code: problem.reason } : { kind: 'problem', code: problem.code },
    );
  }
}

export function provideDesk(desk: Desk): void {
  setContext(KEY, desk);
}

export function useDesk(): Desk {
  return getContext<Desk>(KEY);
}
