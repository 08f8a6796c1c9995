/** The browser's side of the link: its socket, clock, timers and paint. */
import type { Painter } from './city.svelte';
import type { Ports, SocketLike } from './link';
import type { Snapshot } from './wire';

/** Ten pictures a second are more than an operator reads; the rest of each second belongs to the map and the hands. */
const MIN_FLUSH_MS = 100;
/** A page that is painted at all is painted far more often than this. */
const UNPAINTED_MS = 1_000;

export function browserPorts(snapshot: () => Promise<Snapshot>): Ports {
  return {
    open: () => {
      const address = new URL('ws', document.baseURI);
      address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
      address.search = '';
      return new WebSocket(address) as unknown as SocketLike;
    },
    snapshot,
    now: () => Date.now(),
    random: () => Math.random(),
    later: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/**
 * Flushes before a paint; where none comes, as in a hidden tab (also one that is hidden while waiting), after
 * `UNPAINTED_MS`, so that what the page keeps stays bounded and is nearly the present when it is looked at again.
 */
export function framePainter(): Painter {
  let last = -Infinity;
  return (flush) => {
    const paint = (): void => {
      let done = false;
      const once = (): void => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        cancelAnimationFrame(frame);
        last = performance.now();
        flush();
      };
      const timer = setTimeout(once, UNPAINTED_MS);
      const frame = requestAnimationFrame(once);
    };
    const wait = MIN_FLUSH_MS - (performance.now() - last);
    if (wait > 0) setTimeout(paint, wait);
    else paint();
  };
}
