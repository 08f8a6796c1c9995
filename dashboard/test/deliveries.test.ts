import { cleanup, fireEvent } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import DeliveriesPanel from '../src/deliveries/DeliveriesPanel.svelte';
import TopBar from '../src/topbar/TopBar.svelte';
import { locale } from '../src/i18n/locale.svelte';
import type { Delivery, Receiver } from '../src/live/outward';
import { alertOf } from './alerts';
import { deskWith, NOW, show } from './desk';
import { ago, deadOf, receiverOf } from './outward';

let receivers: readonly Receiver[];
let letters: readonly Delivery[];
let shelf: readonly Delivery[];
let refuse: number | null;
let down: boolean;
let sent: { path: string; init: RequestInit }[];
let asked: string[];
const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  locale.language = 'zh';
  [receivers, letters, shelf, refuse, down, sent, asked] = [[receiverOf('water')], [], [], null, false, [], []];
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push(path);
    if (down) return Promise.resolve(json({ code: 'unavailable' }, 503));
    if (init.method === 'POST') {
      sent.push({ path, init });
      const id = path.split('/').at(-2);
      if (refuse !== null) return Promise.resolve(json({ code: { 403: 'bad_request', 404: 'not_found', 409: 'conflict' }[refuse] ?? 'internal' }, refuse));
      const letter = [...letters, ...shelf].find((one) => one.id === id);
      if (path.endsWith('/dismiss')) return Promise.resolve(json({ ...letter, dismissed: { by: 'operator', at: ago(0), note: '已电话告知' } }));
      return Promise.resolve(json({ ...letter, outcome: 'pending', settled_at: null, dismissed: null }));
    }
    if (path.endsWith('receivers')) return Promise.resolve(json(receivers));
    if (path.includes('alerts/')) return Promise.resolve(path.endsWith('b0123456789') ? json({ code: 'not_found' }, 404) : json(alertOf({ id: 'old', title: { zh: '烟感报警', en: 'Smoke' } })));
    const pending = [deadOf('3', { outcome: 'pending', created_at: ago(5_000) }), deadOf('2', { outcome: 'pending', created_at: ago(125_000) })];
    return Promise.resolve(json({ items: path.includes('outcome=pending') ? pending : path.includes('dismissed=true') ? shelf : letters, next: null }));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const textOf = (of: Element | null | undefined): string => of?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
const desk = () => deskWith([alertOf({ id: 'a' })]);
/** The bar and, where it is open, the panel, once the gateway has answered. */
async function shown(at = desk(), open = true): Promise<{ bar: HTMLElement; panel: HTMLElement }> {
  at.view.deliveries = open;
  const bar = show(TopBar, at);
  const panel = open ? show(DeliveriesPanel, at) : bar;
  await vi.advanceTimersByTimeAsync(20);
  flushSync();
  return { bar, panel };
}

describe('the button', () => {
  // Promise: the badge stands there only where something is wrong, and counts the receivers with whom it is.
  it('counts receivers in trouble, and is silent where all is well', async () => {
    expect((await shown(desk(), false)).bar.querySelector('[data-badge]')).toBeNull();
    cleanup();
    receivers = [receiverOf('well'), receiverOf('water'), receiverOf('chief', { health: 'failing', last_error: 'no connection to the receiver' })];
    // Who is no receiver any more is in the list, but nothing can be done about it.
    letters = [deadOf('9'), deadOf('8'), deadOf('7', { receiver: 'gone' })];
    const { bar } = await shown(desk(), false);
    expect(textOf(bar.querySelector('[data-badge]'))).toBe('2');
    expect(bar.querySelector('[data-deliveries]')?.getAttribute('aria-label')).toBe('告知: 2 个接收方有问题');
  });

  // Promise: nobody has to open anything to learn of it; while it is open it is asked for more often.
  it('asks now and then, and oftener while it is looked at', async () => {
    const at = desk();
    const { bar } = await shown(at, false);
    const times = (): number => asked.filter((path) => path.endsWith('receivers')).length;
    expect(times()).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times()).toBe(2);
    await fireEvent.click(bar.querySelector('[data-deliveries]') as Element);
    expect(at.view.search('?lang=zh')).toBe('?lang=zh&deliveries=open');
    await vi.advanceTimersByTimeAsync(20_100);
    expect(times()).toBe(5);
    expect(bar.querySelector('[data-deliveries]')?.getAttribute('aria-expanded')).toBe('true');
  });
});

