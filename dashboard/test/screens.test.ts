import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import Queue from '../src/alerts/Queue.svelte';
import { locale } from '../src/i18n/locale.svelte';
import CityIndex from '../src/city/CityIndex.svelte';
import DistrictTable from '../src/city/DistrictTable.svelte';
import DeviceCard from '../src/map/DeviceCard.svelte';
import NoPicture from '../src/screens/NoPicture.svelte';
import LinkBar from '../src/topbar/LinkBar.svelte';
import SourceBar from '../src/topbar/SourceBar.svelte';
import { ACKNOWLEDGED, alertOf } from './alerts';
import { beatOf, deskWith, NOW, show } from './desk';
import { settled } from './story';

let answer: (path: string, init?: RequestInit) => Response;

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
    expect(page.querySelector('[data-empty]')?.textContent).toContain('最后一帧在2秒前');
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

  // Promise: a row names the device by its id, which both languages can read; its given name is in the title.
  it('shows district and device id', () => {
    const desk = deskWith([alertOf({ id: 'a' })]);
    desk.city.places.set('110105', { zh: '朝阳区', en: 'Chaoyang' });
    locale.language = 'en';
    const where = show(Queue, desk).querySelector('[data-alert] .where');
    expect(where?.textContent?.trim()).toBe('Chaoyang · air-1');
    expect(where?.getAttribute('title')).toContain('微站 1');
  });

  // Promise: what came back to normal unseen says so.
  it('says that a resolved alert was not acknowledged', () => {
    const desk = deskWith([alertOf({ id: 'a', state: 'resolved' }), alertOf({ id: 'b', state: 'resolved', acknowledged: { ...ACKNOWLEDGED, by: 'operator' } })]);
    desk.view.tab = 'resolved';
    const [first, second] = [...show(Queue, desk).querySelectorAll('[data-alert] .done')];
    expect(first?.textContent).toContain('已恢复未确认');
    // The actor that stands for whoever is on duty has a word.
    expect(second?.textContent).toContain('值班员');
  });

  // Promise: moving by keyboard is heard as well as seen.
  it('announces what the keyboard selects', async () => {
    const page = show(Queue, deskWith([alertOf({ id: 'a', level: 'red' })]));
    await fireEvent.keyDown(window, { key: 'j' });
    const said = page.querySelector('[data-said]');
    expect(said?.getAttribute('aria-live')).toBe('polite');
    expect(said?.textContent).toBe('已选 红色 PM2.5 浓度超标');
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

describe('refusal', () => {
  const refuse = (): Response => new Response(JSON.stringify({ code: 'unavailable' }), { status: 503 });

  // Promise: who has gone on to another alert is not called away from it; the row is marked until it has been opened.
  it('marks the row and leaves the selection alone', async () => {
    const [a, b] = [alertOf({ id: 'a' }), alertOf({ id: 'b' })];
    const desk = deskWith([a, b]);
    const page = show(Queue, desk);
    answer = refuse;
    const sent = desk.acknowledge(a);
    desk.select('b');
    await sent;
    await settled();
    expect(desk.view.alert).toBe('b');
    expect(page.querySelector('[data-alert="a"] [data-refused="unavailable"]')?.textContent).toBe('未确认');
    expect(page.querySelector('[data-said]')?.textContent).toContain('未确认');
    desk.select('a');
    desk.select('b');
    await settled();
    expect(page.querySelector('[data-refused]')).toBeNull();
  });

  it('opens the alert where none is open', async () => {
    const a = alertOf({ id: 'a' });
    const desk = deskWith([a]);
    answer = refuse;
    await desk.acknowledge(a);
    expect(desk.view.alert).toBe('a');
  });
});

describe('a city without devices', () => {
  // Promise: of nothing there is no index and no coverage, and the page says that there is nothing.
  it('has no figures, and says why', () => {
    const desk = deskWith([]);
    const none = { red: 0, orange: 0, yellow: 0, blue: 0 };
    desk.city.heartbeat(
      beatOf({ devices: 0, index: { city: 100, coverage: null, domains: { traffic: { index: 100, coverage: null } } }, districts: { '110105': { devices: 0, online: 0, open: none } } }),
    );
    const index = show(CityIndex, desk);
    expect(index.querySelector('[data-figure="index"]')?.textContent).toBe('—');
    expect(index.textContent).toContain('覆盖率 —');
    expect(index.textContent).not.toContain('100');
    const table = show(DistrictTable, desk);
    expect(table.querySelector('[data-empty]')?.textContent).toBe('还没有设备');
    expect(table.querySelectorAll('li').length).toBe(0);
  });
});

describe('an unknown device', () => {
  // Promise: why nothing is known is said, not only that nothing is.
  it('was never heard, is stale, or its source is deaf', () => {
    const words = [-1, -2, -3].map((level) => {
      const desk = deskWith([], '', { device: { id: 'air-1', quantity: 'pm25', unit: 'ug/m3', value: 12, at: NOW - 65_000, level } });
      return show(DeviceCard, desk, { hover: { position: 0, x: 0, y: 0 } }).textContent ?? '';
    });
    expect(words[0]).toContain('从未上报');
    expect(words[1]).toContain('数据停滞 · 1分05秒前');
    expect(words[2]).toContain('来源失联');
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
    // A countdown inside the alert would be read out each second.
    expect(bar.querySelector('[role="alert"]')?.textContent).toContain('20:05:00');
    expect(bar.querySelector('[role="alert"]')?.textContent).not.toContain('秒后');
    const gone = show(NoPicture, desk).querySelector('[data-screen="gone"]');
    expect(gone?.textContent).toContain('4 秒后');
    expect(gone?.querySelector('[role="alert"]')?.textContent).not.toContain('秒后');
    desk.city.status({ state: 'connecting', lastFrameAt: NOW, nextTryAt: null, tries: 0, snapshotProblem: 'unavailable' });
    expect(show(NoPicture, desk).querySelector('[data-screen="snapshot"]')?.textContent).toContain('网关暂不可用');
  });

  // Promise: a gateway that answers but judges nothing is never calm.
  it('says when rules are not being judged', () => {
    const desk = deskWith([]);
    desk.city.heartbeat(beatOf({ evaluating: true }));
    const bar = show(SourceBar, desk);
    expect(bar.querySelector('[data-bar]')).toBeNull();
    desk.city.heartbeat(beatOf({ evaluating: false }));
    flushSync();
    expect(bar.querySelector('[data-bar="unjudged"]')?.textContent).toContain('没有在判定规则');
    expect(show(Queue, desk).querySelector('[data-empty]')?.textContent).toContain('没有预警不代表正常');
  });

  it('names a deaf source', () => {
    const desk = deskWith([]);
    const source = { id: 'embedded', kind: 'embedded', state: 'deaf' as const, since: '2026-11-23T12:00:00.000Z', detail: null };
    desk.city.heartbeat(beatOf({ sources: [source] }));
    expect(show(SourceBar, desk).textContent).toContain('embedded 自 20:00:00 起收不到消息');
    expect(show(Queue, desk).querySelector('[data-empty]')?.textContent).toContain('没有预警不代表正常');
  });
});
