//! The frames of one view: a sequence, a ring of the last frames, the latest heartbeat.
//!
//! Frames are encoded once and shared. A client is a cursor into the ring; it is never waited for. Falling out of the ring,
//! or too many bytes behind, is answered with a gap: a snapshot is then the shorter way. What was published last is sent in
//! any case, however much it is: who has everything before it is not slow.
//!
//! A frame has its number before it has its text: numbers are given out under the picture's lock, where the order is
//! decided, and texts are made after it. Clients read as far as no text is missing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::watch;

/// Frames kept for clients that were away or are slow: one minute at 5 Hz.
pub const RING: usize = 300;
/// A client that has more bytes than this to catch up takes a snapshot instead.
pub const BEHIND_MAX: u64 = 1 << 20;

/// The frames of one view.
pub struct Hub {
    epoch: String,
    state: Mutex<State>,
    wake: watch::Sender<()>,
}

struct Kept {
    seq: u64,
    /// Missing until it is made.
    text: Option<Utf8Bytes>,
    /// Bytes of all frames up to and with this one; of those that clients can read.
    end: u64,
}

struct State {
    /// The last number given out.
    seq: u64,
    /// The last number up to which no text is missing.
    told: u64,
    /// The last number before the newest publication.
    before: u64,
    /// Bytes of the frames up to `told`.
    end: u64,
    /// Numbers without a gap.
    ring: VecDeque<Kept>,
    heartbeat: Option<Beat>,
}

struct Beat {
    number: u64,
    /// The last frame that it counts.
    seq: u64,
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
    /// Its place in the ring is gone, or it is more than [`BEHIND_MAX`] behind: it must take a snapshot. The cursor stands
    /// at the end.
    Gap,
    /// Nothing now.
    Idle,
}

/// Numbers of one publication whose frames are to be made.
///
/// Numbers that are dropped without a frame would hold up everybody; they make a cut instead.
#[must_use]
pub struct Places {
    hub: Arc<Hub>,
    next: u64,
    last: u64,
}

impl Places {
    /// Makes the frame of the next number and tells it. Does nothing where all are made.
    pub fn fill(&mut self, encode: impl FnOnce(u64) -> String) {
        if self.next <= self.last {
            let text = Utf8Bytes::from(encode(self.next));
            self.hub.tell(self.next, text);
            self.next += 1;
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if self.next <= self.last {
            self.hub.cut();
        }
    }
}

impl Hub {
    /// An empty sequence.
    pub fn new(epoch: String) -> Self {
        let state = State { seq: 0, told: 0, before: 0, end: 0, ring: VecDeque::with_capacity(RING), heartbeat: None };
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

    /// Gives out the numbers of a publication of `n` frames.
    pub fn reserve(self: &Arc<Self>, n: usize) -> Places {
        let mut state = self.lock();
        let first = state.seq + 1;
        if n > 0 {
            state.before = state.seq;
        }
        for _ in 0..n {
            state.add();
        }
        Places { hub: Arc::clone(self), next: first, last: state.seq }
    }

    /// Takes the text of a number; one that is no longer in the ring is passed over.
    fn tell(&self, seq: u64, text: Utf8Bytes) {
        self.lock().fill(seq, text);
        self.wake.send_replace(());
    }

    /// Replaces the heartbeat by one that counts the frames up to `seq`.
    pub fn heartbeat(&self, seq: u64, text: String) {
        {
            let mut state = self.lock();
            let number = state.heartbeat.as_ref().map_or(1, |b| b.number + 1);
            state.heartbeat = Some(Beat { number, seq, text: Utf8Bytes::from(text) });
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
            (state.told, state.before) = (state.seq, state.seq);
        }
        self.wake.send_replace(());
    }

    /// Lets a client in, at the frame it left off if the ring still has what came after.
    pub fn join(&self, resume: Option<(&str, u64)>) -> Joined {
        let state = self.lock();
        let at = resume.filter(|(epoch, seq)| *epoch == self.epoch && state.can_follow(*seq)).map(|(_, seq)| seq);
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
        if let Some((seq, text)) = state.after(cursor.seq).and_then(|k| Some((k.seq, k.text.clone()?))) {
            cursor.seq = seq;
            return Next::Frame(text);
        }
        // After the frames only: a heartbeat must not overtake those it counts.
        if let Some(beat) = &state.heartbeat
            && beat.number > cursor.heartbeat
            && beat.seq <= cursor.seq
        {
            cursor.heartbeat = beat.number;
            return Next::Frame(beat.text.clone());
        }
        Next::Idle
    }
}

impl State {
    /// Gives out a number.
    fn add(&mut self) {
        if self.ring.len() == RING
            && let Some(gone) = self.ring.pop_front()
        {
            // Nobody can wait for it any more.
            self.told = self.told.max(gone.seq);
            self.advance();
        }
        self.seq += 1;
        self.ring.push_back(Kept { seq: self.seq, text: None, end: 0 });
    }

    fn fill(&mut self, seq: u64, text: Utf8Bytes) {
        if let Some(i) = self.index(seq)
            && let Some(kept) = self.ring.get_mut(i)
        {
            kept.text = Some(text);
        }
        self.advance();
    }

    /// Opens to clients what is complete.
    fn advance(&mut self) {
        while let Some(i) = self.index(self.told + 1)
            && let Some(Kept { seq, text: Some(text), end }) = self.ring.get_mut(i)
        {
            self.end += text.len() as u64;
            (*end, self.told) = (self.end, *seq);
        }
    }

    fn index(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.ring.front()?.seq)?).ok()
    }

    /// Whether what comes after `seq` is still in the ring, and not too much to be worth sending.
    fn can_follow(&self, seq: u64) -> bool {
        let held = seq == self.seq || (seq < self.seq && self.ring.front().is_some_and(|first| first.seq <= seq + 1));
        held && (seq >= self.before || self.behind(seq) <= BEHIND_MAX)
    }

    /// The frame after `seq`, where clients can read it.
    fn after(&self, seq: u64) -> Option<&Kept> {
        (seq < self.told).then(|| self.ring.get(self.index(seq + 1)?)).flatten()
    }

    /// Bytes of the frames after `seq`.
    fn behind(&self, seq: u64) -> u64 {
        self.after(seq).map_or(0, |next| self.end - (next.end - next.text.as_ref().map_or(0, |t| t.len() as u64)))
    }
}

#[cfg(test)]
mod tests;
