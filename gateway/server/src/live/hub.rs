//! The frames of one view: a sequence, a ring of the last frames, the latest heartbeat.
//!
//! Frames are encoded once and shared. A client is a cursor into the ring; it is never waited for. Falling out of the ring
//! is answered with a gap, being too many bytes behind with goodbye.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::watch;

/// Frames kept for clients that were away or are slow: one minute at 5 Hz.
pub const RING: usize = 300;
/// A client that has this many bytes to catch up is told goodbye.
pub const BEHIND_MAX: u64 = 1 << 20;

/// The frames of one view.
pub struct Hub {
    epoch: String,
    state: Mutex<State>,
    wake: watch::Sender<()>,
}

struct Kept {
    seq: u64,
    text: Utf8Bytes,
    /// Bytes of all frames up to and with this one.
    end: u64,
}

struct State {
    seq: u64,
    /// Bytes published so far.
    end: u64,
    ring: VecDeque<Kept>,
    heartbeat: Option<Beat>,
}

struct Beat {
    number: u64,
    text: Utf8Bytes,
}

/// Where one client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last frame it was given.
    pub seq: u64,
    heartbeat: u64,
}

/// How a client begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its cursor.
    pub cursor: Cursor,
    /// The view's last sequence number.
    pub seq: u64,
    /// True where the frames it missed are still there.
    pub resumed: bool,
}

/// What a client is to be sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame or a heartbeat.
    Frame(Utf8Bytes),
    /// Its place in the ring is gone: it must take a snapshot. The cursor stands at the end.
    Gap,
    /// It is more than [`BEHIND_MAX`] behind.
    Slow,
    /// Nothing now.
    Idle,
}

impl Hub {
    /// An empty sequence.
    pub fn new(epoch: String) -> Self {
        let state = State { seq: 0, end: 0, ring: VecDeque::with_capacity(RING), heartbeat: None };
        Self { epoch, state: Mutex::new(state), wake: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The word of this start.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last sequence number.
    pub fn seq(&self) -> u64 {
        self.lock().seq
    }

    /// Woken after every publication.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.wake.subscribe()
    }

    /// Publishes the frame that `encode` makes for its sequence number.
    pub fn publish(&self, encode: impl FnOnce(u64) -> String) {
        {
            let mut state = self.lock();
            let seq = state.seq + 1;
            let text = Utf8Bytes::from(encode(seq));
            state.seq = seq;
            state.end += text.len() as u64;
            let end = state.end;
            if state.ring.len() == RING {
                state.ring.pop_front();
            }
            state.ring.push_back(Kept { seq, text, end });
        }
        self.wake.send_replace(());
    }

    /// Replaces the heartbeat by the one that `encode` makes for the present sequence number.
    pub fn heartbeat(&self, encode: impl FnOnce(u64) -> String) {
        {
            let mut state = self.lock();
            let number = state.heartbeat.as_ref().map_or(1, |b| b.number + 1);
            state.heartbeat = Some(Beat { number, text: Utf8Bytes::from(encode(state.seq)) });
        }
        self.wake.send_replace(());
    }

    /// Makes every client take a snapshot: what positions mean has changed.
    pub fn cut(&self) {
        {
            let mut state = self.lock();
            state.ring.clear();
            // One number is left out, so that not even the last frame before the cut can be resumed from.
            state.seq += 1;
        }
        self.wake.send_replace(());
    }

    /// Lets a client in, at the frame it left off if the ring still has what came after.
    pub fn join(&self, resume: Option<(&str, u64)>) -> Joined {
        let state = self.lock();
        let at = resume.filter(|(epoch, seq)| *epoch == self.epoch && state.can_follow(*seq)).map(|(_, seq)| seq);
        // More to replay than a client may be behind is not worth replaying.
        let at = at.filter(|seq| state.behind(*seq) <= BEHIND_MAX);
        let cursor = Cursor { seq: at.unwrap_or(state.seq), heartbeat: 0 };
        Joined { cursor, seq: state.seq, resumed: at.is_some() }
    }

    /// What the client at `cursor` gets next; the cursor moves on.
    pub fn next(&self, cursor: &mut Cursor) -> Next {
        let state = self.lock();
        if !state.can_follow(cursor.seq) {
            cursor.seq = state.seq;
            return Next::Gap;
        }
        if state.behind(cursor.seq) > BEHIND_MAX {
            return Next::Slow;
        }
        if let Some(kept) = state.after(cursor.seq) {
            cursor.seq = kept.seq;
            return Next::Frame(kept.text.clone());
        }
        // After the frames only: a heartbeat must not overtake those it counts.
        if let Some(beat) = &state.heartbeat
            && beat.number > cursor.heartbeat
        {
            cursor.heartbeat = beat.number;
            return Next::Frame(beat.text.clone());
        }
        Next::Idle
    }
}

impl State {
    /// Whether every frame after `seq` is still in the ring.
    fn can_follow(&self, seq: u64) -> bool {
        seq == self.seq || self.ring.front().is_some_and(|first| first.seq <= seq + 1 && seq < self.seq)
    }

