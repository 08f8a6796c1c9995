/** The outward side of alerts for tests: entries of timelines, tasks of runs, receivers, deliveries; and a gateway that has them. */
import type { Delivery, PlanRun, Receiver, RunTask, TimelineEntry } from '../src/live/outward';
import { NOW } from './desk';

export const ago = (ms: number): string => new Date(NOW - ms).toISOString();

export function entryOf(fields: Partial<TimelineEntry> & Pick<TimelineEntry, 'at' | 'kind'>): TimelineEntry {
  return {
    text: { zh: '', en: '' }, version: null, reason: null, level: null, by: null, note: null, stamp: null, receiver: null, outcome: null,
    attempts: null, error: null, owed_since: null, next_attempt_at: null, plan: null, task: null, step: null, ...fields,
  };
}

export function taskOf(fields: Partial<RunTask> & { name: string }): RunTask {
  return { owner: 'water', what: null, done: 'acknowledged', state: 'waiting', due_at: null, done_at: null, done_by: null, missed_at: null, escalate: [], then: [], rungs_told: 0, next_at: null, ...fields };
}

export function runOf(tasks: RunTask[], fields: Partial<PlanRun> = {}): PlanRun {
  return {
    id: '1', plan: 'cloudburst', title: { zh: '城市内涝应急预案', en: 'Urban flooding' }, district: '110105', level: 'orange', called_at: ago(60_000),
    began_at: ago(60_000), ended_at: null, alerts: ['a'], tasks, ...fields,
  };
}

export function receiverOf(name: string, fields: Partial<Receiver> = {}): Receiver {
  return { name, kind: 'http', format: 'native', host: `${name}.example`, per_minute: null, health: 'well', circuit: 'closed', failing_since: null, last_error: null, needs_operator: false, last_success: null, pending: 0, ...fields };
}

export function deadOf(id: string, fields: Partial<Delivery> = {}): Delivery {
  return {
    id, receiver: 'water', alert: 'a', version: 2, outcome: 'dead', attempts: 7, last_error: 'the receiver is gone for good (HTTP 410)', created_at: ago(90_000),
    settled_at: ago(60_000), dismissed: null, ...fields,
  };
}
