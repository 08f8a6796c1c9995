import { describe, expect, it, vi } from 'vitest';
import { arrange, compareAlerts } from '../src/alerts/order';
import { queueKeys } from '../src/alerts/keys';
import { ROW_PX, scrollFor, visibleRows } from '../src/alerts/window';
import { ACKNOWLEDGED, alertOf } from './alerts';

const ids = (rows: readonly { id: string }[]): string => rows.map((row) => row.id).join(' ');

describe('order', () => {
  // Promise: level, then open before acknowledged, then newest.
  it('puts what needs an act first', () => {
    const rows = [
      alertOf({ id: 'old-blue' }),
      alertOf({ id: 'new-blue', started_at: '2026-11-23T13:00:00.000Z' }),
      alertOf({ id: 'red-done', level: 'red', acknowledged: ACKNOWLEDGED, started_at: '2026-11-23T14:00:00.000Z' }),
      alertOf({ id: 'red-old', level: 'red' }),
      alertOf({ id: 'orange', level: 'orange' }),
    ];
    expect(ids(rows.sort(compareAlerts))).toBe('red-old red-done orange new-blue old-blue');
  });
});

describe('hold', () => {
  const [a, b, c] = [alertOf({ id: 'a', level: 'red' }), alertOf({ id: 'b' }), alertOf({ id: 'c', level: 'red' })];

  // Promise: under the pointer nothing moves; what is new is counted.
  it('keeps places and counts what waits', () => {
    const held = arrange([a, c, b], ['a', 'b'], () => undefined);
    expect(ids(held.rows)).toBe('a b');
    expect(held.waiting).toBe(1);
    expect(ids(arrange([a, c, b], null, () => undefined).rows)).toBe('a c b');
  });

  // Promise: a held row shows the present content of its alert, also after it returned.
  it('shows present content in the held place', () => {
    const returned = alertOf({ id: 'b', state: 'resolved', version: 2 });
    const held = arrange([a], ['a', 'b'], (id) => (id === 'b' ? returned : undefined));
    expect(held.rows[1]).toBe(returned);
  });
});

describe('window', () => {
  // Promise: ten thousand alerts cost a screenful of rows.
  it('cuts the rows on the screen with a margin', () => {
    expect(visibleRows(100 * ROW_PX, 10 * ROW_PX, 10_000)).toEqual({ first: 96, end: 114 });
    expect(visibleRows(0, 440, 3)).toEqual({ first: 0, end: 3 });
    // Case: the list became short while scrolled far down.
    expect(visibleRows(9_999 * ROW_PX, 440, 5)).toEqual({ first: 1, end: 5 });
  });

  it('scrolls no more than needed', () => {
    expect(scrollFor(0, 200, 440)).toBe(0);
    expect(scrollFor(20, 0, 440)).toBe(21 * ROW_PX - 440);
    expect(scrollFor(3, 0, 440)).toBe(0);
  });
});

describe('keys', () => {
  function press(key: string, more: KeyboardEventInit = {}, target: HTMLElement = document.createElement('div')): string[] {
    const acts: string[] = [];
    const handler = queueKeys({
      move: (step) => void acts.push(`move ${step}`),
      acknowledge: () => void acts.push('acknowledge'),
      locate: () => void acts.push('locate'),
      close: () => void acts.push('close'),
    });
    document.body.append(target);
    target.addEventListener('keydown', handler);
    target.dispatchEvent(new KeyboardEvent('keydown', { key, ...more }));
    target.removeEventListener('keydown', handler);
    return acts;
  }

  // Promise: the whole queue can be worked from the keyboard.
  it('moves, acknowledges, locates, closes', () => {
    expect(['j', 'K', 'a', 'L', 'Escape', 'x'].flatMap((key) => press(key))).toEqual(['move 1', 'move -1', 'acknowledge', 'locate', 'close']);
  });

  // Promise: typing a note, a shortcut of the browser, or a key held down never acknowledges.
  it('does nothing while typing, with modifiers, or on repeats of A', () => {
    expect(press('a', {}, document.createElement('textarea'))).toEqual([]);
    expect(press('a', { ctrlKey: true })).toEqual([]);
    expect(press('a', { repeat: true })).toEqual([]);
  });

  // Promise: keys of an input method (Pinyin is written in letters, Esc drops a candidate) are not the page's.
  it('leaves everything to an input method that composes', () => {
    for (const key of ['Escape', 'j', 'a']) {
      expect(press(key, { isComposing: true })).toEqual([]);
      expect(press(key, { keyCode: 229 })).toEqual([]);
    }
  });

  // Promise: Esc in a note leaves the note first; what was typed stays, and so does the alert.
  it('leaves the field with Esc and closes nothing', () => {
    const field = document.createElement('textarea');
    const blur = vi.spyOn(field, 'blur');
    expect(press('Escape', { isComposing: true }, field)).toEqual([]);
    expect(blur).not.toHaveBeenCalled();
    expect(press('Escape', {}, field)).toEqual([]);
    expect(blur).toHaveBeenCalledOnce();
  });
});
