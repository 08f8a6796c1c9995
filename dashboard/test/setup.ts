// Any console output fails the test that made it: an operator's console stays empty.
import { afterEach, beforeEach, expect, vi } from 'vitest';

const heard: unknown[][] = [];

beforeEach(() => {
  heard.length = 0;
  for (const method of ['log', 'info', 'warn', 'error'] as const) vi.spyOn(console, method).mockImplementation((...words) => void heard.push(words));
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(heard).toEqual([]);
});