describe('receivers', () => {
  // Promise: each has its state in words, what it is owed and since when, when it last took something, and why it does not.
  it('stand there with how they do', async () => {
    receivers = [
      receiverOf('water', { pending: 2, health: 'failing', failing_since: ago(120_000), last_error: 'no connection to the receiver', last_success: ago(180_000) }),
      receiverOf('duty', { health: 'failing', failing_since: ago(60_000), last_error: 'the receiver refuses (HTTP 401)', needs_operator: true, pending: null }),
      receiverOf('chief'),
      receiverOf('old'),
    ];
    letters = [deadOf('9', { receiver: 'old' })];
    const { panel } = await shown();
    const row = (name: string): HTMLElement => panel.querySelector(`[data-receiver="${name}"]`) as HTMLElement;
    expect([...row('water').children].map(textOf)).toEqual(['waternative · water.example', '没有收下 已 2分00秒', '2', '2分05秒', '0', '20:02:00']);
    expect(textOf(row('water').nextElementSibling)).toBe('连不上接收方');
    expect([row('duty').dataset.health, textOf(row('duty').children[1]), textOf(row('duty').children[2])]).toEqual(['person', '需要人处理 已 1分00秒', '—']);
    expect(textOf(row('chief').children[1])).toBe('正常');
    expect([textOf(row('old').children[1]), textOf(row('old').children[4])]).toEqual(['有未送达', '1']);
    locale.language = 'en';
    flushSync();
    expect(textOf(row('duty').children[1])).toBe('needs a person for 1m 00s');
    expect(textOf(row('duty').nextElementSibling)).toBe('the receiver refuses (HTTP 401)');
  });

  // Promise: who takes only so much in a minute has it there, in words; who has no limit has nothing.
  it('say how much they take in a minute', async () => {
    receivers = [receiverOf('group', { format: 'dingtalk', per_minute: 20 }), receiverOf('chief')];
    const { panel } = await shown();
    const pace = (name: string): string => textOf(panel.querySelector(`[data-receiver="${name}"] [data-pace]`));
    expect([pace('group'), pace('chief')]).toEqual(['每分钟至多 20 条', '']);
    locale.language = 'en';
    flushSync();
    expect(pace('group')).toBe('at most 20 a minute');
  });

  // Promise: what is empty says what that means; what cannot be had says why, and what stood there is called old.
  it('say what nothing means', async () => {
    receivers = [];
    const { panel } = await shown();
    expect(textOf(panel.querySelector('[data-empty="receivers"]'))).toBe('没有配置接收方：预警不会告知任何人');
    expect(textOf(panel.querySelector('[data-empty="letters"]'))).toBe('没有未送达的消息');
    down = true;
    await vi.advanceTimersByTimeAsync(10_100);
    flushSync();
    expect(textOf(panel.querySelector('[data-problem]'))).toBe('告知情况暂时取不到 · 网关暂不可用 · 以下不是现状');
  });
});

