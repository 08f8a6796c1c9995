use super::*;

fn some_readings(seeded: &mut Seeded, model: &Model, now: i64) -> Vec<(u64, Reading)> {
    (0..seeded.below(30))
        .map(|_| {
            let series = seeded.below(6);
            let late = match seeded.below(10) {
                0..6 => seeded.below(1_000) as i64,
                6..8 => seeded.below(20) as i64 * MINUTE,
                8 => seeded.below(12 * 60) as i64 * MINUTE,
                // A little ahead of Maibo's clock: kept at the device's time.
                _ => -(seeded.below(30_000) as i64),
            };
            let value = match seeded.below(40) {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => 0.1_f32.into(),
                n => n as f64 / 10.0,
            };
            let mut r = reading(series, now - late, now, value);
            // Something that was sent before: often the same, sometimes another value.
            if let Some((t, (v, _))) =
                model.series.get(&series).and_then(|s| s.iter().nth_back(seeded.below(40) as usize))
                && seeded.chance(15)
            {
                (r.at, r.value) = (Timestamp(*t), if seeded.chance(70) { *v } else { value });
            }
            r.quality = [Quality::Good, Quality::Good, Quality::Suspect, Quality::Range][seeded.below(4) as usize];
            (series, r)
        })
        .collect()
}

// P1, P2, P8, and "same series, same millisecond": whatever comes late, twice or in conflict, and wherever checkpoints, kills
// and failed or interrupted checkpoints fall, every accepted reading is there exactly once, and the first one wins.
#[test]
fn history_equals_a_map() {
    for seed in 0..12 {
        let mut seeded = Seeded::new(seed);
        let memory_max = if seed % 3 == 0 { 6_000 } else { usize::MAX };
        let mut bench = Bench::new(Options { memory_max, ..Options::default() });
        let (mut model, mut now, mut killed) = (Model::default(), T0, false);
        for _ in 0..120 {
            now += seeded.below(15 * MINUTE as u64) as i64;
            let readings = some_readings(&mut seeded, &model, now);
            model.append(now, readings);
            match seeded.below(12) {
                0 | 1 => {
                    bench.writer.checkpoint().expect("checkpoints");
                }
                2 => {
                    bench.restart();
                    killed = true;
                }
                3 => {
                    // Killed in the middle of a checkpoint: rows are written, the cursors have not moved.
                    let closed = open_from(Timestamp(now), &bench.options);
                    bench.writer.write_series().expect("writes");
                    bench.writer.settle(&(i64::MIN..closed)).expect("writes");
                    if seeded.chance(50) {
                        bench.writer.write_tails(&(closed..i64::MAX)).expect("writes");
                    }
                    bench.restart();
                    killed = true;
                }
                4 => {
                    // SQLite fails in the middle of a checkpoint, as on a full disk; then it works again.
                    let (table, some) =
                        [("series", "id"), ("chunk", "series"), ("tail", "bucket"), ("cursor", "partition")]
                            [seeded.below(4) as usize];
                    let from = seeded.below(3);
                    bench.execute(&format!(
                        "CREATE TRIGGER full BEFORE INSERT ON {table} WHEN NEW.{some} >= {from}
                         BEGIN SELECT RAISE(ABORT, 'full'); END"
                    ));
                    // With nothing to write there it succeeds.
                    let _ = bench.writer.checkpoint();
                    bench.execute("DROP TRIGGER full");
                    if seeded.chance(70) {
                        bench.restart();
                    }
                    // What failed is counted again where it succeeds.
                    killed = true;
                }
                5 => compare_now(&mut bench, &model, seed),
                _ => bench.follow(&model),
            }
        }
        compare_now(&mut bench, &model, seed);
        bench.writer.checkpoint().expect("checkpoints");
        compare(&bench, &model, seed);
        let counts = bench.writer.counts();
        if !killed {
            assert_eq!((counts.duplicates, counts.conflicts), (model.duplicates, model.conflicts), "seed {seed}");
        }
        bench.restart();
        compare_now(&mut bench, &model, seed);
        assert!(bench.number("SELECT count(*) FROM chunk") > 0, "closed buckets are chunks");
    }
}
