/** How a task of a running plan stands at a moment. */
import type { RunTask } from '../live/outward';

export type TaskStand = 'waiting' | 'running' | 'late' | 'missed' | 'done' | 'lapsed';

export interface Stand {
  readonly is: TaskStand;
  /** Time left, ms; negative by how much it is late. Null where no time runs. */
  readonly left: number | null;
}

/** Who was told that it is late, and who is next. */
export function ladderOf(task: RunTask): { told: string[]; next: string[] } {
  if (task.missed_at === null) return { told: [], next: [] };
  const told = task.then.slice(0, task.rungs_told).flatMap((rung) => rung.escalate);
  return { told: [...task.escalate, ...told], next: task.next_at === null ? [] : [...(task.then[task.rungs_told]?.escalate ?? [])] };
}

/** The gateway notes a miss up to half a second later, and not in its first moments: until then it is late all the same. */
export function standOf(task: RunTask, now: number): Stand {
  const due = task.due_at === null ? null : Date.parse(task.due_at);
  const left = due === null ? null : due - now;
  if (task.state === 'running') return { is: left !== null && left < 0 ? 'late' : 'running', left };
  if (task.state !== 'missed') return { is: task.state, left: null };
  // Who did it late is late by no more than that.
  const end = task.done_at === null ? now : Date.parse(task.done_at);
  return { is: 'missed', left: due === null ? null : due - end };
}
