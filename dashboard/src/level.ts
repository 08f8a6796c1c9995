/** The four warning levels as the page shows them: colour, shape, digit and word, never colour alone. */
import type { Level } from './live/wire';

/** Worst first. */
export const LEVELS: readonly Level[] = ['red', 'orange', 'yellow', 'blue'];

export const COLOUR: Readonly<Record<Level, string>> = {
  blue: '#4aa3f0',
  yellow: '#fbe661',
  orange: '#f08a00',
  red: '#d42027',
};

/** 1 for blue … 4 for red, as on the wire. */
export function rankOf(level: Level): number {
  return 4 - LEVELS.indexOf(level);
}

/** The digit of the warning colours: red Ⅰ … blue Ⅳ. */
export function digitOf(level: Level): number {
  return LEVELS.indexOf(level) + 1;
}

/** Shapes in a 20 × 20 box: octagon, triangle, diamond; blue is a circle. */
export const SHAPE: Readonly<Record<Exclude<Level, 'blue'>, string>> = {
  red: '6.3,1 13.7,1 19,6.3 19,13.7 13.7,19 6.3,19 1,13.7 1,6.3',
  orange: '10,0.8 19.4,18 0.6,18',
  yellow: '10,0.4 19.6,10 10,19.6 0.4,10',
};
