/** What the gateway says of the outward side of alerts: who was told, who answered, what response plans ask, how receivers do. */
import type { Level, Words } from './wire';

export interface Listed<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null on the last one. */
  readonly next: string | null;
}

/** One thing that happened to an alert. What does not belong to its kind is null. */
export interface TimelineEntry {
  readonly at: string;
  readonly kind: 'happened' | 'known' | 'changed' | 'act' | 'answer' | 'stamp' | 'told' | 'owed' | 'withheld' | 'plan' | 'dismissed';
  readonly text: Words;
  readonly version: number | null;
  readonly reason: string | null;
  readonly level: Level | null;
  readonly by: string | null;
  readonly note: string | null;
  readonly stamp: string | null;
  readonly receiver: string | null;
  readonly outcome: string | null;
  readonly attempts: number | null;
  readonly error: string | null;
  readonly owed_since: string | null;
  readonly next_attempt_at: string | null;
  readonly plan: string | null;
  readonly task: string | null;
  readonly step: string | null;
}

/** What a receiver answers, in the order of how much it says. */
export const ANSWERS = ['acknowledged', 'responding', 'fed_back', 'closed'] as const;
export type AnswerStage = (typeof ANSWERS)[number];

export interface RunTask {
  readonly name: string;
  readonly owner: string;
  readonly what: Words | null;
  /** Which answer does it. */
  readonly done: AnswerStage;
  readonly state: 'waiting' | 'running' | 'done' | 'missed' | 'lapsed';
  readonly due_at: string | null;
  readonly done_at: string | null;
  readonly done_by: string | null;
  readonly missed_at: string | null;
  readonly escalate: readonly string[];
  /** Who is told where it stays undone, one rung after the other. */
  readonly then: readonly { readonly after_s: number; readonly escalate: readonly string[] }[];
  readonly rungs_told: number;
  /** When the next rung is told; null where there is none. */
  readonly next_at: string | null;
}

/** One joint action by a response plan. */
export interface PlanRun {
  readonly id: string;
  readonly plan: string;
  readonly title: Words | null;
  readonly district: string | null;
  readonly drill?: boolean;
  readonly level: Level;
  readonly called_at: string;
  readonly began_at: string | null;
  readonly ended_at: string | null;
  readonly alerts: readonly string[];
  readonly tasks: readonly RunTask[];
}

export interface Receiver {
  readonly name: string;
  readonly kind: string;
  readonly format: string;
  readonly host: string;
  /** How many messages it takes in a minute; null where there is no limit. */
  readonly per_minute: number | null;
  readonly health: 'well' | 'failing';
  /** Open: it is tried with one message at a time, after growing waits. */
  readonly circuit: 'closed' | 'open';
  readonly failing_since: string | null;
  readonly last_error: string | null;
  /** Waiting does not mend that. */
  readonly needs_operator: boolean;
  readonly last_success: string | null;
  /** Versions that wait for it; null where that is not known. */
  readonly pending: number | null;
}

/** One version of one alert for one receiver. */
export interface Delivery {
  readonly id: string;
  readonly receiver: string;
  readonly alert: string;
  readonly version: number;
  readonly outcome: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly created_at: string;
  readonly settled_at: string | null;
  /** Who set it aside. */
  readonly dismissed: { readonly by: string; readonly at: string; readonly note: string } | null;
}
