//! Divides the city among circles: the straight borders of a power diagram, and who lives on which side.
//!
//! Of two circles, the nearer one is that with the shorter tangent. That line of division never enters a circle, as
//! long as circles of different districts do not overlap.

use std::collections::BTreeMap;

use super::{Circle, Flat, Vertex, flat, vertex};

/// Vertices nearer to each other than this are one: three borders that meet are computed from three pairs of circles.
const SAME: f64 = 1e-3;

/// A straight border, with a district on its left and, unless the city ends there, one on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Border {
    pub(super) left: usize,
    pub(super) right: Option<usize>,
    pub(super) from: Vertex,
    pub(super) to: Vertex,
}

/// All borders between districts, then those around the city; `outline` runs counter-clockwise.
pub(super) fn borders(circles: &[Circle], outline: &[Flat]) -> Vec<Border> {
    let mut corners = Corners::default();
    let mut cuts: Vec<Vec<f64>> = vec![Vec::new(); outline.len()];
    let mut found = Vec::new();
    for (n, a) in circles.iter().enumerate() {
        for b in circles.iter().skip(n + 1).filter(|b| b.district != a.district) {
            let Some(line) = Line::between(a, b, circles) else { continue };
            for (from, to) in line.inside(outline, &mut cuts) {
                found.push(corners.border(a.district, Some(b.district), from, to));
            }
        }
    }
    for ((p, q), mut cuts) in sides(outline).zip(cuts) {
        cuts.extend([0.0, 1.0]);
        cuts.sort_unstable_by(f64::total_cmp);
        for ends in cuts.windows(2) {
            let at = |t: f64| (p.0 + (q.0 - p.0) * t, p.1 + (q.1 - p.1) * t);
            let owner = nearest(circles, at(f64::midpoint(ends[0], ends[1])));
            found.push(corners.border(owner, None, at(ends[0]), at(ends[1])));
        }
    }
    found.retain(|border| border.from != border.to);
    found
}

/// The curved outline of one district, closed: `curves` has the vertices of each border, both ends included.
pub(super) fn ring(district: usize, borders: &[Border], curves: &[Vec<Vertex>]) -> Vec<Vertex> {
    let mut next: BTreeMap<Vertex, Vec<Vertex>> = BTreeMap::new();
    for (border, curve) in borders.iter().zip(curves) {
        if border.left == district {
            next.insert(border.from, curve.clone());
        } else if border.right == Some(district) {
            next.insert(border.to, curve.iter().rev().copied().collect());
        }
    }
    let Some(start) = next.keys().next().copied() else { return Vec::new() };
    let mut ring = vec![start];
    while let Some(curve) = ring.last().and_then(|at| next.remove(at)) {
        ring.extend(curve.into_iter().skip(1));
    }
    ring
}

/// The corners so far.
#[derive(Default)]
struct Corners(Vec<Vertex>);

impl Corners {
    fn border(&mut self, left: usize, right: Option<usize>, from: Flat, to: Flat) -> Border {
        Border { left, right, from: self.corner(from), to: self.corner(to) }
    }

    fn corner(&mut self, p: Flat) -> Vertex {
        let near = |v: &&Vertex| (flat(**v).0 - p.0).hypot(flat(**v).1 - p.1) < SAME;
        if let Some(known) = self.0.iter().find(near) {
            return *known;
        }
        self.0.push(vertex(p));
        vertex(p)
    }
}

/// The line between two circles, from `low` to `high` along `direction`; the first circle is on its left.
struct Line {
    base: Flat,
    direction: Flat,
    low: f64,
    high: f64,
}

impl Line {
    /// Where both are nearer than all others, if anywhere.
    fn between(a: &Circle, b: &Circle, all: &[Circle]) -> Option<Self> {
        let (dx, dy) = (b.centre.0 - a.centre.0, b.centre.1 - a.centre.1);
        let apart = dx.hypot(dy);
        let share = 0.5 + (a.radius * a.radius - b.radius * b.radius) / (2.0 * apart * apart);
        let base = (a.centre.0 + dx * share, a.centre.1 + dy * share);
        // Three degrees reach across the city.
        let mut line = Self { base, direction: (-dy / apart, dx / apart), low: -3.0, high: 3.0 };
        for other in all {
            // How much nearer the other one is: linear along the line.
            let gain = |s: f64| tangent(a, line.at(s)) - tangent(other, line.at(s));
            let (start, slope) = (gain(0.0), gain(1.0) - gain(0.0));
            if slope.abs() < 1e-9 {
                if start > 1e-9 {
                    return None;
                }
            } else if slope > 0.0 {
                line.high = line.high.min(-start / slope);
            } else {
                line.low = line.low.max(-start / slope);
            }
        }
        (line.low < line.high).then_some(line)
    }

    fn at(&self, s: f64) -> Flat {
        (self.base.0 + self.direction.0 * s, self.base.1 + self.direction.1 * s)
    }

    /// The parts inside the outline; where the line crosses it, a cut is noted.
    fn inside(&self, outline: &[Flat], cuts: &mut [Vec<f64>]) -> Vec<(Flat, Flat)> {
        let mut ends = vec![self.low, self.high];
        for ((p, q), cuts) in sides(outline).zip(cuts) {
            let off = |c: Flat| self.direction.0 * (c.1 - self.base.1) - self.direction.1 * (c.0 - self.base.0);
            let (a, b) = (off(p), off(q));
            if (a < 0.0) == (b < 0.0) {
                continue;
            }
            let t = a / (a - b);
            let hit = (p.0 + (q.0 - p.0) * t - self.base.0, p.1 + (q.1 - p.1) * t - self.base.1);
            let s = hit.0 * self.direction.0 + hit.1 * self.direction.1;
            if self.low < s && s < self.high {
                ends.push(s);
                cuts.push(t);
            }
        }
        ends.sort_unstable_by(f64::total_cmp);
        let inside = |ends: &&[f64]| holds(outline, self.at(f64::midpoint(ends[0], ends[1])));
        ends.windows(2).filter(inside).map(|ends| (self.at(ends[0]), self.at(ends[1]))).collect()
    }
}

/// Square of the tangent's length; negative inside the circle.
fn tangent(c: &Circle, p: Flat) -> f64 {
    (p.0 - c.centre.0).powi(2) + (p.1 - c.centre.1).powi(2) - c.radius * c.radius
}

/// The district of the nearest circle.
fn nearest(circles: &[Circle], p: Flat) -> usize {
    circles.iter().min_by(|a, b| tangent(a, p).total_cmp(&tangent(b, p))).map_or(0, |c| c.district)
}

fn sides(polygon: &[Flat]) -> impl Iterator<Item = (Flat, Flat)> + '_ {
    polygon.iter().copied().zip(polygon.iter().copied().cycle().skip(1))
}

/// Whether a polygon holds a point: a ray to the east crosses it an odd number of times.
fn holds(polygon: &[Flat], p: Flat) -> bool {
    let crossed =
        |(a, b): &(Flat, Flat)| (a.1 > p.1) != (b.1 > p.1) && p.0 < a.0 + (b.0 - a.0) * (p.1 - a.1) / (b.1 - a.1);
    sides(polygon).filter(crossed).count() % 2 == 1
}
