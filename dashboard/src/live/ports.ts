/** The browser's side of the link: its socket, clock, timers and paint. */
import type { Painter } from './city.svelte';
import type { Ports, SocketLike } from './link';
import type { Snapshot } from './wire';

/** Ten pictures a second are more than an operator reads; the rest of each second belongs to the map and the hands. */
const MIN_FLUSH_MS = 100;

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

export function framePainter(): Painter {
  let last = 0;
  return (flush) => {
    const paint = (): void => {
      requestAnimationFrame(() => {
        last = performance.now();
        flush();
      });
    };
    const wait = MIN_FLUSH_MS - (performance.now() - last);
    if (wait > 0) setTimeout(paint, wait);
    else paint();
  };
}
