/** A scripted gateway for the link: virtual time, hand-fed sockets and snapshots, and a sink that writes everything down. */
import { Link, type LinkState, type LinkStatus, type Ports, type Sink, type SocketLike } from '../src/live/link';
import type { SequencedFrame, Snapshot } from '../src/live/wire';

export class ScriptedSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: unknown[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  break(): void {
    this.onclose?.({ code: 1006 });
  }
}

interface Asked {
  answer(snapshot: Snapshot): void;
  fail(error: unknown): void;
}

export class Story {
  now = 1_000_000;
  random = 0.5;
  readonly sockets: ScriptedSocket[] = [];
  readonly asked: Asked[] = [];
  /** What the sink got, in order: `snapshot 10`, `al 11`, `hb 11`. */
  readonly told: string[] = [];
  readonly statuses: LinkStatus[] = [];
  accepts = true;
  #timers: { at: number; run: () => void }[] = [];
  readonly link: Link;

  constructor() {
    const ports: Ports = {
      open: () => {
        const socket = new ScriptedSocket();
        this.sockets.push(socket);
        return socket;
      },
      snapshot: () => new Promise((answer, fail) => this.asked.push({ answer, fail })),
      now: () => this.now,
      random: () => this.random,
      later: (ms, run) => {
        const timer = { at: this.now + ms, run };
        this.#timers.push(timer);
        return () => (this.#timers = this.#timers.filter((one) => one !== timer));
      },
    };
    const sink: Sink = {
      snapshot: (snapshot) => void this.told.push(`snapshot ${snapshot.seq}`),
      frame: (frame: SequencedFrame) => {
        if (this.accepts) this.told.push(`${frame.t} ${frame.s}`);
        return this.accepts;
      },
      heartbeat: (heartbeat) => void this.told.push(`hb ${heartbeat.s}`),
      status: (status) => void this.statuses.push(status),
    };
    this.link = new Link(ports, sink);
    this.link.start();
  }

  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }
  get status(): LinkStatus {
    const status = this.statuses.at(-1);
    if (!status) throw new Error('no status was told');
    return status;
  }
  get state(): LinkState {
    return this.status.state;
  }

  /** Moves time on, running what falls due in order. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  welcome(mode: 'snapshot' | 'resumed', seq: number, epoch = 'e1'): void {
    this.socket.onopen?.();
    this.socket.say({ t: 'welcome', v: 1, epoch, seq, now: 0, hb: 1000, mode });
  }

  async snapshot(seq: number, epoch = 'e1'): Promise<void> {
    this.asked.at(-1)?.answer({ epoch, seq, now: 0, version: 'v', l: [], v: [], a: [], alerts: [], featured: [], hb: null });
    await settled();
  }

  dv(s: number): void {
    this.socket.say({ t: 'dv', s, ts: 0, i: [], l: [], v: [], a: [] });
  }
  al(s: number): void {
    this.socket.say({ t: 'al', s, ts: 0, up: [] });
  }
  hb(s: number): void {
    this.socket.say({ t: 'hb', s });
  }

  /** A link that streams from `seq`. */
  static async live(seq = 10): Promise<Story> {
    const story = new Story();
    story.welcome('snapshot', seq);
    await story.snapshot(seq);
    story.told.length = 0;
    return story;
  }
}

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}
