import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import { standOf } from '../src/alerts/task';
import { fold, FOLD_AT } from '../src/alerts/timeline';
import { locale } from '../src/i18n/locale.svelte';
import type { PlanRun, TimelineEntry } from '../src/live/outward';
import { alertOf } from './alerts';
import { deskWith, NOW, show } from './desk';
import { ago, entryOf, runOf, taskOf } from './outward';

let line: Record<string, readonly TimelineEntry[]>;
let runs: readonly PlanRun[];
let down: { timeline?: number; runs?: number };
let asked: string[];
const alert = alertOf({ id: 'a' });
const step = { version: 1, at: alert.updated_at, state: 'firing', level: alert.level, reason: 'threshold', value: 1, actor: null };

beforeEach(() => {
  locale.language = 'zh';
  [line, runs, down, asked] = [{}, [], {}, []];
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    const [, id = ''] = /alerts\/(\w+)/.exec(path) ?? [];
    const which = path.includes('/timeline') ? 'timeline' : path.includes('plans/runs') ? 'runs' : null;
    const status = (which && down[which]) ?? 200;
    const body = which === 'timeline' ? { items: line[id] ?? [], next: null } : which === 'runs' ? { items: runs, next: null } : { ...alert, id, versions: [step] };
    return Promise.resolve(new Response(JSON.stringify(status === 200 ? body : { code: status === 503 ? 'unavailable' : 'internal' }), { status }));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const textOf = (of: Element | null | undefined): string => of?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
const open = async (search = '?alert=a', desk = deskWith([alert, alertOf({ id: 'b' })], search)): Promise<HTMLElement> => {
  const page = show(AlertDetail, desk);
  await vi.advanceTimersByTimeAsync(20);
  flushSync();
  return page;
};
const timelines = (): number => asked.filter((path) => path.includes('/timeline')).length;

describe('timeline', () => {
  const story = [
    entryOf({ at: ago(300_000), kind: 'happened', text: { zh: '开始发生', en: 'It began' } }),
    entryOf({ at: ago(299_600), kind: 'known', version: 1, level: 'blue', reason: 'threshold', text: { zh: '达到蓝色限值', en: 'Reached blue' } }),
    entryOf({ at: ago(298_400), kind: 'told', version: 1, receiver: 'water', outcome: 'delivered', attempts: 1, owed_since: ago(299_600), text: { zh: '已告知 water', en: 'Told water' } }),
    entryOf({ at: ago(290_000), kind: 'withheld', version: 1, receiver: 'chief', outcome: 'dead', attempts: 9, error: 'the episode ended 24 h ago; last attempt: the receiver has a fault (HTTP 500)', text: { zh: '未能告知 chief', en: 'Given up: chief' } }),
    entryOf({ at: ago(200_000), kind: 'answer', version: 2, level: 'blue', reason: 'acknowledged', by: 'water/张三', note: '泵车出发', text: { zh: 'water/张三 已确认：泵车出发', en: 'water/张三 acknowledged: 泵车出发' } }),
    entryOf({ at: ago(100_000), kind: 'plan', step: 'missed', plan: 'p', task: 'road', receiver: 'traffic', text: { zh: 'traffic 逾期未完成 road', en: 'traffic missed road' } }),
    entryOf({ at: ago(50_000), kind: 'owed', version: 2, receiver: 'hospital', outcome: 'pending', attempts: 3, error: 'no connection to the receiver', next_attempt_at: ago(-8_000), text: { zh: '待告知 hospital', en: 'Not told yet: hospital' } }),
  ];

  // Promise: when the city knew, who was told how, who answered what and what a plan did stand there in order, in either language.
  it('tells it in the order of time, in both languages', async () => {
    line.a = story;
    const page = await open();
    const rows = [...page.querySelectorAll('[data-entry]')];
    expect(rows.map((row) => (row as HTMLElement).dataset.entry)).toEqual(['happened', 'known', 'told', 'withheld', 'answer', 'plan', 'owed']);
    const said = rows.map(textOf);
    expect(said[1]).toContain('城市得知开始后 0.4秒 · 达到蓝色限值');
    expect(said[2]).toContain('已告知 water第 1 版 · 用时 1.2秒');
    expect(said[3]).toContain('第 1 版 · 未送达，已放弃 · 已尝试 9 次 · 预警结束已满 24 小时；最后一次：接收方发生故障（HTTP 500）');
    expect(said[4]).toMatch(/已确认 · water\/张三water\/张三 已确认：泵车出发$/);
    expect(said[6]).toContain('第 2 版 · 已尝试 3 次 · 连不上接收方 · 8秒后再试');
    expect(page.querySelector('[data-step="missed"]')?.classList.contains('late')).toBe(true);
    expect(rows[1]?.querySelector('time')?.title).toBe('2026-11-23 20:00:00.400 北京时间');
    locale.language = 'en';
    flushSync();
    expect(textOf(rows[2])).toContain('Told waterversion 1 · took 1.2s');
    expect(textOf(rows[6])).toContain('3 attempts · no connection to the receiver · next try in 8s');
  });

  // Promise: a long one stays short until somebody wants all of it; its first and its last entries are never hidden.
  it('is folded in its middle', async () => {
    line.a = Array.from({ length: 30 }, (_, at) => entryOf({ at: ago(300_000 - at * 1_000), kind: 'stamp', text: { zh: `第${at}条`, en: '' } }));
    const page = await open();
    const rows = (): string[] => [...page.querySelectorAll('[data-entry] > span:last-child')].map(textOf);
    expect(rows()).toHaveLength(12);
    expect([rows()[0], rows()[3], rows()[4], rows()[11]]).toEqual(['标记第0条', '标记第3条', '标记第22条', '标记第29条']);
    expect([2, 3].map((more) => fold((line.a ?? []).slice(0, FOLD_AT + more), false).hidden)).toEqual([0, 3]);
    const unfold = page.querySelector('[data-unfold]');
    expect(textOf(unfold)).toBe('中间 18 条已折叠，显示全部 30 条');
    await fireEvent.click(unfold as Element);
    expect(rows()).toHaveLength(30);
    expect(page.querySelector('[data-unfold]')).toBeNull();
  });

  // Promise: a new version, and what may change without one, is asked for; what is over and settled is left alone.
  it('is asked for again with a new version, and while it may grow', async () => {
    const desk = deskWith([alert]);
    line.a = story;
    desk.select('a');
    const page = await open('', desk);
    expect(timelines()).toBe(1);
    desk.city.alerts = [{ ...alert, version: 2 }];
    await vi.advanceTimersByTimeAsync(20);
    expect(timelines()).toBe(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(timelines()).toBe(3);
    line.a = story.slice(0, 3);
    desk.city.alerts = [{ ...alert, version: 3, state: 'resolved', resolved_at: ago(0) }];
    await vi.advanceTimersByTimeAsync(60_000);
    flushSync();
    expect(timelines()).toBe(4);
    expect(page.querySelectorAll('[data-entry]')).toHaveLength(3);
  });

  // Promise: trouble is said in words and passes; meanwhile what the alert itself went through stands there.
  it('says why it is not there, and shows the course instead', async () => {
    down = { timeline: 503, runs: 500 };
    const page = await open();
    expect(textOf(page.querySelector('[data-problem-of="timeline"]'))).toBe('时间线暂时取不到 · 网关暂不可用');
    expect(textOf(page.querySelector('[data-problem-of="runs"]'))).toBe('预案任务暂时取不到 · 网关内部错误');
    expect(textOf(page.querySelector('ol'))).toContain('达到阈值');
    [down, line.a] = [{}, story];
    await vi.advanceTimersByTimeAsync(5_000);
    flushSync();
    expect(page.querySelector('[data-problem-of]')).toBeNull();
    expect(page.querySelectorAll('[data-entry]')).toHaveLength(7);
  });

  // Promise: what belongs to one alert never stands at another, however slow the gateway is.
  it('is never that of another alert', async () => {
    line.a = story;
    const desk = deskWith([alert, alertOf({ id: 'b' })], '?alert=a');
    const page = await open('', desk);
    vi.stubGlobal('fetch', () => new Promise(() => undefined));
    desk.select('b');
    flushSync();
    expect(page.querySelector('[data-detail="b"]')).not.toBeNull();
    expect(page.querySelector('[data-entry]')).toBeNull();
  });
});

describe('tasks of plans', () => {
  // Promise: a task is late from its deadline on, whether or not that is noted yet; who does it late is late by no more.
  it('know how they stand', () => {
    const at = (fields: object): unknown => standOf(taskOf({ name: 't', ...fields }), NOW);
    expect(at({ state: 'running', due_at: ago(-5_000) })).toEqual({ is: 'running', left: 5_000 });
    expect(at({ state: 'running', due_at: ago(1) })).toEqual({ is: 'late', left: -1 });
    expect(at({ state: 'missed', due_at: ago(60_000), missed_at: ago(60_000) })).toEqual({ is: 'missed', left: -60_000 });
    expect(at({ state: 'missed', due_at: ago(60_000), done_at: ago(50_000) })).toEqual({ is: 'missed', left: -10_000 });
    expect(at({ state: 'done', due_at: ago(-9) })).toEqual({ is: 'done', left: null });
    expect(at({})).toEqual({ is: 'waiting', left: null });
  });

  // Promise: who was told that a task is late stands beside it, and who is next and when; of one that is done nobody is next.
  it('say how far up they went', async () => {
    const late = { state: 'missed', due_at: ago(72_000), missed_at: ago(72_000), escalate: ['chief'] } as const;
    const then = [{ after_s: 60, escalate: ['deputy'] }, { after_s: 120, escalate: ['mayor'] }];
    runs = [
      runOf([
        taskOf({ name: 'road', owner: 'traffic', ...late, then, rungs_told: 1, next_at: ago(-48_000) }),
        taskOf({ name: 'beds', owner: 'hospital', ...late, then, done_at: ago(60_000), done_by: 'hospital/张三' }),
      ]),
    ];
    locale.language = 'en';
    const page = await open('', deskWith([alert], '?alert=a'));
    const text = (name: string): string => textOf(page.querySelector(`[data-task="${name}"]`) as HTMLElement);
    expect(text('road')).toMatch(/escalated to chief, deputy · mayor at .+ unless done/);
    expect(text('beds')).toContain('escalated to chief');
    expect(text('beds')).not.toContain('mayor');
    locale.language = 'zh';
    flushSync();
    expect(text('road')).toMatch(/升级告知 chief, deputy · .+ 仍未完成则告知 mayor/);
  });

  // Promise: owner and deadline of every task stand there; what is late says so in words and has the run's level in shape and digit.
  it('stand in the detail, counting', async () => {
    runs = [
      runOf([
        taskOf({ name: 'pumps', what: { zh: '派出泵车', en: 'send pumps' }, state: 'done', done_at: ago(30_000), done_by: 'water/张三' }),
        taskOf({ name: 'road', owner: 'traffic', what: { zh: '封闭道路', en: 'close the road' }, state: 'missed', due_at: ago(72_000), missed_at: ago(72_000), escalate: ['chief'] }),
        taskOf({ name: 'beds', owner: 'hospital', state: 'running', due_at: ago(-2_000) }),
      ]),
    ];
    const desk = deskWith([alert], '?alert=a');
    const page = await open('', desk);
    const task = (name: string): HTMLElement => page.querySelector(`[data-task="${name}"]`) as HTMLElement;
    expect(textOf(page.querySelector('[data-run] h3'))).toContain('城市内涝应急预案');
    expect(textOf(task('pumps'))).toBe('派出泵车 water · 完成于 20:04:30 · water/张三 已完成');
    expect(textOf(task('road'))).toContain('封闭道路 traffic · 升级告知 chief');
    expect(textOf(task('road'))).toContain('未按时完成，逾期 1分12秒');
    expect(task('road').querySelector('svg[aria-label="橙色"] text')?.textContent).toBe('2');
    expect(textOf(task('beds'))).toContain('剩 2秒');
    desk.now = NOW + 5_000;
    flushSync();
    expect(textOf(task('beds'))).toContain('逾期 3秒');
    expect(task('beds').querySelector('svg[aria-label="橙色"]')).not.toBeNull();
    locale.language = 'en';
    flushSync();
    expect(textOf(task('road'))).toContain('close the road traffic · escalated to chief');
    expect(textOf(task('beds'))).toContain('late by 3s');
  });
});
