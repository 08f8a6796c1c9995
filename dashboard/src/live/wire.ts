/**
 * The words the gateway speaks: JSON bodies of `/api/v1` and frames of `/ws`, read-only.
 *
 * Times are RFC 3339 text in HTTP bodies and alerts, integer milliseconds since 1970 in frames and the view columns.
 */

export type Level = 'blue' | 'yellow' | 'orange' | 'red';
export type Domain = 'municipal' | 'traffic' | 'ecology' | 'health' | 'safety' | 'emergency';
export interface Words {
  readonly zh: string;
  readonly en: string;
}
export type LevelCounts = Readonly<Record<Level, number>>;

export interface Acknowledgement {
  readonly by: string;
  readonly at: string;
  readonly note: string | null;
}

export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly title: Words;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly device: string | null;
  readonly device_name: string | null;
  readonly place: string | null;
  readonly district: string | null;
  readonly place_name: Words | null;
  readonly domain: string;
  readonly quantity: string | null;
  readonly unit: string | null;
  readonly level: Level;
  readonly peak_level: Level;
  readonly state: 'firing' | 'resolved';
  readonly data: 'fresh' | 'stale';
  readonly historic: boolean;
  readonly started_at: string;
  readonly updated_at: string;
  readonly resolved_at: string | null;
  readonly acknowledged: Acknowledgement | null;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly reason: string;
  readonly version: number;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly assigned?: { readonly to: string; readonly by: string; readonly at: string } | null;
  readonly silenced?: { readonly until: string; readonly by: string; readonly at: string; readonly note: string } | null;
  readonly flapping?: boolean;
  /** The alert of its cause, which is told instead of it. */
  readonly inhibited_by?: string | null;
  /** True of an exercise: nothing has happened. */
  readonly drill?: boolean;
  /** The latest version in one sentence. */
  readonly text?: Words;
  /** What `value` was computed from; null or missing where it is the last value of `quantity`. */
  readonly measure?: { readonly signal: string; readonly window_ms: number; readonly expression?: string | null } | null;
}

export interface AlertVersion {
  readonly version: number;
  readonly at: string;
  readonly state: string;
  readonly level: Level;
  readonly reason: string;
  readonly value: number | null;
  readonly actor: string | null;
  readonly text?: Words | null;
}

export interface AlertDetail extends Alert {
  readonly versions?: readonly AlertVersion[];
  readonly advice?: Words | null;
  readonly source?: string | null;
  readonly levels?: Partial<Record<Level, number | readonly number[]>> | null;
  readonly direction?: string | null;
  readonly incident?: string | null;
}

export interface Source {
  readonly id: string;
  readonly kind: string;
  readonly state: 'listening' | 'deaf' | 'connecting';
  readonly since: string;
  readonly detail: string | null;
}

export interface Score {
  readonly index: number | null;
  /** Null where there are no devices. */
  readonly coverage: number | null;
}
export interface DistrictState {
  readonly devices: number;
  readonly online: number;
  readonly open: LevelCounts;
}

export interface Heartbeat {
  readonly t: 'hb';
  readonly s: number;
  readonly ts: number;
  readonly rate: number;
  readonly devices: number;
  readonly online: number;
  readonly sources: readonly Source[];
  readonly index: {
    readonly city: number | null;
    readonly coverage: number | null;
    readonly domains: Readonly<Record<string, Score>>;
  };
  readonly districts: Readonly<Record<string, DistrictState>>;
  readonly alarm_rate_10min: number;
  /** Whether rules are being judged; gateways before this word were silent about it. */
  readonly evaluating?: boolean;
}

export interface AlertFrame {
  readonly t: 'al';
  readonly s: number;
  readonly ts: number;
  readonly up: readonly Alert[];
}
export interface DeviceFrame {
  readonly t: 'dv';
  readonly s: number;
  readonly ts: number;
  readonly i: readonly number[];
  readonly l: readonly number[];
  readonly v: readonly (number | null)[];
  readonly a: readonly number[];
}
export interface Welcome {
  readonly t: 'welcome';
  readonly v: number;
  readonly epoch: string;
  readonly seq: number;
  readonly now: number;
  readonly hb: number;
  readonly mode: 'resumed' | 'snapshot';
}
export interface Bye {
  readonly t: 'bye';
  readonly code: string;
  readonly retry_ms: number;
}
export type SequencedFrame = AlertFrame | DeviceFrame;
export type ServerFrame = Welcome | SequencedFrame | Heartbeat | { readonly t: 'gap' } | Bye;

export interface SeriesName {
  readonly device: string;
  readonly quantity: string;
}

/** The device columns; a device is its position in them, for one `version`. */
export interface Catalogue {
  readonly version: string;
  readonly id: readonly string[];
  readonly lon: readonly number[];
  readonly lat: readonly number[];
  readonly kind: readonly string[];
  readonly district: readonly string[];
  readonly domain: readonly string[];
  readonly name: readonly string[];
  readonly quantity: readonly string[];
  readonly unit: readonly string[];
}

export interface Snapshot {
  readonly epoch: string;
  readonly seq: number;
  readonly now: number;
  readonly version: string;
  readonly l: readonly number[];
  readonly v: readonly (number | null)[];
  readonly a: readonly number[];
  readonly alerts: readonly Alert[];
  readonly featured: readonly SeriesName[];
  readonly hb: Heartbeat | null;
}

export interface Place {
  readonly code: string;
  readonly name: Words;
}
export interface IndexCause {
  readonly alert: string;
  readonly rule: string;
  readonly title: Words;
  readonly subject: { readonly kind: string; readonly id: string };
}

/** One part of the city with its index; `of` opens it. */
export interface IndexPart {
  readonly of: string;
  readonly kind: 'city' | 'domain' | 'district' | 'street';
  readonly domain: Domain | null;
  readonly code: string | null;
  readonly name: Words;
  readonly index: number | null;
  readonly mean: number | null;
  readonly cap: { readonly level: Level; readonly score: number; readonly cause: IndexCause | null } | null;
  readonly weight: number;
  readonly devices: number;
  readonly online: number;
  readonly coverage: number | null;
}

export interface IndexDevice {
  readonly id: string;
  readonly name: string;
  readonly quantity: string | null;
  readonly unit: string | null;
  readonly value: number | null;
  readonly limit: number | null;
  readonly limit_level: Level | null;
  readonly level: Level | null;
  readonly score: number;
}

/** What makes an index what it is. */
export interface IndexExplanation {
  readonly at: string;
  readonly part: IndexPart;
  readonly formula: Words;
  readonly children: readonly IndexPart[];
  readonly devices: readonly IndexDevice[];
  readonly rest: { readonly count: number; readonly weight: number; readonly sum: number };
  readonly unknown: {
    readonly never: number;
    readonly stale: number;
    readonly deaf: number;
    readonly maintenance: number;
    readonly devices: readonly { readonly id: string; readonly name: string; readonly why: 'never' | 'stale' | 'deaf' | 'maintenance' }[];
  };
}

export interface Rule {
  readonly id: string;
  readonly domain: string;
  readonly quantity: string | null;
  readonly levels: Partial<Record<Level, number | readonly number[]>> | null;
  readonly direction: string | null;
}
export interface Status {
  readonly version: string;
  readonly mode: string;
  readonly durability: string;
}
