use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn round_trip(samples: &[Sample]) -> Vec<Sample> {
    let mut out = Vec::new();
    decode(&encode(samples), &mut out).expect("decodes");
    out
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-10_000_i64..10_000, 0_usize..7).prop_map(|(n, p)| n as f64 / SCALES[p]),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => any::<f32>().prop_map(f64::from),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, EXACT]),
    ]
}

fn quality_of() -> impl Strategy<Value = Quality> {
    (0_u8..5).prop_filter_map("code", quality)
}

proptest! {
    // A chunk gives back exactly what went in, bit by bit, whatever the values.
    #[test]
    fn every_reading_comes_back(
        readings in prop::collection::btree_map(any::<i64>(), (value(), quality_of()), 0..200)
    ) {
        let samples: Vec<Sample> =
            readings.into_iter().map(|(t, (value, quality))| Sample { t, value, quality }).collect();
        // Steps beyond what fits in 64 bits do not occur within a bucket.
        prop_assume!(samples.windows(2).all(|w| w[1].t.checked_sub(w[0].t).is_some()));
        prop_assert_eq!(round_trip(&samples), samples);
    }

    // Decimal data at close times, as sensors send them, comes back exactly from the short form too.
    #[test]
    fn every_decimal_comes_back(
        readings in prop::collection::btree_map(0_i64..7_200_000, -99_999_i64..99_999, 1..200), places in 0_usize..7
    ) {
        let samples: Vec<Sample> = readings
            .into_iter()
            .map(|(t, n)| Sample { t, value: n as f64 / SCALES[places], quality: Quality::Good })
            .collect();
        prop_assert!(encode(&samples)[0] & 15 != RAW);
        prop_assert_eq!(round_trip(&samples), samples);
    }

    // P11: arbitrary bytes are an error or readings, never a crash, and leave nothing half-read behind.
    #[test]
    fn arbitrary_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut out = vec![Sample { t: 1, value: 2.0, quality: Quality::Good }];
        if decode(&bytes, &mut out).is_err() {
            prop_assert_eq!(out.len(), 1);
        }
    }
}

// A flipped bit, a cut, and a row under another key are all found by the checksum.
#[test]
fn damage_is_found() {
    let samples: Vec<Sample> =
        (0..50).map(|i| Sample { t: i * 60_000, value: i as f64 / 10.0, quality: Quality::Good }).collect();
    let row = seal(encode(&samples), 7, 3);
    assert!(unseal(&row, 7, 3).is_ok());
    assert_eq!(unseal(&row, 8, 3), Err(ChunkError::Checksum), "another bucket");
    assert_eq!(unseal(&row, 7, 4), Err(ChunkError::Checksum), "another series");
    for bit in 0..row.len() * 8 {
        let mut bad = row.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(unseal(&bad, 7, 3), Err(ChunkError::Checksum), "bit {bit}");
    }
    for length in 0..row.len() {
        assert!(unseal(&row[..length], 7, 3).is_err(), "cut to {length}");
    }
}

// The bytes on disk are fixed: what was written by this version is read by every later one.
#[test]
fn the_format_is_fixed() {
    let sample = |t, value, quality| Sample { t, value, quality };
    let decimal = [sample(5, 20.5, Quality::Good), sample(60_005, 20.6, Quality::Good)];
    assert_eq!(encode(&decimal), [1, 2, 10, 0xc0, 0xa9, 0x07, 0x9a, 0x03, 2]);
    let raw = [sample(5, -0.0, Quality::Good), sample(6, -0.0, Quality::Range)];
    assert_eq!(encode(&raw), [31, 2, 10, 2, 0x71, 0x80, 0, 0, 1, 3, 1]);
    assert_eq!(round_trip(&decimal), decimal);
    assert_eq!(round_trip(&raw), raw);
}

// Ordinary data stay below four bytes a reading (the memory and disk figures rest on it).
#[test]
fn ordinary_data_are_small() {
    let mut seeded = crate::seeded::Seeded::new(1);
    let mut sizes = BTreeMap::new();
    for (name, scale) in [("tenths", 10.0), ("hundredths", 100.0)] {
        let mut level = 200_i64;
        let samples: Vec<Sample> = (0..120)
            .map(|i| {
                level += seeded.below(11) as i64 - 5;
                let t = i * 60_000 + seeded.below(2_000) as i64;
                Sample { t, value: level as f64 / scale, quality: Quality::Good }
            })
            .collect();
        sizes.insert(name, encode(&samples).len() as f64 / 120.0);
    }
    eprintln!("bytes a reading: {sizes:.2?}");
    assert!(sizes.values().all(|s| *s < 4.0), "{sizes:?}");
}
