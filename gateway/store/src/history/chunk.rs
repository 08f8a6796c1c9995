//! Readings of one series, packed: exact to the last bit, about three bytes a reading on ordinary data.
//!
//! ```text
//! head     1 byte   low half: decimal places 0..=6, or 15 for raw floats; bit 4: a quality section follows; rest zero
//! count    varint
//! times    zigzag varints: the first time, the first step, then changes of the step
//! values   decimal: zigzag varints of the differences of value × 10^places
//!          raw: bits XOR the bits before, as a byte (zero bytes behind × 16 + bytes that follow) and those bytes
//! quality  (code, varint run length), only where some reading is not good
//! ```
//!
//! Sensors report decimals, so differences of scaled integers are short; whatever is not exactly a decimal of at most
//! six places (NaN, infinities, negative zero, binary fractions) makes its chunk raw. Times are of any origin: callers
//! give them relative to their bucket, which keeps the first one short.
//!
//! What goes to disk is [`seal`]ed with a checksum over the bytes and the key under which they are stored, so that
//! neither a flipped bit nor a row in the wrong place is taken for data.
//!
//! Limits: [`READINGS_MAX`] readings a chunk; times strictly ascending.

use maibo_core::reading::Quality;

/// Most readings of one chunk: two hours at 36 a second.
pub const READINGS_MAX: usize = 262_144;

/// Most decimal places of a value that is kept as a scaled integer.
const PLACES_MAX: usize = 6;
const SCALES: [f64; PLACES_MAX + 1] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
/// Integers below this are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;
const RAW: u8 = 15;
const QUALITIES: u8 = 16;
const CHECKSUM: usize = 4;

/// One reading of a known series.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Event time, ms.
    pub t: i64,
    /// In the quantity's canonical unit; may be NaN or infinite.
    pub value: f64,
    /// What is known about its trustworthiness.
    pub quality: Quality,
}

impl PartialEq for Sample {
    /// Bit by bit: a NaN equals itself, and the zeros differ.
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.value.to_bits() == other.value.to_bits() && self.quality == other.quality
    }
}

/// Bytes that are not a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The checksum says so.
    #[error("the checksum does not match")]
    Checksum,
    /// The bytes end too early, go on too long, or mean nothing.
    #[error("not a chunk")]
    Malformed,
}

/// Packs readings whose times ascend strictly.
pub fn encode(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + samples.len() * 4);
    let places = decimal_places(samples);
    let qualities = samples.iter().any(|s| s.quality != Quality::Good);
    let head = places.map_or(RAW, |p| p as u8);
    out.push(if qualities { head | QUALITIES } else { head });
    put_varint(&mut out, samples.len() as u64);
    put_times(&mut out, samples);
    match places {
        Some(places) => put_decimals(&mut out, samples, places),
        None => put_raw(&mut out, samples),
    }
    if qualities {
        for run in samples.chunk_by(|a, b| a.quality == b.quality) {
            out.push(run.first().map_or(0, |s| code(s.quality)));
            put_varint(&mut out, run.len() as u64);
        }
    }
    out
}

/// Unpacks behind what `out` holds already.
///
/// # Errors
/// [`ChunkError::Malformed`]; `out` is then as before.
pub fn decode(bytes: &[u8], out: &mut Vec<Sample>) -> Result<(), ChunkError> {
    let before = out.len();
    let done = decode_all(bytes, out);
    if done.is_none() {
        out.truncate(before);
    }
    done.ok_or(ChunkError::Malformed)
}

/// Packed bytes with their checksum, for the row under (`bucket`, `series`).
pub fn seal(mut packed: Vec<u8>, bucket: i64, series: u32) -> Vec<u8> {
    let sum = checksum(&packed, bucket, series);
    packed.extend_from_slice(&sum.to_le_bytes());
    packed
}

/// The packed bytes of a row, if they are what [`seal`] was given.
///
/// # Errors
/// [`ChunkError::Checksum`].
pub fn unseal(row: &[u8], bucket: i64, series: u32) -> Result<&[u8], ChunkError> {
    let (packed, sum) = row.split_last_chunk::<CHECKSUM>().ok_or(ChunkError::Checksum)?;
    if u32::from_le_bytes(*sum) == checksum(packed, bucket, series) { Ok(packed) } else { Err(ChunkError::Checksum) }
}

fn checksum(packed: &[u8], bucket: i64, series: u32) -> u32 {
    let sum = crc32c::crc32c(&bucket.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, &series.to_le_bytes()), packed)
}

/// The fewest decimal places with which every value is exactly a scaled integer.
fn decimal_places(samples: &[Sample]) -> Option<usize> {
    let mut places = 0;
    for sample in samples {
        while scaled(sample.value, places).is_none() {
            places += 1;
            if places > PLACES_MAX {
                return None;
            }
        }
    }
    // More places for a later value can make an earlier, larger one inexact.
    samples.iter().all(|s| scaled(s.value, places).is_some()).then_some(places)
}

