use super::*;

// Figures of a small city, for people: memory, disk and time. Only gross faults fail it.
#[test]
fn the_figures_are_in_range() {
    let (mut bench, series, minutes) = (Bench::new(Options::default()), 1_000, 5 * 60);
    let mut seeded = Seeded::new(3);
    let (mut level, mut most) = (vec![200_i64; series], 0);
    for i in 0..minutes {
        let now = T0 + (i + 1) * MINUTE;
        let inputs = (0..series)
            .map(|s| {
                level[s] += seeded.below(11) as i64 - 5;
                let t = T0 + i * MINUTE + seeded.below(2_000) as i64;
                Input::Reading(reading(s as u64, t, now, level[s] as f64 / 10.0))
            })
            .collect();
        let batch = Batch { now: Timestamp(now), inputs };
        bench.writer.apply(PartitionId(0), Position(i as u64 + 1), &batch).expect("applies");
        if i % 10 == 9 {
            most = most.max(bench.writer.shared.read().bytes);
            bench.writer.checkpoint().expect("checkpoints");
        }
    }
    let chunks = bench.number("SELECT sum(length(data)) FROM chunk WHERE n = 0");
    let whole = bench.number("SELECT count(*) FROM chunk");
    let (memory, disk) = (most / series, chunks as f64 / (whole as f64 * 120.0));
    eprintln!("memory {memory} bytes a series, {chunks} bytes in {whole} chunks, at least {disk:.2} bytes a reading");
    assert!(memory < 1_200 && disk < 4.5);
}
