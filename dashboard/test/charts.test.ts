import { describe, expect, it } from 'vitest';
import { reached } from '../src/alerts/reached';
import { bandsOf, ruleFor, valueRange } from '../src/charts/bands';
import { decided } from '../src/charts/feed';
import { chartSlots } from '../src/charts/slots';
import { bandOf } from '../src/city/band';
import { districtRows, mostOf } from '../src/city/districts';
import { alertOf } from './alerts';

describe('bands', () => {
  // Promise: a band begins at its limit and ends where the next level begins, in the rule's direction.
  it('climbs, falls and does both', () => {
    expect(bandsOf({ blue: 5, red: 50 }, 'above')).toEqual([
      { level: 'blue', line: 5, from: 5, to: 50 },
      { level: 'red', line: 50, from: 50, to: Infinity },
    ]);
    expect(bandsOf({ blue: 0.3, red: 0.1 }, 'below')).toEqual([
      { level: 'blue', line: 0.3, from: 0.1, to: 0.3 },
      { level: 'red', line: 0.1, from: -Infinity, to: 0.1 },
    ]);
    expect(bandsOf({ blue: [6, 9] }, 'outside').map((band) => [band.from, band.to])).toEqual([
      [-Infinity, 6],
      [9, Infinity],
    ]);
    expect(bandsOf(null, 'above')).toEqual([]);
  });

  // Promise: a value at the limit has reached it.
  it('reaches at the limit', () => {
    expect([reached(5, 5, 'above'), reached(5, 4.9, 'above'), reached(0.3, 0.3, 'below'), reached([6, 9], 9, 'outside'), reached(5, null, 'above')]).toEqual([
      true, false, true, true, false,
    ]);
  });

  // Promise: no reading and no limit is ever outside the picture.
  it('ranges over readings and limits', () => {
    const [low, high] = valueRange(1, 60, bandsOf({ red: 50 }, 'above'));
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(60);
    expect(valueRange(null, null, [])).toEqual([0, 1]);
    expect(valueRange(-3, -2, [])[0]).toBeLessThan(-3);
  });

  it('takes the limits of the device’s own domain first', () => {
    const rules = [
      { id: 'a', domain: 'traffic', quantity: 'water_depth', levels: { red: 50 }, direction: 'above' },
      { id: 'b', domain: 'municipal', quantity: 'water_depth', levels: { red: 80 }, direction: 'above' },
      { id: 'c', domain: 'municipal', quantity: 'water_depth', levels: null, direction: null },
    ];
    expect(ruleFor(rules, 'water_depth', 'municipal')?.id).toBe('b');
    expect(ruleFor(rules, 'water_depth', 'ecology')?.id).toBe('a');
    expect(ruleFor(rules, 'pm25', 'ecology')).toBeUndefined();
  });
});

describe('yes and no', () => {
  // Promise: the mean of a bucket that saw both is no third state; a short alarm is not rounded away.
  it('shows a bucket with both as a change', () => {
    expect(decided([0, 0.2, 0, 1, 0.9, 1])).toEqual([0, 1, 0, 1, 0, 1]);
    expect(decided([0.5, 1])).toEqual([1, 1]);
  });
});

describe('slots', () => {
  const featured = ['d1', 'd2', 'd3', 'd9'].map((device) => ({ device, quantity: 'pm25' }));
  const devices = (slots: readonly { device: string }[]): string => slots.map((slot) => slot.device).join(' ');

  // Promise: the chosen alert's series first, then the worst open ones, then the featured; four in all, none twice.
  it('puts the chosen and the worst before the featured', () => {
    const chosen = alertOf({ id: 'x', device: 'd1' });
    const open = [alertOf({ id: 'y', device: 'd4' }), alertOf({ id: 'z', device: 'd5', level: 'red' }), alertOf({ id: 's', device: null }), chosen];
    expect(devices(chartSlots(chosen, open, featured))).toBe('d1 d5 d4 d2');
    expect(devices(chartSlots(undefined, [], featured))).toBe('d1 d2 d3 d9');
  });

  // Limit: at most three of the worst, so that one place is the chosen alert's or a calm series'.
  it('takes three of the worst at most', () => {
    const open = ['a', 'b', 'c', 'd', 'e'].map((id) => alertOf({ id, device: `worst-${id}`, level: 'red' }));
    expect(devices(chartSlots(undefined, open, featured))).toBe('worst-a worst-b worst-c d1');
    expect(devices(chartSlots(alertOf({ id: 'x', device: 'd7' }), open, featured))).toBe('d7 worst-a worst-b worst-c');
  });

  // Promise: the row is worth its place: one of each rule before a second of any, nothing that is only yes or no.
  it('shows one of each rule first, and no yes or no', () => {
    const flood = (id: string) => alertOf({ id, device: id, rule: 'flood', quantity: 'water_depth', level: 'red' });
    const smoke = alertOf({ id: 's', device: 's', rule: 'smoke', quantity: 'smoke', level: 'red' });
    const air = alertOf({ id: 'air', device: 'air', level: 'blue' });
    expect(devices(chartSlots(undefined, [smoke, flood('f1'), flood('f2'), air], featured))).toBe('f1 air f2 d1');
  });
});

describe('index and districts', () => {
  it('colours only what open levels cap', () => {
    expect([null, 100, 90, 80, 60, 40].map((index) => bandOf(index))).toEqual([null, null, null, 'yellow', 'orange', 'red']);
  });

  // Promise: one alert in a calm city does not fill a bar.
  it('fills a bar at five or more', () => {
    const rows = districtRows({ a: { devices: 1, online: 1, open: { red: 0, orange: 1, yellow: 0, blue: 0 } } });
    expect([mostOf(rows), mostOf([])]).toEqual([5, 5]);
    expect(mostOf(districtRows({ a: { devices: 1, online: 1, open: { red: 2, orange: 1, yellow: 0, blue: 6 } } }))).toBe(9);
  });

  it('puts the worst district first', () => {
    const open = (red: number, blue: number) => ({ devices: 10, online: 10, open: { red, orange: 0, yellow: 0, blue } });
    const rows = districtRows({ '110101': open(0, 9), '110105': open(1, 0), '110106': open(0, 0), '110102': open(0, 9) });
    expect(rows.map((row) => row.code)).toEqual(['110105', '110101', '110102', '110106']);
  });
});
