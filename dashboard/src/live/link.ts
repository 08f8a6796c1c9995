/**
 * The one connection to the gateway: hello, resume, snapshot, sequenced frames, heartbeat watch, back-off.
 *
 * Place in the data path: socket text -> `Link` -> `Sink` (the city's state). It has no clock, socket or timer of its
 * own: all come through `Ports`, so that a test can play any story.
 *
 * Invariants
 * - A sequenced frame reaches the sink exactly once and in order, or the sink gets a fresh snapshot.
 * - Nothing from a superseded socket or snapshot request has any effect (`generation`).
 * - Within 3 s of the last frame the link says `stale` (it looks every `WATCH_MS`); with no socket it says `offline`.
 *
 * Limits: at most `MAX_HELD` frames wait for a snapshot; above that the snapshot is asked for again.
 */
import { backoffMs } from './backoff';
import type { SequencedFrame, ServerFrame, Snapshot, Welcome, Heartbeat } from './wire';

/** Two heartbeats late, with a moment to spare before the 3 s that are promised. */
export const STALE_MS = 2_500;
/** A silent socket is given up after this; the network may have dropped it without telling. */
export const DEAD_MS = 10_000;
export const WATCH_MS = 250;
/** A link that has lived this long has earned a fresh back-off. */
const STEADY_MS = 5_000;
const MAX_HELD = 2_000;

export type LinkState = 'connecting' | 'live' | 'stale' | 'offline';

export interface LinkStatus {
  readonly state: LinkState;
  /** Local time of the last frame of any kind, ms; 0 before the first. */
  readonly lastFrameAt: number;
  /** Local time of the next try, ms; null while a socket is open. */
  readonly nextTryAt: number | null;
  /** Failed tries in a row. */
  readonly tries: number;
  /** Why the last snapshot could not be had (a problem code), null when all is well. */
  readonly snapshotProblem: string | null;
}

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Ports {
  open(): SocketLike;
  snapshot(): Promise<Snapshot>;
  now(): number;
  random(): number;
  /** Calls back once after `ms`; returns the way to cancel. */
  later(ms: number, run: () => void): () => void;
}

export interface Sink {
  snapshot(snapshot: Snapshot): void;
  /** False when the frame does not fit what the sink holds: a snapshot is then taken. */
  frame(frame: SequencedFrame): boolean;
  heartbeat(heartbeat: Heartbeat): void;
  status(status: LinkStatus): void;
}

type Phase = 'hello' | 'snapshot' | 'streaming';

export class Link {
  #socket: SocketLike | null = null;
  #generation = 0;
  #phase: Phase = 'hello';
  #epoch: string | null = null;
  #seq = 0;
  #held: SequencedFrame[] = [];
  #request = 0;
  #openedAt = 0;
  #lastFrameAt = 0;
  #heardSeq = 0;
  #everLive = false;
  #tries = 0;
  #snapshotTries = 0;
  #snapshotProblem: string | null = null;
  #serverDelay = 0;
  #nextTryAt: number | null = null;
  #cancelRetry: (() => void) | null = null;
  #cancelSnapshot: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;
  #stopped = false;

  constructor(
    private readonly ports: Ports,
    private readonly sink: Sink,
  ) {}

  /** Local time of the last frame, ms; 0 before the first. */
  get lastFrameAt(): number {
    return this.#lastFrameAt;
  }

  start(): void {
    this.#connect();
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWatch?.();
    this.#drop();
    this.#cancelRetry?.();
  }

  /** Tries now instead of waiting for the back-off (the operator's button, or the browser came online). */
  retryNow(): void {
    if (this.#stopped) return;
    if (this.#nextTryAt !== null) {
      this.#cancelRetry?.();
      this.#connect();
    } else if (this.#phase === 'snapshot' && this.#snapshotProblem !== null) {
      this.#takeSnapshot();
    }
  }

  /** Looks at the age of the link at once; timers of a hidden tab run late. */
  look(): void {
    if (this.#stopped) return;
    const silent = this.ports.now() - Math.max(this.#lastFrameAt, this.#openedAt);
    if (this.#socket && silent > DEAD_MS) this.#lost();
    else this.#tell();
  }

  #watch(): void {
    this.#cancelWatch = this.ports.later(WATCH_MS, () => {
      this.look();
      if (!this.#stopped) this.#watch();
    });
  }

  #connect(): void {
    this.#drop();
    this.#cancelRetry = null;
    this.#nextTryAt = null;
    const generation = this.#generation;
    const current = (): boolean => generation === this.#generation && !this.#stopped;
    this.#phase = 'hello';
    this.#openedAt = this.ports.now();
    let socket: SocketLike;
    try {
      socket = this.ports.open();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      if (!current()) return;
      const resume = this.#epoch === null ? null : { epoch: this.#epoch, seq: this.#seq };
      socket.send(JSON.stringify({ t: 'hello', v: 1, view: 'city', resume }));
    };
    socket.onmessage = (event) => {
      if (current()) this.#receive(event.data);
    };
    socket.onclose = () => {
      if (current()) this.#lost();
    };
    this.#tell();
  }

  /** Lets go of the socket and of everything under way for it. */
  #drop(): void {
    this.#generation += 1;
    this.#request += 1;
    this.#cancelSnapshot?.();
    this.#cancelSnapshot = null;
    this.#held = [];
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #lost(): void {
    const livedMs = this.ports.now() - this.#openedAt;
    if (this.#phase === 'streaming' && livedMs >= STEADY_MS) this.#tries = 0;
    this.#drop();
    const delay = Math.max(this.#serverDelay, backoffMs(this.#tries, this.ports.random()));
    this.#serverDelay = 0;
    this.#tries += 1;
    this.#nextTryAt = this.ports.now() + delay;
    this.#cancelRetry = this.ports.later(delay, () => this.#connect());
    this.#tell();
  }

  #receive(data: unknown): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data)) as ServerFrame;
    } catch {
      // A frame that is no JSON breaks the sequence; start over.
      this.#lost();
      return;
    }
    const wasStale = this.#state() !== 'live';
    this.#lastFrameAt = this.ports.now();
    switch (frame.t) {
      case 'welcome':
        this.#welcome(frame);
        break;
      case 'al':
      case 'dv':
        this.#sequenced(frame);
        break;
      case 'hb':
        this.#heartbeat(frame);
        break;
      case 'gap':
        this.#takeSnapshot();
        break;
      case 'bye':
        this.#serverDelay = Math.min(30_000, Math.max(0, Number(frame.retry_ms) || 0));
        break;
    }
    if (wasStale) this.#tell();
  }

