import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import { locale } from '../src/i18n/locale.svelte';
import type { PlanRun } from '../src/live/outward';
import { alertOf } from './alerts';
import { deskWith, NOW, show } from './desk';
import { ago, entryOf, runOf, taskOf } from './outward';

let runs: readonly PlanRun[];
let refuse: object | null;
let sent: { path: string; init: RequestInit }[];
const alert = alertOf({ id: 'a' });
const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  locale.language = 'zh';
  [refuse, sent] = [null, []];
  runs = [
    runOf([
      taskOf({ name: 'pumps', what: { zh: '派出泵车', en: 'send pumps' }, state: 'done', done_at: ago(30_000), done_by: 'water/王主任/operator' }),
      taskOf({ name: 'road', owner: 'traffic', what: { zh: '封闭道路', en: 'close the road' }, state: 'missed', due_at: ago(72_000), missed_at: ago(72_000) }),
      taskOf({ name: 'beds', owner: 'hospital', what: { zh: '备好床位', en: 'make beds ready' }, done: 'fed_back', state: 'running', due_at: ago(-60_000) }),
    ]),
  ];
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    if (init.method === 'POST') {
      sent.push({ path, init });
      return Promise.resolve(refuse ? json(refuse, 409) : json({ ...alert, version: 2 }));
    }
    const line = [entryOf({ at: ago(9_000), kind: 'answer', version: 2, reason: 'acknowledged', by: 'water/王主任/operator', receiver: 'water', text: { zh: '已确认', en: '' } })];
    return Promise.resolve(json(path.includes('plans/runs') ? { items: runs, next: null } : path.includes('/timeline') ? { items: line, next: null } : { ...alert, versions: [] }));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const textOf = (of: Element | null | undefined): string => of?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
const settle = async (ms = 20): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
};
const opened = async (desk = deskWith([alert], '?alert=a')): Promise<HTMLElement> => {
  const page = show(AlertDetail, desk);
  await settle();
  return page;
};
const button = (page: HTMLElement, task: string): HTMLButtonElement => page.querySelector(`[data-task="${task}"] [data-enter]`) as HTMLButtonElement;
const field = <T extends HTMLElement>(page: HTMLElement, kind: string): T => page.querySelector(`[data-form="enter"] ${kind}`) as T;
const press = async (of: Element): Promise<void> => {
  await fireEvent.click(of);
  await settle();
};
const type = (of: Element, value: string): Promise<unknown> => fireEvent.input(of, { target: { value } });

describe('an answer by telephone', () => {
  // Promise: every task that is not done can be answered for, also a late one; nothing else can, and nothing of an alert that is over.
  it('can be put down where it is waited for', async () => {
    const page = await opened();
    expect(['pumps', 'road', 'beds'].map((task) => button(page, task) !== null)).toEqual([false, true, true]);
    expect(button(page, 'beds').getAttribute('aria-label')).toBe('代填 hospital 的答复：备好床位');
    expect(textOf(page.querySelector('[data-task="pumps"] small'))).toContain('water/王主任（值班员 代填）');
    expect(textOf(page.querySelector('[data-entry="answer"]'))).toContain('已确认 · water/王主任（值班员 代填）');
    cleanup();
    const over = { ...alert, state: 'resolved' as const, resolved_at: ago(1_000) };
    expect((await opened(deskWith([over], '?alert=a'))).querySelector('[data-enter]')).toBeNull();
    cleanup();
    runs = runs.map((run) => ({ ...run, ended_at: ago(1_000) }));
    expect((await opened()).querySelector('[data-enter]')).toBeNull();
  });

  // Promise: by the keyboard, one form at a time; it begins with what does the task, and Escape leaves the form only.
  it('is a form of its own', async () => {
    const desk = deskWith([alert], '?alert=a');
    const page = await opened(desk);
    await press(button(page, 'road'));
    await press(button(page, 'beds'));
    expect(page.querySelectorAll('[data-form="enter"]')).toHaveLength(1);
    expect(document.activeElement).toBe(field(page, 'input'));
    const stage = field<HTMLSelectElement>(page, 'select');
    expect([stage.value, [...stage.options].map((one) => one.value)]).toEqual(['fed_back', ['acknowledged', 'responding', 'fed_back']]);
    await fireEvent.change(stage, { target: { value: 'acknowledged' } });
    flushSync();
    expect(textOf(field(page, 'small'))).toBe('此任务要到“已处置，反馈结果”才算完成');
    await fireEvent.keyDown(field(page, 'input'), { key: 'Escape' });
    flushSync();
    expect([page.querySelector('[data-form="enter"]'), desk.view.alert, document.activeElement]).toEqual([null, 'a', button(page, 'beds')]);
  });

  // Promise: it goes out once, as the owner's answer with the name and the version that was seen, and what it did is soon shown.
  it('is sent as the answer of the owner', async () => {
    const desk = deskWith([alert], '?alert=a');
    const page = await opened(desk);
    await press(button(page, 'beds'));
    const send = (): HTMLButtonElement => field(page, '.send');
    await type(field(page, 'input'), '护士长<');
    await type(field(page, 'textarea'), '床位 20 张');
    expect([send().disabled, textOf(field(page, 'small'))]).toEqual([true, '姓名只能有文字、数字、空格和 . · _ @ -']);
    await type(field(page, 'input'), ' 护士长 ');
    await type(field(page, 'textarea'), ' ');
    expect(send().disabled, 'what came of it has to be said').toBe(true);
    await type(field(page, 'textarea'), '床位 20 张');
    expect(send().disabled).toBe(false);
    runs = runs.map((run) => ({ ...run, tasks: run.tasks.map((task) => (task.name === 'beds' ? { ...task, state: 'done' as const, done_at: ago(0), done_by: 'hospital/护士长/operator' } : task)) }));
    await fireEvent.submit(field(page, '.send').closest('form') as Element);
    await settle(800);
    expect(sent.map((one) => one.path)).toEqual(['api/v1/alerts/a/answer']);
    expect(JSON.parse(String(sent[0]?.init.body))).toEqual({ version: 1, receiver: 'hospital', stage: 'fed_back', by: '护士长', note: '床位 20 张' });
    expect([page.querySelector('[data-form="enter"]'), button(page, 'beds'), desk.said]).toEqual([null, null, '已登记 hospital 的答复']);
    expect(textOf(page.querySelector('[data-task="beds"] small'))).toContain('hospital/护士长（值班员 代填）');
    locale.language = 'en';
    flushSync();
    expect(textOf(page.querySelector('[data-task="beds"] small'))).toContain('hospital/护士长 (entered by operator)');
  });

  // Promise: a refusal is said in words, and what was written is not lost.
  it('says why it was refused', async () => {
    refuse = { code: 'conflict', reason: 'newer_fact', detail: '' };
    const page = await opened();
    await press(button(page, 'road'));
    await type(field(page, 'input'), '李警官');
    await fireEvent.submit(field(page, '.send').closest('form') as Element);
    await settle();
    expect(textOf(page.querySelector('[data-refusal]'))).toBe('未执行：另一位值班员刚刚处置过此预警，请看最新状态。');
    expect(field<HTMLInputElement>(page, 'input').value).toBe('李警官');
  });
});
