import { cleanup, fireEvent, render } from '@testing-library/svelte';
import type { Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import Queue from '../src/alerts/Queue.svelte';
import { Desk } from '../src/desk.svelte';
import { locale } from '../src/i18n/locale.svelte';
import { City } from '../src/live/city.svelte';
import type { Link } from '../src/live/link';
import type { Alert } from '../src/live/wire';
import NoPicture from '../src/screens/NoPicture.svelte';
import LinkBar from '../src/topbar/LinkBar.svelte';
import SourceBar from '../src/topbar/SourceBar.svelte';
import { View } from '../src/view.svelte';
import { ACKNOWLEDGED, alertOf } from './alerts';
import Mount from './Mount.svelte';
import { settled } from './story';

const NOW = Date.parse('2026-11-23T12:05:00.000Z');
let answer: (path: string, init?: RequestInit) => Response;

function deskWith(alerts: Alert[], search = ''): Desk {
  const city = new City((flush) => flush());
  city.snapshot({ epoch: 'e', seq: 1, now: NOW, version: '', l: [], v: [], a: [], alerts, featured: [], hb: null });
  city.status({ state: 'live', lastFrameAt: NOW - 2_000, nextTryAt: null, tries: 0, snapshotProblem: null });
  const desk = new Desk(city, new View(search), { lastFrameAt: NOW - 2_000, retryNow: vi.fn() } as unknown as Link);
  desk.now = NOW;
  return desk;
}

function show(part: Component, desk: Desk): HTMLElement {
  return render(Mount, { desk, part }).container;
}

beforeEach(() => {
  vi.spyOn(Date, 'now').mockReturnValue(NOW);
  locale.language = 'zh';
  answer = () => new Response(JSON.stringify({ items: [] }));
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => Promise.resolve(answer(path, init)));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('queue', () => {
  // Promise: an empty queue says so in words and how old that knowledge is, never just nothing.
  it('speaks when empty', () => {
    const page = show(Queue, deskWith([]));
    expect(page.querySelector('[data-empty]')?.textContent).toContain('没有未结预警');
    expect(page.querySelector('[data-empty]')?.textContent).toContain('最后一帧在 2s 前');
  });

  // Promise: level by word as well, who acknowledged and when, stale marked; open reds announced.
  it('shows level, acknowledgement and staleness in words', () => {
    const page = show(Queue, deskWith([alertOf({ id: 'a', level: 'red', data: 'stale' }), alertOf({ id: 'b', acknowledged: ACKNOWLEDGED })]));
    const [first, second] = [...page.querySelectorAll('[data-alert]')];
    expect(first?.querySelector('[aria-label="红色"]')).not.toBeNull();
    expect(first?.textContent).toContain('数据停滞');
    expect(second?.textContent).toContain('王建国');
    expect(second?.textContent).toContain('20:01:00');
    expect(page.querySelector('[aria-live]')?.textContent).toBe('未结红色预警 1 条');
  });

  // Promise: under the pointer rows hold still and the new one waits, until it is asked for.
  it('holds under the pointer', async () => {
    const desk = deskWith([alertOf({ id: 'a' })]);
    const page = show(Queue, desk);
    const list = page.querySelector('.list');
    if (!list) throw new Error('no list');
    await fireEvent(list, new Event('pointerenter'));
    desk.city.take(alertOf({ id: 'b', level: 'red' }));
    await settled();
    const rows = (): (string | null)[] => [...page.querySelectorAll('[data-alert]')].map((row) => row.getAttribute('data-alert'));
    expect(rows()).toEqual(['a']);
    const waiting = page.querySelector('.waiting');
    expect(waiting?.textContent).toContain('1');
    if (waiting) await fireEvent.click(waiting);
    expect(rows()).toEqual(['b', 'a']);
  });

  // Promise: the level tile filters, and an empty filter offers the way out.
  it('filters by level', async () => {
    const page = show(Queue, deskWith([alertOf({ id: 'a' })], '?level=red'));
    expect(page.querySelector('[data-empty]')?.textContent).toContain('此筛选下没有预警');
  });
});

describe('acknowledgement', () => {
  // Promise: the version the operator saw is sent, with the actor; the answer is shown at once.
  it('sends the seen version and shows who acknowledged', async () => {
    const desk = deskWith([alertOf({ id: 'a', version: 3 })], '?alert=a');
    let sent: RequestInit | undefined;
    answer = (path, init) => {
      if (path.endsWith('/acknowledge')) sent = init;
      return new Response(JSON.stringify(alertOf({ id: 'a', version: 4, acknowledged: ACKNOWLEDGED })));
    };
    const page = show(AlertDetail, desk);
    const form = page.querySelector('form');
    if (!form) throw new Error('no form');
    await fireEvent.submit(form);
    await vi.waitFor(() => expect(page.querySelector('[data-acknowledged]')?.textContent).toContain('王建国'));
    expect(sent?.body).toBe('{"version":3}');
    expect(new Headers(sent?.headers).get('maibo-actor')).toBe('operator');
  });

  // Promise: a conflict is told in words and the present state is shown, never acknowledged over the operator's head.
  it('says why it was refused', async () => {
    const desk = deskWith([alertOf({ id: 'a' })], '?alert=a');
    const current = alertOf({ id: 'a', version: 2, level: 'red' });
    answer = (path) =>
      path.endsWith('/acknowledge') ? new Response(JSON.stringify({ code: 'conflict', reason: 'level_rose', current }), { status: 409 }) : new Response(JSON.stringify(current));
    const page = show(AlertDetail, desk);
    const form = page.querySelector('form');
    if (!form) throw new Error('no form');
    await fireEvent.submit(form);
    await vi.waitFor(() => expect(page.querySelector('[data-refusal]')?.textContent).toContain('等级已上升'));
    expect(desk.city.alert('a')?.level).toBe('red');
    expect(page.querySelector('form')).not.toBeNull();
  });
});

describe('bad days', () => {
  // Promise: a lost gateway is a screen or a bar with words, time and a button; a deaf source is never calm.
  it('names a lost link, a lost gateway and a failed snapshot', () => {
    const desk = deskWith([]);
    desk.city.status({ state: 'offline', lastFrameAt: NOW, nextTryAt: NOW + 4_000, tries: 2, snapshotProblem: null });
    const bar = show(LinkBar, desk);
    expect(bar.textContent).toContain('20:05:00');
    expect(bar.textContent).toContain('第 2 次重连，4 秒后');
    expect(show(NoPicture, desk).querySelector('[data-screen="gone"]')).not.toBeNull();
    desk.city.status({ state: 'connecting', lastFrameAt: NOW, nextTryAt: null, tries: 0, snapshotProblem: 'unavailable' });
    expect(show(NoPicture, desk).querySelector('[data-screen="snapshot"]')?.textContent).toContain('网关暂不可用');
  });

  it('names a deaf source', () => {
    const desk = deskWith([]);
    const source = { id: 'embedded', kind: 'embedded', state: 'deaf' as const, since: '2026-11-23T12:00:00.000Z', detail: null };
    desk.city.heartbeat({ t: 'hb', s: 1, ts: NOW, rate: 0, devices: 1, online: 0, sources: [source], index: { city: null, coverage: 0, domains: {} }, districts: {}, alarm_rate_10min: 0 });
    expect(show(SourceBar, desk).textContent).toContain('embedded 自 20:00:00 起收不到消息');
    expect(show(Queue, desk).querySelector('[data-empty]')?.textContent).toContain('没有预警不代表正常');
  });
});
