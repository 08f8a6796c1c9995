import { cleanup, fireEvent } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import { locale } from '../src/i18n/locale.svelte';
import { alertOf } from './alerts';
import { deskWith, NOW, show } from './desk';
import { settled } from './story';

let sent: { path: string; body: unknown }[];
let refuse: Response | null;

beforeEach(() => {
  locale.language = 'zh';
  [sent, refuse] = [[], null];
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => {
    if (init?.method !== 'POST') return Promise.resolve(new Response(JSON.stringify(alertOf({ id: 'a' }))));
    sent.push({ path, body: JSON.parse(String(init.body)) });
    return Promise.resolve(refuse ?? new Response(JSON.stringify(alertOf({ id: 'a', version: 2 }))));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const find = <T extends Element>(page: HTMLElement, selector: string): T => {
  const found = page.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
};
const type = (page: HTMLElement, selector: string, value: string): Promise<void> => fireEvent.input(find(page, selector), { target: { value } }).then(() => undefined);
const open = (page: HTMLElement, act: string): Promise<void> => fireEvent.click(find(page, `[data-act="${act}"]`)).then(() => undefined);
const send = async (page: HTMLElement): Promise<void> => {
  await fireEvent.submit(find(page, '[data-form]'));
  await settled();
};
const waits = (page: HTMLElement): boolean => find<HTMLButtonElement>(page, '[data-form] .send').disabled;

describe('handling', () => {
  // Promise: every act goes with the version that was seen, and with what the act needs.
  it('assigns, notes, reports and silences', async () => {
    const page = show(AlertDetail, deskWith([alertOf({ id: 'a' })], '?alert=a'));
    await open(page, 'assign');
    expect(waits(page)).toBe(true);
    await type(page, '[data-form] input', '排水三班');
    await send(page);
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/assign', body: { version: 1, to: '排水三班' } });
    expect(page.querySelector('[data-form]')).toBeNull();
    await open(page, 'feedback');
    expect(waits(page)).toBe(true);
    await type(page, '[data-form] textarea', '泵已启动');
    await send(page);
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/feedback', body: { version: 2, stage: 'responding', note: '泵已启动' } });
    await open(page, 'silence');
    await type(page, '[data-form] textarea', '检修');
    await send(page);
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/silence', body: { version: 2, until: new Date(NOW + 3_600_000).toISOString(), note: '检修' } });
  });

  // Promise: what fresh values say goes on is closed only by who says that they know; what is stale, and an event, without.
  it('closes by force only what goes on', async () => {
    const page = show(AlertDetail, deskWith([alertOf({ id: 'a' })], '?alert=a'));
    await open(page, 'close');
    expect(waits(page)).toBe(true);
    await fireEvent.click(find(page, '[data-form] input[type="checkbox"]'));
    expect(waits(page)).toBe(false);
    await send(page);
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/close', body: { version: 1, forced: true } });
    cleanup();
    const stale = show(AlertDetail, deskWith([alertOf({ id: 'a', data: 'stale' })], '?alert=a'));
    await open(stale, 'close');
    expect(stale.querySelector('[data-form] input')).toBeNull();
    await send(stale);
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/close', body: { version: 1, forced: false } });
  });

  // Promise: a refusal is said in words, what was typed stays, and a silence can be ended.
  it('says why something was not done', async () => {
    const silenced = { until: '2026-11-23T20:00:00.000Z', by: 'operator', at: '2026-11-23T12:00:00.000Z', note: '检修' };
    const page = show(AlertDetail, deskWith([alertOf({ id: 'a', silenced })], '?alert=a'));
    refuse = new Response(JSON.stringify({ code: 'conflict', reason: 'newer_fact', current: alertOf({ id: 'a', version: 3, silenced }) }), { status: 409 });
    await open(page, 'comment');
    await type(page, '[data-form] textarea', '已到现场');
    await send(page);
    expect(find(page, '[data-refusal]').textContent).toBe(locale.words.notDone.newer_fact);
    expect(find<HTMLTextAreaElement>(page, '[data-form] textarea').value).toBe('已到现场');
    refuse = null;
    await open(page, 'unsilence');
    await settled();
    expect(sent.pop()).toEqual({ path: 'api/v1/alerts/a/unsilence', body: { version: 3 } });
  });
});
