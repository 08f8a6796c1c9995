import { describe, expect, it } from 'vitest';
import { backoffMs } from '../src/live/backoff';
import { Story } from './story';

describe('start', () => {
  // Promise: a new page says hello without resume and shows nothing before the snapshot.
  it('asks for a snapshot and becomes live with it', async () => {
    const story = new Story();
    expect(story.state).toBe('connecting');
    story.welcome('snapshot', 10);
    expect(story.socket.sent).toEqual([{ t: 'hello', v: 1, view: 'city', resume: null }]);
    await story.snapshot(10);
    expect(story.told).toEqual(['snapshot 10']);
    expect(story.state).toBe('live');
  });

  // Promise: frames that come while the snapshot is under way are neither lost nor applied twice.
  it('replays held frames above the snapshot only', async () => {
    const story = new Story();
    story.welcome('snapshot', 10);
    story.dv(11);
    story.al(12);
    story.dv(13);
    await story.snapshot(12);
    expect(story.told).toEqual(['snapshot 12', 'dv 13']);
  });

  // Case: the gateway restarts between the welcome and the snapshot; the picture of one epoch must not meet frames of another.
  it('starts over when the snapshot is of another epoch', async () => {
    const story = new Story();
    story.welcome('snapshot', 10);
    await story.snapshot(2, 'e2');
    expect(story.told).toEqual([]);
    expect(story.socket.closed).toBe(true);
    story.pass(1_000);
    story.welcome('snapshot', 3, 'e2');
    expect(story.socket.sent).toEqual([{ t: 'hello', v: 1, view: 'city', resume: null }]);
    await story.snapshot(3, 'e2');
    expect(story.told).toEqual(['snapshot 3']);
  });

  // Promise: a failed snapshot is said with its code and tried again without a new socket.
  it('says why there is no snapshot and tries again', async () => {
    const story = new Story();
    story.welcome('snapshot', 10);
    story.asked[0]?.fail({ code: 'unavailable' });
    await Promise.resolve().then(() => undefined);
    await Promise.resolve();
    expect(story.status.snapshotProblem).toBe('unavailable');
    story.pass(1_000);
    expect(story.asked.length).toBe(2);
    await story.snapshot(10);
    expect(story.status).toMatchObject({ state: 'live', snapshotProblem: null });
    expect(story.sockets.length).toBe(1);
  });
});

describe('sequence', () => {
  // Promise: a frame is applied once; what was applied before is ignored.
  it('applies frames in order and drops repeats', async () => {
    const story = await Story.live(10);
    story.al(11);
    story.dv(11);
    story.dv(12);
    story.dv(10);
    expect(story.told).toEqual(['al 11', 'dv 12']);
  });

  // Promise: a missing frame is never passed over; the link says hello again from the last good one.
  it('says hello again from the last good frame on a gap', async () => {
    const story = await Story.live(10);
    story.dv(11);
    story.dv(13);
    expect(story.told).toEqual(['dv 11']);
    expect(story.state).toBe('offline');
    story.pass(1_000);
    story.welcome('resumed', 13);
    expect(story.socket.sent).toEqual([{ t: 'hello', v: 1, view: 'city', resume: { epoch: 'e1', seq: 11 } }]);
    story.al(12);
    story.dv(13);
    expect(story.told).toEqual(['dv 11', 'al 12', 'dv 13']);
    expect(story.state).toBe('live');
  });

  // Case: the last frame before a quiet time is lost; only heartbeats can tell.
  it('finds a lost last frame by two heartbeats, and forgives one that overtook', async () => {
    const story = await Story.live(10);
    story.hb(11);
    story.dv(11);
    story.hb(11);
    expect(story.told).toEqual(['hb 11', 'dv 11', 'hb 11']);
    story.hb(12);
    story.hb(12);
    expect(story.state).toBe('offline');
  });

  // Promise: when the gateway says gap, the picture is replaced and old until then.
  it('takes a snapshot when told of a gap', async () => {
    const story = await Story.live(10);
    story.socket.say({ t: 'gap' });
    story.dv(40);
    expect(story.told).toEqual([]);
    await story.snapshot(39);
    expect(story.told).toEqual(['snapshot 39', 'dv 40']);
    expect(story.sockets.length).toBe(1);
  });

  // Case: a frame names a device the page does not know.
  it('takes a snapshot when a frame does not fit', async () => {
    const story = await Story.live(10);
    story.accepts = false;
    story.dv(11);
    story.accepts = true;
    expect(story.asked.length).toBe(2);
    await story.snapshot(11);
    expect(story.told).toEqual(['snapshot 11']);
  });

  // Case: the answer of an abandoned snapshot request arrives late.
  it('ignores a superseded snapshot and a superseded socket', async () => {
    const story = await Story.live(10);
    const first = story.socket;
    story.socket.say({ t: 'gap' });
    const late = story.asked.at(-1);
    first.break();
    story.pass(1_000);
    story.welcome('snapshot', 20);
    late?.answer({ epoch: 'e1', seq: 11, now: 0, version: 'v', l: [], v: [], a: [], alerts: [], featured: [], hb: null });
    first.say({ t: 'dv', s: 12, ts: 0, i: [], l: [], v: [], a: [] });
    await story.snapshot(20);
    expect(story.told).toEqual(['snapshot 20']);
  });
});

