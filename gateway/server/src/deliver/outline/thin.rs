//! Fewer points for a ring, after M. Visvalingam and J. D. Whyatt, "Line generalisation by repeated elimination of points"
//! (The Cartographic Journal 30, 1993): the point goes whose triangle with its neighbours is the smallest, again and again.
//!
//! A point stays as long as another one lies in its triangle: so a ring that does not touch itself never comes to. Such a ring
//! always has a point that can go (it has two ears). One that touches itself already may have none, and is from there on thinned
//! without that care; so is one that is so long and so rough that [`LOOKS`] are spent.
//!
//! Triangles are compared only with what lies in their range of longitude.

use std::collections::BTreeSet;

use super::Point;

/// Points that are compared with triangles, for one ring: a tenth of a second or two.
const LOOKS: usize = 30_000_000;

/// Twice the area, in square millionths of a degree.
pub(super) fn area(ring: &[Point]) -> i128 {
    let Some(first) = ring.first() else { return 0 };
    ring.windows(2).map(|pair| i128::from(cross(*first, pair[0], pair[1]))).sum::<i128>().abs()
}

/// Twice the area of a triangle; its sign says on which side of the first two the third lies.
const fn cross(a: Point, b: Point, c: Point) -> i64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

/// At most `most` points of a ring, and never fewer than three; the ring comes and goes without its first point at the end.
pub(super) fn thin(ring: &[Point], most: usize) -> Vec<Point> {
    let mut thinning = Thinning::new(ring);
    while thinning.left > most.max(3) {
        if !thinning.step() {
            break;
        }
    }
    let Thinning { links, .. } = thinning;
    ring.iter().zip(links).filter(|(_, link)| link.is_some()).map(|(point, _)| *point).collect()
}

struct Thinning<'a> {
    ring: &'a [Point],
    /// The neighbours of each point that is left.
    links: Vec<Option<(usize, usize)>>,
    left: usize,
    /// By longitude.
    sorted: Vec<usize>,
    /// Twice the area of the triangle of each point that waits to go.
    areas: Vec<Option<i64>>,
    queue: BTreeSet<(i64, usize)>,
    /// Those that had another point in their triangle.
    aside: Vec<usize>,
    /// Whether a point went since all of them were set aside.
    moved: bool,
    /// How many points were compared.
    looks: usize,
}

impl<'a> Thinning<'a> {
    fn new(ring: &'a [Point]) -> Self {
        let n = ring.len();
        let mut sorted: Vec<usize> = (0..n).collect();
        sorted.sort_by_key(|i| ring[*i].0);
        let links = (0..n).map(|i| Some(((i + n - 1) % n, (i + 1) % n))).collect();
        let (areas, queue) = (vec![None; n], BTreeSet::new());
        let mut thinning =
            Self { ring, links, left: n, sorted, areas, queue, aside: Vec::new(), moved: true, looks: 0 };
        (0..n).for_each(|i| thinning.put(i));
        thinning
    }

    /// Lets one point wait to go, by its triangle as it is now.
    fn put(&mut self, i: usize) {
        if let Some(old) = self.areas[i].take() {
            self.queue.remove(&(old, i));
        }
        if let Some((before, after)) = self.links[i] {
            let area = cross(self.ring[before], self.ring[i], self.ring[after]).abs();
            self.areas[i] = Some(area);
            self.queue.insert((area, i));
        }
    }

    /// Looks at the next point; false where there is none any more.
    fn step(&mut self) -> bool {
        let Some((area, i)) = self.queue.pop_first() else {
            if self.aside.is_empty() {
                return false;
            }
            if !std::mem::take(&mut self.moved) {
                self.looks = LOOKS;
            }
            let aside = std::mem::take(&mut self.aside);
            for i in aside {
                self.put(i);
            }
            return true;
        };
        self.areas[i] = None;
        if area > 0 && self.looks < LOOKS && self.is_occupied(i) {
            self.aside.push(i);
        } else {
            self.remove(i);
        }
        true
    }

    fn remove(&mut self, i: usize) {
        self.areas[i] = None;
        let Some((before, after)) = self.links[i].take() else { return };
        if let Some(link) = self.links[before].as_mut() {
            link.1 = after;
        }
        if let Some(link) = self.links[after].as_mut() {
            link.0 = before;
        }
        self.left -= 1;
        self.moved = true;
        self.put(before);
        self.put(after);
    }

    /// Whether another point lies in the triangle of this one, its edge included.
    fn is_occupied(&mut self, i: usize) -> bool {
        let Some((before, after)) = self.links[i] else { return false };
        let corners = [before, i, after];
        let [a, b, c] = corners.map(|corner| self.ring[corner]);
        let (low, high) = (a.0.min(b.0).min(c.0), a.0.max(b.0).max(c.0));
        let from = self.sorted.partition_point(|at| self.ring[*at].0 < low);
        let near = self.sorted[from..].iter().take_while(|at| self.ring[**at].0 <= high);
        let mut looks = 0;
        let mut others = near.inspect(|_| looks += 1).filter(|at| self.links[**at].is_some() && !corners.contains(at));
        let found = others.any(|other| {
            let point = self.ring[*other];
            let sides = [cross(a, b, point), cross(b, c, point), cross(c, a, point)];
            sides.iter().all(|side| *side >= 0) || sides.iter().all(|side| *side <= 0)
        });
        self.looks += looks;
        found
    }
}
