//! Bends straight borders into natural ones, by moving the middle of every edge aside, then of its halves, and so on.
//!
//! How far and to which side follows from the edge's own ends, whichever comes first. A border that would enter a
//! circle or cross another one is bent less.

use super::division::Border;
use super::{Circle, Flat, Vertex, flat, vertex};
use crate::noise::{hash, unit};

/// How often an edge is halved.
const LEVELS: u32 = 4;
/// The middle moves aside by at most this share of the edge's length.
const AMPLITUDE: f64 = 0.08;
/// Halves move aside by more of their length than the whole: real borders are rougher the closer one looks.
const ROUGHER: f64 = 1.3;
/// Shorter edges stay as they are, in degrees of latitude: a tenth of them is a grid step.
const SHORTEST: f64 = 0.004;
/// After this many attempts with half the amplitude a border stays straight.
const ATTEMPTS: u32 = 5;

/// The vertices of every border, both ends included.
pub(super) fn bend(borders: &[Border], circles: &[Circle]) -> Vec<Vec<Vertex>> {
    let mut amplitudes = vec![AMPLITUDE; borders.len()];
    let mut curves: Vec<Vec<Vertex>> = borders.iter().map(|b| curve(b.from, b.to, AMPLITUDE)).collect();
    for attempt in 0..=ATTEMPTS {
        let wrong: Vec<usize> = (0..curves.len()).filter(|n| is_wrong(*n, &curves, circles)).collect();
        if wrong.is_empty() {
            break;
        }
        for n in wrong {
            amplitudes[n] = if attempt < ATTEMPTS { amplitudes[n] / 2.0 } else { 0.0 };
            curves[n] = curve(borders[n].from, borders[n].to, amplitudes[n]);
        }
    }
    curves
}

/// From end to end; the same vertices in either direction.
fn curve(from: Vertex, to: Vertex, amplitude: f64) -> Vec<Vertex> {
    let (a, b) = (from.min(to), from.max(to));
    let mut vertices = vec![a];
    halve(a, b, amplitude, LEVELS, &mut vertices);
    if from > to {
        vertices.reverse();
    }
    vertices
}

/// Appends what comes after `a`, up to and with `b`.
fn halve(a: Vertex, b: Vertex, amplitude: f64, levels: u32, out: &mut Vec<Vertex>) {
    let (p, q) = (flat(a), flat(b));
    let (dx, dy) = (q.0 - p.0, q.1 - p.1);
    if levels == 0 || dx.hypot(dy) < SHORTEST {
        return out.push(b);
    }
    let aside = amplitude * noise(a, b);
    let middle = vertex((f64::midpoint(p.0, q.0) - dy * aside, f64::midpoint(p.1, q.1) + dx * aside));
    halve(a, middle, amplitude * ROUGHER, levels - 1, out);
    halve(middle, b, amplitude * ROUGHER, levels - 1, out);
}

/// Between a half and one, to either side: an edge that hardly moves would look drawn with a ruler.
fn noise(a: Vertex, b: Vertex) -> f64 {
    let (a, b) = (a.min(b), a.max(b));
    let key = [a.0, a.1, b.0, b.1].map(|n| u64::from(n.cast_unsigned()));
    let draw = 2.0 * unit(hash(&key)) - 1.0;
    draw.signum() * (0.5 + 0.5 * draw.abs())
}

/// Whether a curve enters a circle, or meets another one elsewhere than at a common end.
fn is_wrong(n: usize, curves: &[Vec<Vertex>], circles: &[Circle]) -> bool {
    let enters = |c: &Circle| curves[n].windows(2).any(|e| distance(c.centre, flat(e[0]), flat(e[1])) < c.radius);
    let meets = |(other, curve): (usize, &Vec<Vertex>)| {
        other != n
            && bounds_meet(&curves[n], curve)
            && curves[n].windows(2).any(|e| curve.windows(2).any(|f| edges_meet(e[0], e[1], f[0], f[1])))
    };
    circles.iter().any(enters) || curves.iter().enumerate().any(meets)
}

/// Distance of a point from an edge.
fn distance(p: Flat, a: Flat, b: Flat) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let t = (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (a.0 + dx * t - p.0).hypot(a.1 + dy * t - p.1)
}

fn bounds_meet(a: &[Vertex], b: &[Vertex]) -> bool {
    let span = |curve: &[Vertex], of: fn(&Vertex) -> i32| {
        curve.iter().map(of).fold((i32::MAX, i32::MIN), |(low, high), v| (low.min(v), high.max(v)))
    };
    let overlap = |of| {
        let ((a_low, a_high), (b_low, b_high)) = (span(a, of), span(b, of));
        a_low <= b_high && b_low <= a_high
    };
    overlap(|v| v.0) && overlap(|v| v.1)
}

/// Whether two edges without a common end touch.
fn edges_meet(a: Vertex, b: Vertex, c: Vertex, d: Vertex) -> bool {
    let share = a == c || a == d || b == c || b == d;
    !share && turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0
}

/// 1 where the way from `a` over `b` to `c` turns left, -1 where it turns right, 0 where it does not turn.
fn turn(a: Vertex, b: Vertex, c: Vertex) -> i64 {
    let wide = |from: Vertex, to: Vertex| (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1));
    let (one, other) = (wide(a, b), wide(a, c));
    (one.0 * other.1 - one.1 * other.0).signum()
}
