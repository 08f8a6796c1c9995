/**
 * What the page asks for once per start of the gateway (names, rules, borders …) and needs until it has it.
 *
 * The page works without these, so a failure shows codes instead of names and nothing else; but it must not stay so:
 * what failed is asked again after `RETRY_MS`, and with the next snapshot. Answers to an older round are dropped.
 */
export const RETRY_MS = 30_000;

/** Asks for one thing and returns the way to keep it; throws when it could not be had. */
export type Ask = () => Promise<() => void>;

export class Reference {
  #round = 0;
  #missing = new Set<Ask>();
  #asking = new Set<Ask>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly asks: readonly Ask[]) {}

  /** The gateway has started anew: all of it may be different. */
  renew(): void {
    this.#round += 1;
    this.#missing = new Set(this.asks);
    this.#asking = new Set();
    this.ask();
  }

  /** Asks for what is still missing and not under way. */
  ask(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const ask of this.#missing) if (!this.#asking.has(ask)) void this.#one(ask, this.#round);
  }

  async #one(ask: Ask, round: number): Promise<void> {
    this.#asking.add(ask);
    try {
      const keep = await ask();
      if (round !== this.#round) return;
      this.#missing.delete(ask);
      keep();
    } catch {
      if (round === this.#round) this.#timer ??= setTimeout(() => this.ask(), RETRY_MS);
    } finally {
      if (round === this.#round) this.#asking.delete(ask);
    }
  }
}
