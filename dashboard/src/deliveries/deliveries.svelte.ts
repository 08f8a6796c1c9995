/**
 * How telling goes: receivers with what they are owed, and dead letters, which nobody sends again but by hand.
 *
 * What was sent again or set aside here stays in the list until the list is closed, or until it died anew.
 * Limits: the newest `DEAD_MAX` dead letters, of the newest `TITLES_MAX` alerts their names; of what waits, as many as a list of the gateway has.
 */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { api, Problem } from '../live/api';
import type { Delivery, Receiver } from '../live/outward';
import type { Alert } from '../live/wire';

const DEAD_MAX = 100;
const PENDING_MAX = 1_000;

/** Alerts that are not on the page and are asked for by one list. */
const TITLES_MAX = 30;

export type Health = 'well' | 'dead' | 'failing' | 'person';

/** Waiting helps who does not answer; who refuses needs somebody who looks, and so does what was given up. */
export function healthOf(receiver: Receiver, dead: number): Health {
  if (receiver.health === 'well') return dead > 0 ? 'dead' : 'well';
  return receiver.needs_operator ? 'person' : 'failing';
}

/** Whether somebody has to decide about it. */
export const isOpen = (letter: Delivery): boolean => letter.outcome === 'dead' && letter.dismissed === null;

/** Since when the oldest version waits for a receiver; `whole` is false where still older ones may. */
export interface Oldest {
  readonly at: string;
  readonly whole: boolean;
}

/** A dead letter as it was, and what the gateway said when it was sent again or set aside. */
interface Again {
  readonly before: Delivery;
  readonly now: Delivery;
}

export class Deliveries {
  /** In the order of the configuration; null until they came. */
  receivers = $state.raw<readonly Receiver[] | null>(null);
  oldest = $state.raw<ReadonlyMap<string, Oldest>>(new Map());
  /** There are older dead letters than these. */
  more = $state(false);
  /** Why the last question had no answer. */
  problem = $state<string | null>(null);
  readonly sending = new SvelteSet<string>();
  /** What was set aside before; null until somebody asks. */
  shelf = $state.raw<readonly Delivery[] | null>(null);
  /** Why a dead letter was not sent again or set aside: `forbidden`, `not_found`, `not_dead`, or a problem's code. */
  readonly refusals = new SvelteMap<string, string>();
  /** Alerts of dead letters that are not on the page any more, as most are that were given up; null while they are asked for. */
  readonly alerts = new SvelteMap<string, Alert | null>();
  #dead = $state.raw<readonly Delivery[]>([]);
  #again = $state.raw<ReadonlyMap<string, Again>>(new Map());

  /** Dead letters, and what was sent again or set aside here, newest first. */
  letters = $derived.by(() => {
    const still = this.#dead.filter((letter) => !this.#again.has(letter.id));
    const again = [...this.#again.values()].map((one) => one.now);
    return [...still, ...again].sort((a, b) => Number(b.id) - Number(a.id));
  });
  /** Dead letters of each receiver that somebody has to decide about. */
  deadOf = $derived.by(() => {
    const counts = new Map<string, number>();
    for (const letter of this.letters) if (isOpen(letter)) counts.set(letter.receiver, (counts.get(letter.receiver) ?? 0) + 1);
    return counts;
  });
  /** Receivers with whom something is wrong. Who is no receiver any more cannot be told, whatever anybody does. */
  troubled = $derived((this.receivers ?? []).filter((one) => one.health !== 'well' || this.deadOf.has(one.name)));

  /** Asks how it goes; `closely` also since when the oldest version waits. */
  async ask(closely: boolean): Promise<void> {
    try {
      const [receivers, dead] = await Promise.all([api.receivers(), api.deliveries('dead', DEAD_MAX)]);
      const waits = closely && receivers.some((one) => (one.pending ?? 0) > 0);
      const pending = waits ? await api.deliveries('pending', PENDING_MAX) : null;
      [this.receivers, this.#dead, this.more, this.problem] = [receivers, dead.items, dead.next !== null, null];
      // Dead at another time than before: it was tried, and given up again.
      const anew = new Set(dead.items.filter((one) => (this.#again.get(one.id)?.before.settled_at ?? one.settled_at) !== one.settled_at).map((one) => one.id));
      if (anew.size > 0) this.#again = new Map([...this.#again].filter(([id]) => !anew.has(id)));
      const oldest = new Map<string, Oldest>();
      // Newest first: the last one of each stands.
      for (const one of pending?.items ?? []) oldest.set(one.receiver, { at: one.created_at, whole: pending?.next === null });
      this.oldest = oldest;
    } catch (error) {
      this.problem = error instanceof Problem ? error.code : 'internal';
    }
  }

  /** Sends a dead letter again; true where it was taken. */
  replay(letter: Delivery): Promise<boolean> {
    return this.#decide(letter, () => api.replay(letter.id));
  }

  /** Sets a dead letter aside; true where it was taken. */
  dismiss(letter: Delivery, note: string): Promise<boolean> {
    return this.#decide(letter, () => api.dismiss(letter.id, note));
  }

  async #decide(letter: Delivery, wish: () => Promise<Delivery>): Promise<boolean> {
    if (this.sending.has(letter.id)) return false;
    this.sending.add(letter.id);
    this.refusals.delete(letter.id);
    try {
      const now = await wish();
      this.#again = new Map(this.#again).set(letter.id, { before: letter, now });
      this.shelf = this.shelf?.filter((one) => one.id !== letter.id) ?? null;
      return true;
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('internal', 0, '');
      this.refusals.set(letter.id, { 403: 'forbidden', 404: 'not_found', 409: 'not_dead' }[problem.status] ?? problem.code);
      return false;
    } finally {
      this.sending.delete(letter.id);
    }
  }

  /** Shows what was set aside before, or puts it away. */
  async look(): Promise<void> {
    if (this.shelf !== null) {
      this.shelf = null;
      return;
    }
    try {
      this.shelf = (await api.dismissed(DEAD_MAX)).items.filter((one) => !this.#again.has(one.id));
    } catch (error) {
      this.problem = error instanceof Problem ? error.code : 'internal';
    }
  }

  /** Asks once for alerts that the page has not; one that cannot be had goes by its id. */
  async learn(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      if (this.alerts.has(id) || this.alerts.size >= TITLES_MAX) continue;
      this.alerts.set(id, null);
      try {
        this.alerts.set(id, await api.alert(id));
      } catch {
        // Its id stands there.
      }
    }
  }

  /** The list is closed: what was sent again has been seen. */
  forget(): void {
    this.#again = new Map();
    this.shelf = null;
    this.refusals.clear();
    this.alerts.clear();
  }
}