describe('dead letters', () => {
  const two = [deadOf('9'), deadOf('8', { alert: 'b0123456789', receiver: 'gone', last_error: 'the episode ended 24 h ago; last attempt: the receiver refuses (HTTP 404)' })];
  const button = (panel: HTMLElement, id: string): HTMLButtonElement | null => panel.querySelector(`[data-letter="${id}"] .send`);
  const press = async (panel: HTMLElement, id: string): Promise<void> => {
    await fireEvent.click(button(panel, id) as Element);
    await vi.advanceTimersByTimeAsync(20);
    flushSync();
  };

  // Promise: which version of which alert, to whom, when and why stands there, and leads to the alert.
  it('say what was given up', async () => {
    letters = [...two, deadOf('7', { alert: 'old' })];
    const at = desk();
    const { panel } = await shown(at);
    expect(textOf(panel.querySelector('[data-letter="9"]'))).toBe('4 PM2.5 浓度超标 第 2 版 → water 20:04:00 · 已尝试 7 次 · 接收方已永久停用（HTTP 410） 重新发送 不再处理');
    expect(textOf(panel.querySelector('[data-letter="8"]'))).toContain('预警 b0123456 第 2 版 → gone (已不在配置中)');
    // An alert of long ago has its name as well, asked for once.
    await vi.advanceTimersByTimeAsync(10_100);
    flushSync();
    expect(textOf(panel.querySelector('[data-letter="7"] .link'))).toBe('烟感报警');
    expect(asked.filter((path) => path.includes('alerts/'))).toHaveLength(2);
    await fireEvent.click(panel.querySelector('[data-letter="8"] .link') as Element);
    expect(at.view.alert).toBe('b0123456789');
  });

  // Promise: one press sends one letter again, in the operator's name; it stands there until the list is closed, and the badge goes.
  it('are sent again by a press', async () => {
    letters = [two[0] as Delivery];
    const at = desk();
    const { bar, panel } = await shown(at);
    expect(textOf(bar.querySelector('[data-badge]'))).toBe('1');
    await press(panel, '9');
    expect(sent).toHaveLength(1);
    expect([sent[0]?.path, sent[0]?.init.body]).toEqual(['api/v1/deliveries/9/replay', '{}']);
    expect(sent[0]?.init.headers).toEqual({ 'Content-Type': 'application/json', 'Maibo-Actor': 'operator' });
    expect(textOf(panel.querySelector('[data-again]'))).toBe('已重新发送 · 待送');
    expect([button(panel, '9'), bar.querySelector('[data-badge]')]).toEqual([null, null]);
    expect(at.said).toBe('已向 water 重新发送：PM2.5 浓度超标');
    // An answer that was on its way before knows nothing of it; one that died anew is dead.
    await vi.advanceTimersByTimeAsync(10_100);
    flushSync();
    expect(button(panel, '9')).toBeNull();
    letters = [deadOf('9', { settled_at: ago(-9_000) })];
    await vi.advanceTimersByTimeAsync(10_100);
    flushSync();
    expect(button(panel, '9')).not.toBeNull();
  });

  // Promise: why one was not sent is said at it, in words, and it can be tried again.
  it('say why they were not sent', async () => {
    letters = two;
    const { panel } = await shown();
    const said: Record<number, string> = { 403: '未发送：没有此权限', 404: '未发送：此消息已不再保留', 409: '未发送：接收方已知道此预警的更新情况，或此消息已不是未送达状态', 500: '网关内部错误' };
    for (const [status, words] of Object.entries(said)) {
      refuse = Number(status);
      await press(panel, '9');
      expect(textOf(panel.querySelector('[data-letter="9"] [data-refusal]'))).toBe(words);
      expect(panel.querySelector('[data-letter="8"] [data-refusal]')).toBeNull();
    }
    refuse = null;
    await press(panel, '9');
    expect(panel.querySelector('[data-refusal]')).toBeNull();
  });

  // Promise: one that is set aside is asked about first; then it stands there with who did it until the list is closed, and counts no more.
  it('are set aside by a press that is confirmed', async () => {
    letters = [two[0] as Delivery];
    const at = desk();
    const { bar, panel } = await shown(at);
    const aside = (): HTMLButtonElement | null => panel.querySelector('[data-letter="9"] .aside');
    const form = (): HTMLFormElement | null => panel.querySelector('[data-form="aside"]');
    const open = async (): Promise<void> => {
      await fireEvent.click(aside() as Element);
      await vi.advanceTimersByTimeAsync(20);
      flushSync();
    };
    await open();
    expect([sent.length, document.activeElement]).toEqual([0, form()?.querySelector('input')]);
    await fireEvent.keyDown(form()?.querySelector('input') as Element, { key: 'Escape' });
    await vi.advanceTimersByTimeAsync(20);
    flushSync();
    expect([form(), at.view.deliveries, document.activeElement]).toEqual([null, true, aside()]);
    await open();
    await fireEvent.input(form()?.querySelector('input') as Element, { target: { value: ' 已电话告知 ' } });
    await fireEvent.submit(form() as Element);
    await vi.advanceTimersByTimeAsync(20);
    flushSync();
    expect(sent.map((one) => [one.path, one.init.body])).toEqual([['api/v1/deliveries/9/dismiss', '{"note":"已电话告知"}']]);
    expect(textOf(panel.querySelector('[data-letter="9"] [data-aside]'))).toBe('值班员 20:05:00 起不再处理 · 已电话告知');
    expect([form(), aside(), bar.querySelector('[data-badge]')]).toEqual([null, null, null]);
    expect(at.said).toBe('未送达 water 的消息不再处理：PM2.5 浓度超标');
    expect(button(panel, '9'), 'it can be sent all the same').not.toBeNull();
    await press(panel, '9');
    expect(textOf(panel.querySelector('[data-letter="9"] [data-again]'))).toBe('已重新发送 · 待送');
  });

  // Promise: what was set aside before is there for who asks, and can be sent again.
  it('that were set aside before are shown on demand', async () => {
    shelf = [deadOf('5', { dismissed: { by: 'li.wei', at: ago(3_600_000), note: '' } })];
    const { panel } = await shown();
    const look = async (): Promise<void> => {
      await fireEvent.click(panel.querySelector('[data-shelf]') as Element);
      await vi.advanceTimersByTimeAsync(20);
      flushSync();
    };
    expect(asked.some((path) => path.includes('dismissed'))).toBe(false);
    await look();
    expect(textOf(panel.querySelector('[data-letter="5"] [data-aside]'))).toBe('li.wei 19:05:00 起不再处理');
    expect(panel.querySelector('[data-letter="5"] .aside')).toBeNull();
    await press(panel, '5');
    expect(textOf(panel.querySelector('[data-letter="5"] [data-again]'))).toBe('已重新发送 · 待送');
    expect(panel.querySelectorAll('[data-letter="5"]')).toHaveLength(1);
    await look();
    shelf = [];
    await look();
    expect(textOf(panel.querySelector('[data-empty="shelf"]'))).toBe('没有不再处理的消息');
  });

  // Promise: the panel takes the keyboard, Escape closes it and nothing behind it.
  it('are left by Escape', async () => {
    const at = desk();
    at.select('a');
    const { panel } = await shown(at);
    expect(document.activeElement).toBe(panel.querySelector('[data-panel]'));
    await fireEvent.keyDown(panel.querySelector('[data-panel]') as Element, { key: 'Escape' });
    expect([at.view.deliveries, at.view.alert]).toEqual([false, 'a']);
  });
});