describe('age', () => {
  // Promise: silence is never shown as calm: said within 3 s of the last frame, given up after 10 s, live again with the next frame.
  it('goes stale, then live with a frame, then gives up', async () => {
    const story = await Story.live(10);
    story.pass(2_400);
    expect(story.state).toBe('live');
    story.pass(550);
    expect(story.state).toBe('stale');
    story.hb(10);
    expect(story.state).toBe('live');
    story.pass(10_900);
    expect(story.state).toBe('offline');
    expect(story.sockets[0]?.closed).toBe(true);
  });

  // Case: timers of a hidden tab run late; looking at the page must tell the truth at once.
  it('looks at once when asked', async () => {
    const story = await Story.live(10);
    story.now += 4_000;
    story.link.look();
    expect(story.state).toBe('stale');
  });
});

describe('reconnecting', () => {
  // Promise: within 3 s of the gateway's return the page is right again, also after it was away for some seconds.
  it('finds a gateway that is back within 1.5 s, for the first ten seconds whatever the dice say', async () => {
    for (const random of [0, 0.5, 0.999_999]) {
      const story = await Story.live(10);
      story.random = random;
      const gone = story.now;
      while (story.now - gone < 10_000) {
        story.socket.break();
        expect((story.status.nextTryAt ?? 0) - story.now).toBeLessThanOrEqual(1_500);
        story.pass((story.status.nextTryAt ?? 0) - story.now);
      }
    }
  });

  // Promise: for the first quarter of a minute tries come close together, later ones spread out to 30 s; the press tries now.
  it('backs off and obeys the press', async () => {
    const story = await Story.live(10);
    const waits: number[] = [];
    for (let round = 0; round < 21; round += 1) {
      story.socket.break();
      waits.push((story.status.nextTryAt ?? 0) - story.now);
      story.pass(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([750, ...Array<number>(14).fill(1_125), 2_250, 4_500, 9_000, 18_000, 22_500, 22_500]);
    story.socket.break();
    const before = story.sockets.length;
    story.link.retryNow();
    expect(story.sockets.length).toBe(before + 1);
  });

  // Promise: the gateway may ask for more time before the return.
  it('honours bye', async () => {
    const story = await Story.live(10);
    story.socket.say({ t: 'bye', code: 'overload', retry_ms: 7_000 });
    story.socket.break();
    expect((story.status.nextTryAt ?? 0) - story.now).toBe(7_000);
  });

  // Promise: a link that lived earns a fresh back-off; one that dies at once does not.
  it('forgets failures only after a steady time', async () => {
    const story = await Story.live(10);
    story.socket.break();
    story.pass(750);
    story.welcome('resumed', 10);
    story.socket.break();
    expect((story.status.nextTryAt ?? 0) - story.now).toBe(1_125);
    story.pass(1_125);
    story.welcome('resumed', 10);
    for (let second = 0; second < 6; second += 1) {
      story.pass(1_000);
      story.hb(10);
    }
    story.socket.break();
    expect((story.status.nextTryAt ?? 0) - story.now).toBe(750);
  });

  // Promise: after stop nothing happens any more.
  it('stops', async () => {
    const story = await Story.live(10);
    story.link.stop();
    story.pass(60_000);
    expect(story.sockets.length).toBe(1);
    expect(story.socket.closed).toBe(true);
  });

  // Promise: 0.5 s … 30 s whatever the dice say; the first at most 1 s, the next fourteen at most 1.5 s, none the same for all desks.
  it('keeps the bounds of the back-off', () => {
    for (const random of [0, 0.999_999]) {
      expect(backoffMs(0, random)).toBeGreaterThanOrEqual(500);
      expect(backoffMs(0, random)).toBeLessThanOrEqual(1_000);
      expect(backoffMs(14, random)).toBeLessThanOrEqual(1_500);
      expect(backoffMs(99, random)).toBeGreaterThanOrEqual(15_000);
      expect(backoffMs(99, random)).toBeLessThanOrEqual(30_000);
    }
    expect(backoffMs(5, 0)).toBeLessThan(backoffMs(5, 1));
  });
});