    fn after(&self, seq: u64) -> Option<&Kept> {
        let first = self.ring.front()?.seq;
        self.ring.get(usize::try_from((seq + 1).checked_sub(first)?).ok()?)
    }

    /// Bytes of the frames after `seq`.
    fn behind(&self, seq: u64) -> u64 {
        self.after(seq).map_or(0, |next| self.end - (next.end - next.text.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(hub: &Hub, cursor: &mut Cursor) -> Vec<String> {
        let mut out = Vec::new();
        loop {
            match hub.next(cursor) {
                Next::Frame(text) => out.push(text.to_string()),
                Next::Idle => return out,
                other => {
                    out.push(format!("{other:?}"));
                    if other == Next::Slow {
                        return out;
                    }
                }
            }
        }
    }

    // P: resuming inside the ring of the same epoch replays exactly what was missed; anything else takes a snapshot.
    #[test]
    fn resume_or_snapshot() {
        let hub = Hub::new("e1".into());
        for _ in 0..5 {
            hub.publish(|n| format!("f{n}"));
        }
        let mut joined = hub.join(Some(("e1", 3)));
        assert!(joined.resumed);
        assert_eq!(joined.seq, 5);
        assert_eq!(frames(&hub, &mut joined.cursor), ["f4", "f5"]);
        for wrong in [None, Some(("e0", 3)), Some(("e1", 6)), Some(("e1", u64::MAX - 1))] {
            let mut joined = hub.join(wrong);
            assert!(!joined.resumed, "{wrong:?}");
            assert_eq!(frames(&hub, &mut joined.cursor), [""; 0]);
        }
        for _ in 0..RING {
            hub.publish(|n| format!("f{n}"));
        }
        assert!(!hub.join(Some(("e1", 4))).resumed);
        assert!(hub.join(Some(("e1", 5))).resumed);
        assert!(hub.join(Some(("e1", 305))).resumed);
    }

    // P: a client that fell out of the ring is told of the gap once and goes on from the end.
    #[test]
    fn gap() {
        let hub = Hub::new("e".into());
        let mut cursor = hub.join(None).cursor;
        for _ in 0..=RING {
            hub.publish(|n| format!("f{n}"));
        }
        assert_eq!(hub.next(&mut cursor), Next::Gap);
        assert_eq!(hub.next(&mut cursor), Next::Idle);
        hub.publish(|n| format!("f{n}"));
        assert_eq!(frames(&hub, &mut cursor), ["f302"]);
    }

    // P: a client with more than 1 MiB to catch up is slow; one that resumes with that much takes a snapshot instead.
    #[test]
    fn slow() {
        let hub = Hub::new("e".into());
        let mut cursor = hub.join(None).cursor;
        let big = "x".repeat(300_000);
        for _ in 0..3 {
            hub.publish(|_| big.clone());
        }
        assert!(hub.join(Some(("e", 0))).resumed);
        hub.publish(|_| big.clone());
        assert_eq!(hub.next(&mut cursor), Next::Slow);
        assert!(!hub.join(Some(("e", 0))).resumed);
    }

    // P: a heartbeat comes once, the latest only, and never before the frames it counts.
    #[test]
    fn heartbeat_follows_its_frames() {
        let hub = Hub::new("e".into());
        let mut cursor = hub.join(None).cursor;
        hub.publish(|n| format!("f{n}"));
        hub.heartbeat(|n| format!("old{n}"));
        hub.heartbeat(|n| format!("hb{n}"));
        assert_eq!(frames(&hub, &mut cursor), ["f1", "hb1"]);
        assert_eq!(frames(&hub, &mut cursor), [""; 0]);
    }

    // P: after a cut everybody takes a snapshot, also who had the very last frame and who resumes from it.
    #[test]
    fn cut() {
        let hub = Hub::new("e".into());
        hub.publish(|n| format!("f{n}"));
        let mut cursor = hub.join(None).cursor;
        hub.cut();
        assert!(!hub.join(Some(("e", 1))).resumed);
        hub.publish(|n| format!("f{n}"));
        assert_eq!(frames(&hub, &mut cursor), ["Gap", ""].map(str::to_owned).into_iter().take(1).collect::<Vec<_>>());
        hub.publish(|n| format!("f{n}"));
        assert_eq!(frames(&hub, &mut cursor), ["f4"]);
    }
}
