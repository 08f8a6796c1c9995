import { cleanup } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import AlertDetail from '../src/alerts/AlertDetail.svelte';
import Queue from '../src/alerts/Queue.svelte';
import { locale } from '../src/i18n/locale.svelte';
import DrillBar from '../src/topbar/DrillBar.svelte';
import { alertOf } from './alerts';
import { deskWith, NOW, show } from './desk';

const drill = (id: string, more: object = {}) =>
  alertOf({ id, drill: true, level: 'red', device: null, subject: { kind: 'drill', id: 'flood' }, title: { zh: '演练：内涝', en: 'Drill: flood' }, ...more });

beforeEach(() => {
  vi.spyOn(Date, 'now').mockReturnValue(NOW);
  locale.language = 'zh';
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify({ items: [] }))));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('a drill', () => {
  // Promise: nobody takes it for real, in the list and in the detail, in either language.
  it('is marked in list and detail', () => {
    const desk = deskWith([drill('a'), alertOf({ id: 'b' })]);
    const page = show(Queue, desk);
    expect(page.querySelector('[data-alert="a"] [data-mark="drill"]')?.textContent).toBe('演练');
    expect(page.querySelector('[data-alert="b"] [data-mark="drill"]')).toBeNull();
    desk.select('a');
    const detail = show(AlertDetail, desk);
    expect(detail.querySelector('h2 [data-mark="drill"]')?.textContent).toBe('演练');
    expect(detail.querySelector('[data-drill]')?.textContent).toContain('并无实际险情');
    locale.language = 'en';
    flushSync();
    expect(page.querySelector('[data-alert="a"] [data-mark="drill"]')?.textContent).toBe('DRILL');
    expect(detail.querySelector('[data-drill]')?.textContent).toContain('nothing has happened');
  });

  // Promise: a drill is in no figure of the page, and neither is one that is over.
  it('is not counted', () => {
    const desk = deskWith([drill('a', { started_at: '2026-11-23T12:04:59.000Z' }), alertOf({ id: 'b', level: 'red' }), drill('c', { state: 'resolved', resolved_at: '2026-11-23T12:00:00.000Z' })]);
    const page = show(Queue, desk);
    expect(page.querySelector('[data-level="red"] b')?.textContent).toBe('1');
    expect(page.querySelector('[data-figure="open"]')?.textContent).toBe('未结 1');
    expect(page.querySelector('.tabs')?.textContent).toContain('已恢复 0');
    // What is real stands first among those of its level, however new the drill.
    expect([...page.querySelectorAll<HTMLElement>('[data-alert]')].map((row) => row.dataset.alert)).toEqual(['b', 'a']);
    expect(desk.city.worst(() => true)).toBe('red');
    expect(show(Queue, deskWith([drill('a')])).querySelector('.sr-only')?.textContent).toContain('0');
  });

  // Promise: while one is open the page says so, in both languages at once, and no longer than that.
  it('is announced across the page while it is open', () => {
    const desk = deskWith([alertOf({ id: 'b' })]);
    const bar = show(DrillBar, desk);
    expect(bar.querySelector('[data-bar="drill"]')).toBeNull();
    desk.city.alerts = [drill('a')];
    flushSync();
    expect(bar.querySelector('[data-bar="drill"] b')?.textContent).toBe('演练 · DRILL');
    expect(bar.textContent).toContain('演练：内涝');
    desk.city.alerts = [drill('a', { state: 'resolved' })];
    flushSync();
    expect(bar.querySelector('[data-bar="drill"]')).toBeNull();
  });

  // Promise: whoever leads it ends it with a plain close.
  it('is closed without force', async () => {
    const desk = deskWith([drill('a')]);
    desk.select('a');
    const detail = show(AlertDetail, desk);
    const close = [...detail.querySelectorAll<HTMLButtonElement>('button')].find((button) => button.textContent?.trim() === '关闭');
    close?.click();
    flushSync();
    expect(detail.querySelector('input[type="checkbox"]')).toBeNull();
    expect(detail.textContent).toContain('关闭预警');
  });
});
