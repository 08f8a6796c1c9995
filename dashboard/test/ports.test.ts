import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { framePainter } from '../src/live/ports';

let frames: FrameRequestCallback[];

beforeEach(() => {
  vi.useFakeTimers();
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (run: FrameRequestCallback) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => void (frames[id - 1] = () => undefined));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('painter', () => {
  // Promise: on a page that is looked at, what changed is told with the next frame, once.
  it('flushes with the frame, not again by the clock', () => {
    const flush = vi.fn();
    framePainter()(flush);
    frames[0]?.(0);
    vi.advanceTimersByTime(5_000);
    expect(flush).toHaveBeenCalledOnce();
  });

  // Promise: a hidden tab gets no frames; it is flushed all the same, so that nothing piles up.
  it('flushes by the clock where no frame comes, not again by a late frame', () => {
    const flush = vi.fn();
    framePainter()(flush);
    vi.advanceTimersByTime(1_000);
    expect(flush).toHaveBeenCalledOnce();
    frames[0]?.(0);
    expect(flush).toHaveBeenCalledOnce();
  });

  // Limit: ten pictures a second.
  it('keeps pictures apart', () => {
    const flush = vi.fn();
    const paint = framePainter();
    paint(flush);
    frames[0]?.(0);
    paint(flush);
    expect(frames.length).toBe(1);
    vi.advanceTimersByTime(100);
    expect(frames.length).toBe(2);
  });
});