/// The integer that gives exactly this value again at so many places.
fn scaled(value: f64, places: usize) -> Option<i64> {
    let scale = SCALES.get(places)?;
    let whole = (value * scale).round();
    // Not so for NaN; and dividing gives the float nearest to the decimal, which is what parsing its text gave.
    (whole.abs() < EXACT && ((whole as i64) as f64 / scale).to_bits() == value.to_bits()).then_some(whole as i64)
}

fn put_times(out: &mut Vec<u8>, samples: &[Sample]) {
    let (mut last, mut step) = (0_i64, 0_i64);
    for (i, sample) in samples.iter().enumerate() {
        let new = sample.t.wrapping_sub(last);
        put_varint(out, zigzag(new.wrapping_sub(step)));
        // The distance from the origin says nothing about the steps.
        step = if i == 0 { 0 } else { new };
        last = sample.t;
    }
}

fn put_decimals(out: &mut Vec<u8>, samples: &[Sample], places: usize) {
    let mut last = 0_i64;
    for sample in samples {
        let whole = scaled(sample.value, places).unwrap_or_default();
        put_varint(out, zigzag(whole.wrapping_sub(last)));
        last = whole;
    }
}

fn put_raw(out: &mut Vec<u8>, samples: &[Sample]) {
    let mut last = 0_u64;
    for sample in samples {
        let changed = sample.value.to_bits() ^ last;
        last = sample.value.to_bits();
        if changed == 0 {
            out.push(0);
            continue;
        }
        let behind = changed.trailing_zeros() / 8;
        let length = 8 - behind - changed.leading_zeros() / 8;
        out.push((behind << 4 | length) as u8);
        out.extend_from_slice(&(changed >> (8 * behind)).to_le_bytes()[..length as usize]);
    }
}

fn decode_all(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let mut input = Input(bytes);
    let head = input.byte()?;
    let (places, qualities) = (head & 15, head & QUALITIES != 0);
    if head & !(15 | QUALITIES) != 0 {
        return None;
    }
    let count = usize::try_from(input.varint()?).ok()?;
    // Every reading takes two bytes, so a length that lies cannot make us reserve much.
    if count > READINGS_MAX || count > input.0.len() {
        return None;
    }
    let first = out.len();
    out.reserve(count);
    input.times(count, out)?;
    let samples = out.get_mut(first..)?;
    if places == RAW {
        input.raw(samples)?;
    } else {
        input.decimals(samples, usize::from(places))?;
    }
    if qualities {
        input.qualities(samples)?;
    }
    input.0.is_empty().then_some(())
}

/// Bytes still to read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn times(&mut self, count: usize, out: &mut Vec<Sample>) -> Option<()> {
        let (mut last, mut step) = (0_i64, 0_i64);
        for i in 0..count {
            let new = step.wrapping_add(unzigzag(self.varint()?));
            let t = last.wrapping_add(new);
            if i > 0 && t <= last {
                return None;
            }
            step = if i == 0 { 0 } else { new };
            last = t;
            out.push(Sample { t, value: 0.0, quality: Quality::Good });
        }
        Some(())
    }

    fn decimals(&mut self, samples: &mut [Sample], places: usize) -> Option<()> {
        let scale = SCALES.get(places)?;
        let mut whole = 0_i64;
        for sample in samples {
            whole = whole.wrapping_add(unzigzag(self.varint()?));
            sample.value = whole as f64 / scale;
        }
        Some(())
    }

    fn raw(&mut self, samples: &mut [Sample]) -> Option<()> {
        let mut bits = 0_u64;
        for sample in samples {
            let control = self.byte()?;
            let (behind, length) = (u32::from(control >> 4), usize::from(control & 15));
            if length > 8 || behind as usize + length > 8 {
                return None;
            }
            let (taken, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            let mut changed = [0; 8];
            changed.get_mut(..length)?.copy_from_slice(taken);
            bits ^= u64::from_le_bytes(changed).checked_shl(8 * behind)?;
            sample.value = f64::from_bits(bits);
        }
        Some(())
    }

    fn qualities(&mut self, mut samples: &mut [Sample]) -> Option<()> {
        while !samples.is_empty() {
            let quality = quality(self.byte()?)?;
            let run = usize::try_from(self.varint()?).ok().filter(|n| *n > 0)?;
            let (these, rest) = samples.split_at_mut_checked(run)?;
            for sample in these {
                sample.quality = quality;
            }
            samples = rest;
        }
        Some(())
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// The codes are on disk: never renumber them.
const fn code(quality: Quality) -> u8 {
    match quality {
        Quality::Good => 0,
        Quality::Suspect => 1,
        Quality::Clock => 2,
        Quality::Range => 3,
        Quality::Substituted => 4,
    }
}

const fn quality(code: u8) -> Option<Quality> {
    Some(match code {
        0 => Quality::Good,
        1 => Quality::Suspect,
        2 => Quality::Clock,
        3 => Quality::Range,
        4 => Quality::Substituted,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
