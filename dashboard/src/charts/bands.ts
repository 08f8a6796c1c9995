/** Level bands of a chart: for each level the range of values in which it holds, by the rule's limits. */
import type { Bound, Levels } from '../alerts/reached';
import { COLOUR, LEVELS } from '../level';
import type { Level, Rule } from '../live/wire';

export interface Band {
  readonly level: Level;
  readonly from: number;
  readonly to: number;
  /** Where the level begins: the line that is drawn. */
  readonly line: number;
}

const ASCENDING = [...LEVELS].reverse();

function ladder(limits: readonly (readonly [Level, number])[], upwards: boolean): Band[] {
  const beyond = upwards ? Infinity : -Infinity;
  return limits.map(([level, line], place) => {
    const next = limits[place + 1]?.[1] ?? beyond;
    return { level, line, from: Math.min(line, next), to: Math.max(line, next) };
  });
}

export function bandsOf(levels: Levels | null, direction: string | null): Band[] {
  if (!levels) return [];
  const given = ASCENDING.flatMap((level): [Level, Bound][] => {
    const bound = levels[level];
    return bound === undefined ? [] : [[level, bound]];
  });
  const side = (at: 0 | 1): [Level, number][] =>
    given.flatMap(([level, bound]): [Level, number][] => {
      const line = typeof bound === 'number' ? bound : bound[at];
      return line === undefined ? [] : [[level, line]];
    });
  if (direction === 'outside') return [...ladder(side(0), false), ...ladder(side(1), true)];
  return ladder(side(0), direction !== 'below');
}

/** The rule a series is measured against: of its domain where there is one, else any for the quantity. */
export function ruleFor(rules: readonly Rule[], quantity: string, domain: string | undefined): Rule | undefined {
  const fitting = rules.filter((rule) => rule.quantity === quantity && rule.levels);
  return fitting.find((rule) => rule.domain === domain) ?? fitting[0];
}

/** The chart's value range: all readings and all limits, with a little room; zero is in it unless far away. */
export function valueRange(low: number | null, high: number | null, bands: readonly Band[]): [number, number] {
  const points = bands.map((band) => band.line);
  if (low !== null && Number.isFinite(low)) points.push(low);
  if (high !== null && Number.isFinite(high)) points.push(high);
  if (points.length === 0) return [0, 1];
  let bottom = Math.min(...points);
  let top = Math.max(...points);
  if (bottom > 0 && bottom < top * 0.6) bottom = 0;
  const room = (top - bottom || Math.abs(top) || 1) * 0.12;
  top += room;
  return [bottom === 0 ? 0 : bottom - room, top];
}

export function fillOf(level: Level): string {
  return `${COLOUR[level]}26`;
}
