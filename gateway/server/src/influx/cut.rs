//! Which lines of a batch to send next: whole if they may, cut in two where the server finds fault.
//!
//! Pure. [`Cut::next`] says what to send; the server's answer is told by [`Cut::stored`], [`Cut::too_large`] or
//! [`Cut::malformed`]. An answer that says nothing about the lines is told by nobody, and `next` gives the same again.
//!
//! One bad line of n is found with at most 2 × log2(n) requests after the first: of two halves of a bad piece the second
//! is known to be bad where the first is not, and need not be sent to learn it.

use std::ops::Range;

#[derive(Clone, Debug)]
struct Piece {
    lines: Range<usize>,
    /// It holds a bad line for certain.
    bad: bool,
    /// The first half of a bad piece, whose second half is right below.
    first_half: bool,
}

/// The rest of a batch. The next piece is the last of the list.
#[derive(Clone, Debug)]
pub(super) struct Cut(Vec<Piece>);

impl Cut {
    /// Of so many lines.
    pub(super) fn new(lines: usize) -> Self {
        let whole = Piece { lines: 0..lines, bad: false, first_half: false };
        Self(if lines == 0 { Vec::new() } else { vec![whole] })
    }

    /// What to send; `None` when everything is settled. `fits` says whether so much may go in one request; a single line
    /// always may.
    pub(super) fn next(&mut self, fits: impl Fn(&Range<usize>) -> bool) -> Option<Range<usize>> {
        loop {
            let piece = self.0.last()?;
            if piece.lines.len() == 1 || (!piece.bad && fits(&piece.lines)) {
                return Some(piece.lines.clone());
            }
            let bad = piece.bad;
            self.split(bad);
        }
    }

    /// All of it is stored.
    pub(super) fn stored(&mut self) {
        if self.0.pop().is_some_and(|p| p.first_half)
            && let Some(second) = self.0.last_mut()
        {
            second.bad = true;
        }
    }

    /// Forgets what is known of the pieces: the rest is one piece again.
    pub(super) fn rejoin(&mut self) {
        if let (Some(next), Some(last)) = (self.0.last(), self.0.first()) {
            let lines = next.lines.start..last.lines.end;
            self.0 = vec![Piece { lines, bad: false, first_half: false }];
        }
    }

    /// It was too large. The line, where it was a single one, which is thereby settled.
    pub(super) fn too_large(&mut self) -> Option<usize> {
        self.refused(false)
    }

    /// There is a bad line in it. The line, where it was a single one, which is thereby settled.
    pub(super) fn malformed(&mut self) -> Option<usize> {
        self.refused(true)
    }

    fn refused(&mut self, bad: bool) -> Option<usize> {
        let lines = self.0.last()?.lines.clone();
        if lines.len() > 1 {
            self.split(bad);
            return None;
        }
        self.0.pop();
        Some(lines.start)
    }

    /// Replaces the next piece, of two lines or more, by its halves.
    fn split(&mut self, bad: bool) {
        let Some(piece) = self.0.pop() else { return };
        let middle = piece.lines.start + piece.lines.len() / 2;
        self.0.push(Piece { lines: middle..piece.lines.end, bad: false, first_half: false });
        self.0.push(Piece { lines: piece.lines.start..middle, bad: false, first_half: bad });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Plays a server that takes at most `most` lines a request and none of the `bad` ones; gives what it stored, what was
    /// rejected, and the requests.
    fn play(lines: usize, bad: &BTreeSet<usize>, most: usize) -> (BTreeSet<usize>, Vec<usize>, usize) {
        let (mut cut, mut stored, mut rejected, mut requests) = (Cut::new(lines), BTreeSet::new(), Vec::new(), 0);
        while let Some(piece) = cut.next(|p| p.len() <= lines) {
            requests += 1;
            assert!(requests <= 4 * lines, "it ends");
            if requests % 97 == 0 {
                cut.rejoin();
            } else if piece.len() > most {
                rejected.extend(cut.too_large());
            } else if bad.range(piece.clone()).next().is_some() {
                rejected.extend(cut.malformed());
            } else {
                stored.extend(piece);
                cut.stored();
            }
        }
        (stored, rejected, requests)
    }

    // Row 58: wherever the one bad line of 5,000 is, 4,999 are stored, with at most 2 × log2 requests after the first.
    #[test]
    fn one_bad_line_is_found_quickly() {
        let (mut most, mut sum) = (0, 0);
        for bad in 0..5_000 {
            let (stored, rejected, requests) = play(5_000, &BTreeSet::from([bad]), usize::MAX);
            assert_eq!((stored.len(), rejected), (4_999, vec![bad]));
            most = most.max(requests);
            sum += requests;
        }
        let steps = (2.0 * 5_000_f64.log2()).floor() as usize;
        assert!(most - 1 <= steps, "{most} requests, {steps} allowed after the first");
        assert!(sum / 5_000 <= 20, "on average {}", sum / 5_000);
    }

    // What does not fit is cut before it is sent.
    #[test]
    fn nothing_is_sent_that_does_not_fit() {
        let (mut cut, mut sent) = (Cut::new(100), Vec::new());
        while let Some(piece) = cut.next(|p| p.len() <= 30) {
            sent.push(piece);
            cut.stored();
        }
        assert!(sent.iter().all(|p| p.len() <= 30));
        assert_eq!(sent.into_iter().flatten().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
        assert_eq!(Cut::new(0).next(|_| false), None);
    }

    proptest! {
        // Any bad lines, any limit: every line is stored or rejected, once, and only the bad ones are rejected.
        #[test]
        fn every_line_is_settled_once(
            lines in 1_usize..300,
            bad in proptest::collection::btree_set(0_usize..300, 0..20),
            most in 1_usize..300,
        ) {
            let bad: BTreeSet<usize> = bad.into_iter().filter(|b| *b < lines).collect();
            let (stored, rejected, _) = play(lines, &bad, most);
            prop_assert_eq!(&rejected, &bad.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(stored, (0..lines).filter(|l| !bad.contains(l)).collect::<BTreeSet<_>>());
        }
    }
}