  #welcome(frame: Welcome): void {
    if (frame.mode === 'resumed' && frame.epoch === this.#epoch) {
      this.#stream();
      return;
    }
    this.#epoch = frame.epoch;
    this.#takeSnapshot();
  }

  #stream(): void {
    this.#phase = 'streaming';
    this.#everLive = true;
    this.#heardSeq = this.#seq;
    this.#snapshotProblem = null;
    this.#snapshotTries = 0;
    this.#tell();
  }

  #sequenced(frame: SequencedFrame): void {
    if (this.#phase === 'snapshot') {
      this.#held.push(frame);
      if (this.#held.length > MAX_HELD) this.#takeSnapshot();
      return;
    }
    if (this.#phase !== 'streaming' || frame.s <= this.#seq) return;
    if (frame.s !== this.#seq + 1) {
      this.#lost();
      return;
    }
    this.#apply(frame);
  }

  #apply(frame: SequencedFrame): boolean {
    if (!this.sink.frame(frame)) {
      this.#takeSnapshot();
      return false;
    }
    this.#seq = frame.s;
    return true;
  }

  #heartbeat(frame: Heartbeat): void {
    // A heartbeat may overtake a frame by a moment, not by a whole second: only the one before counts.
    if (this.#phase === 'streaming' && this.#heardSeq > this.#seq) {
      this.#lost();
      return;
    }
    this.#heardSeq = frame.s;
    this.sink.heartbeat(frame);
  }

  #takeSnapshot(): void {
    this.#phase = 'snapshot';
    this.#held = [];
    this.#cancelSnapshot?.();
    this.#cancelSnapshot = null;
    this.#request += 1;
    const request = this.#request;
    this.ports.snapshot().then(
      (snapshot) => {
        if (request === this.#request && !this.#stopped) this.#snapshotCame(snapshot);
      },
      (error: unknown) => {
        if (request === this.#request && !this.#stopped) this.#snapshotFailed(error);
      },
    );
  }

  #snapshotCame(snapshot: Snapshot): void {
    if (snapshot.epoch !== this.#epoch) {
      // The gateway restarted between the welcome and the snapshot.
      this.#epoch = null;
      this.#lost();
      return;
    }
    const held = this.#held;
    this.#held = [];
    this.sink.snapshot(snapshot);
    this.#seq = snapshot.seq;
    this.#stream();
    for (const frame of held) {
      if (this.#phase !== 'streaming') return;
      this.#sequenced(frame);
    }
  }

  #snapshotFailed(error: unknown): void {
    const code = (error as { code?: unknown } | null)?.code;
    this.#snapshotProblem = typeof code === 'string' ? code : 'unreachable';
    const delay = backoffMs(this.#snapshotTries, this.ports.random());
    this.#snapshotTries += 1;
    this.#cancelSnapshot = this.ports.later(delay, () => this.#takeSnapshot());
    this.#tell();
  }

  #state(): LinkState {
    if (this.#socket === null) return this.#everLive || this.#tries > 0 ? 'offline' : 'connecting';
    if (!this.#everLive) return 'connecting';
    if (this.#phase === 'hello') return 'offline';
    // A new picture is on its way; what is on the screen is old.
    if (this.#phase === 'snapshot') return 'stale';
    return this.ports.now() - this.#lastFrameAt > STALE_MS ? 'stale' : 'live';
  }

  #tell(): void {
    this.sink.status({
      state: this.#state(),
      lastFrameAt: this.#lastFrameAt,
      nextTryAt: this.#nextTryAt,
      tries: this.#tries,
      snapshotProblem: this.#snapshotProblem,
    });
  }
}
