/**
 * Requests to `/api/v1`. Every failure is a `Problem` with a code the dictionary knows; every request ends within 10 s.
 */
import type { Delivery, Listed, PlanRun, Receiver, TimelineEntry } from './outward';
import type { Alert, AlertDetail, Catalogue, IndexExplanation, Place, Rule, Snapshot, Status } from './wire';

const TIMEOUT_MS = 10_000;

/** What went wrong, in the gateway's codes, or `unreachable` when there was no answer at all. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    /** For `conflict`: why, and the alert as it is now. */
    readonly reason: string | null = null,
    readonly current: Alert | null = null,
  ) {
    super(code);
  }
}

export type Point = readonly [t: number, min: number | null, mean: number | null, max: number | null, count: number];
export interface Series {
  readonly quantity: string;
  readonly unit: string;
  readonly points: readonly Point[];
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/v1/${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  } catch {
    throw new Problem('unreachable', 0, '');
  }
  if (!response.ok) throw await problemOf(response);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Problem('internal', response.status, 'body');
  }
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    return new Problem(
      typeof body.code === 'string' ? body.code : 'internal',
      response.status,
      typeof body.detail === 'string' ? body.detail : '',
      typeof body.reason === 'string' ? body.reason : null,
      (body.current as Alert | undefined) ?? null,
    );
  } catch {
    const code = response.status === 404 ? 'not_found' : response.status === 503 ? 'unavailable' : 'internal';
    return new Problem(code, response.status, '');
  }
}

/** What an operator does about an alert, by the last part of its path. */
export interface Act {
  readonly name: 'acknowledge' | 'assign' | 'comment' | 'feedback' | 'answer' | 'silence' | 'unsilence' | 'close';
  readonly body: Readonly<Record<string, unknown>>;
}

const at = encodeURIComponent;

/** What a person does, in the operator's name. */
function post<T>(path: string, body: Readonly<Record<string, unknown>>): Promise<T> {
  const headers = { 'Content-Type': 'application/json', 'Maibo-Actor': 'operator' };
  return request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

export const api = {
  snapshot: () => request<Snapshot>('view/snapshot', { cache: 'no-store' }),
  catalogue: () => request<Catalogue>('view/devices'),
  status: () => request<Status>('status'),
  places: () => request<{ items: Place[] }>('places?level=district&limit=1000').then((list) => list.items),
  rules: () => request<{ items: Rule[] }>('rules?limit=1000').then((list) => list.items),
  explain: (of: string) => request<IndexExplanation>(`index/explain?of=${at(of)}`),
  districts: () => request<GeoJSON.FeatureCollection>('districts'),
  alert: (id: string) => request<AlertDetail>(`alerts/${at(id)}`),
  series: (device: string, quantity: string, from: number, to: number, points: number) =>
    request<Series>(`devices/${at(device)}/series/${at(quantity)}?from=${from}&to=${to}&points=${points}`),
  /** Oldest first; `cursor` is where the last page ended. */
  timeline: (id: string, limit: number, cursor: string | null) =>
    request<Listed<TimelineEntry>>(`alerts/${at(id)}/timeline?limit=${limit}${cursor === null ? '' : `&cursor=${at(cursor)}`}`),
  /** The runs of plans that an alert is in, newest first. */
  runs: (alert: string, limit: number) => request<Listed<PlanRun>>(`plans/runs?alert=${at(alert)}&limit=${limit}`),
  receivers: () => request<readonly Receiver[]>('receivers'),
  /** Newest first. */
  deliveries: (outcome: 'dead' | 'pending', limit: number) => request<Listed<Delivery>>(`deliveries?outcome=${outcome}&limit=${limit}`),
  /** What was set aside, newest first. */
  dismissed: (limit: number) => request<Listed<Delivery>>(`deliveries?dismissed=true&limit=${limit}`),
  dismiss: (id: string, note: string) => post<Delivery>(`deliveries/${at(id)}/dismiss`, note === '' ? {} : { note }),
  replay: (id: string) => post<Delivery>(`deliveries/${at(id)}/replay`, {}),
  act: (id: string, version: number, act: Act) => post<Alert>(`alerts/${at(id)}/${act.name}`, { version, ...act.body }),
};
