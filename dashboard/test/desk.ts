/** A desk for tests of the page's parts: a city with these alerts and, where given, one device; a part mounted at it. */
import { render } from '@testing-library/svelte';
import type { Component } from 'svelte';
import { vi } from 'vitest';
import { Desk } from '../src/desk.svelte';
import { City } from '../src/live/city.svelte';
import type { Link } from '../src/live/link';
import type { Alert, Catalogue, Heartbeat, SeriesName } from '../src/live/wire';
import { View } from '../src/view.svelte';
import Mount from './Mount.svelte';

export const NOW = Date.parse('2026-11-23T12:05:00.000Z');

/** The one device: its primary quantity, its last value and when that was, its level on the wire. */
export interface OneDevice {
  readonly id: string;
  readonly quantity: string;
  readonly unit: string;
  readonly value: number | null;
  readonly at: number;
  readonly level: number;
}

function catalogueOf(device: OneDevice): Catalogue {
  return {
    version: 'c1', id: [device.id], lon: [116.4], lat: [39.9], kind: ['kind'], district: ['110105'], domain: ['ecology'], name: ['微站 1'],
    quantity: [device.quantity], unit: [device.unit],
  };
}

export function deskWith(alerts: Alert[], search = '', more: { device?: OneDevice; featured?: SeriesName[] } = {}): Desk {
  const city = new City((flush) => flush());
  const { device } = more;
  city.devices.catalogue = device ? catalogueOf(device) : city.devices.catalogue;
  city.snapshot({
    epoch: 'e', seq: 1, now: NOW, version: '', l: device ? [device.level] : [], v: device ? [device.value] : [], a: device ? [device.at] : [],
    alerts, featured: more.featured ?? [], hb: null,
  });
  city.status({ state: 'live', lastFrameAt: NOW - 2_000, nextTryAt: null, tries: 0, snapshotProblem: null });
  const desk = new Desk(city, new View(search), { lastFrameAt: NOW - 2_000, retryNow: vi.fn() } as unknown as Link);
  desk.now = NOW;
  return desk;
}

export function show<Props extends Record<string, unknown>>(part: Component<Props>, desk: Desk, given?: Props): HTMLElement {
  return render(Mount, { desk, part: part as Component, given }).container;
}

export function beatOf(fields: Partial<Heartbeat>): Heartbeat {
  return {
    t: 'hb', s: 1, ts: NOW, rate: 0, devices: 1, online: 0, sources: [], index: { city: null, coverage: 0, domains: {} }, districts: {},
    alarm_rate_10min: 0, ...fields,
  };
}
