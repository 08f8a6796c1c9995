use super::*;

// Retention: whole buckets go, the oldest first; what is too old is refused; a series without readings is forgotten.
#[test]
fn old_buckets_go() {
    let options = Options { retention: Some(Millis(DAY)), ..Options::default() };
    let mut model = hours(4);
    let mut bench = Bench::new(options);
    bench.follow(&model);
    bench.writer.checkpoint().expect("checkpoints");
    let now = T0 + 3 * DAY;
    model.append(now, vec![(0, reading(0, now, now, 1.0)), (0, reading(0, now - 2 * DAY, now, 1.0))]);
    bench.follow(&model);
    assert_eq!(bench.writer.counts().too_old, 1);
    let checkpoint = bench.writer.checkpoint().expect("checkpoints");
    assert_eq!(checkpoint.pruned as i64, 1 + bucket_of(T0 + 4 * 60 * MINUTE - 1) - bucket_of(T0));
    assert_eq!(bench.raw(0, T0 - DAY, now + 1).items, [Sample { t: now, value: 1.0, quality: Quality::Good }]);
    assert_eq!(bench.number("SELECT count(*) FROM series"), 1, "the others are forgotten");
    assert_eq!(bench.reader.quantities(&device(0)), [quantity(0)]);
    assert!(bench.reader.quantities(&device(1)).is_empty());
    // A forgotten series may come back.
    model.append(now, vec![(3, reading(3, now, now, 2.0))]);
    bench.follow(&model);
    bench.writer.checkpoint().expect("checkpoints");
    bench.restart();
    assert_eq!(bench.raw(3, T0, now + 1).items.len(), 1);
}

// In replay nothing is too old and nothing goes.
#[test]
fn recorded_data_stay() {
    let options = Options { retention: None, ..Options::default() };
    let mut model = hours(4);
    let mut bench = Bench::new(options);
    let now = T0 + 1_000 * DAY;
    model.append(now, vec![(0, reading(0, now, now, 1.0)), (1, reading(1, T0 - 1_000 * DAY, now, 1.0))]);
    bench.follow(&model);
    let checkpoint = bench.writer.checkpoint().expect("checkpoints");
    assert_eq!((checkpoint.pruned, bench.writer.counts().too_old), (0, 0));
    assert_eq!(bench.raw(1, T0 - 1_001 * DAY, now).items.len(), 241);
}

// P7: a device whose clock lies is kept at the time it was heard, marked; its claimed time makes no bucket.
#[test]
fn an_impossible_time_is_kept_at_the_receive_time() {
    let mut bench = Bench::new(Options::default());
    let mut model = Model::default();
    let wrong = [T0 + 31_000, 0, i64::MAX, i64::MIN];
    let readings = wrong.iter().enumerate().map(|(i, t)| (i as u64, reading(i as u64, *t, T0, 4.0))).collect();
    model.append(T0, readings);
    bench.follow(&model);
    for series in 0..4 {
        let found = bench.raw(series, i64::MIN, i64::MAX).items;
        assert_eq!(
            found,
            [Sample { t: T0, value: 4.0, quality: Quality::Clock }],
            "claimed {}",
            wrong[series as usize]
        );
    }
}

// P8: at the limit of series further ones are refused and counted, and the others go on.
#[test]
fn series_are_bounded() {
    let mut bench = Bench::new(Options { series_max: 3, ..Options::default() });
    let mut model = Model::default();
    for i in 0..3 {
        let now = T0 + i * MINUTE;
        model.append(now, (0..5).map(|s| (s, reading(s, now, now, 1.0))).collect());
    }
    bench.follow(&model);
    assert_eq!((bench.writer.counts().kept, bench.writer.counts().series_full), (9, 6));
    bench.writer.checkpoint().expect("checkpoints");
    bench.restart();
    bench.follow(&model);
    assert_eq!(bench.number("SELECT count(*) FROM series"), 3);
}

// P8: a series that reports beyond all reason in one bucket is cut off there, counted, also where it comes in parts.
#[test]
fn a_bucket_is_bounded() {
    let mut bench = Bench::new(Options { memory_max: 1, ..Options::default() });
    let start = start_of(bucket_of(T0)) + BUCKET_MS;
    let mut number = 0;
    let mut send = |bench: &mut Bench, from: i64, n: i64| {
        number += 1;
        let inputs = (from..from + n).map(|i| Input::Reading(reading(0, start + i, start + BUCKET_MS, 1.0))).collect();
        let batch = Batch { now: Timestamp(start + BUCKET_MS), inputs };
        bench.writer.apply(PartitionId(0), Position(number), &batch).expect("applies");
    };
    let max = chunk::READINGS_MAX as i64;
    send(&mut bench, 0, max + 10);
    assert_eq!(bench.writer.counts().bucket_full, 10);
    bench.writer.checkpoint().expect("checkpoints");
    send(&mut bench, max, 7);
    bench.writer.checkpoint().expect("checkpoints");
    assert_eq!(bench.writer.counts().bucket_full, 17);
    assert_eq!(bench.points(0, start, start + BUCKET_MS, 1)[0].count, max as u64);
}

// With too much in memory a checkpoint is due, writes open buckets too, and gives the memory back.
#[test]
fn memory_is_bounded() {
    let model = hours(1);
    let mut bench = Bench::new(Options { memory_max: 2_000, ..Options::default() });
    bench.follow(&model);
    assert!(bench.writer.is_full());
    bench.writer.checkpoint().expect("checkpoints");
    assert!(!bench.writer.is_full());
    assert_eq!(bench.writer.shared.read().bytes, 0);
    assert_eq!(bench.writer.shared.read().unsaved, 0);
    assert_eq!(bench.number("SELECT count(*) FROM tail"), 0);
    compare(&bench, &model, 0);
    let mut bench = Bench::new(Options { unsaved_max: 100, ..Options::default() });
    bench.follow(&model);
    assert!(bench.writer.is_full());
    bench.writer.checkpoint().expect("checkpoints");
    assert!(!bench.writer.is_full());
}

// An answer is bounded and says that there is more.
#[test]
fn an_answer_is_bounded() {
    let model = hours(1);
    let mut bench = Bench::new(Options::default());
    bench.follow(&model);
    let found = bench.reader.raw(&device(0), &quantity(0), Timestamp(T0), Timestamp(T0 + DAY), 10).expect("reads");
    assert_eq!((found.items.len(), found.more), (10, true));
    assert!(bench.points(0, T0, T0 + DAY, usize::MAX).len() <= POINTS_MAX);
    assert!(bench.points(0, i64::MIN, i64::MAX, 0).len() == 1);
    assert!(bench.points(0, T0 + DAY, T0, 300).is_empty(), "backwards");
    assert!(bench.raw(99, T0, T0 + DAY).items.is_empty(), "unknown");
}
