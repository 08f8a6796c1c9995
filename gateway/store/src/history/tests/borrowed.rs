use super::*;

/// Values that came within one millisecond, as their log has them.
fn burst(values: &[f64], set: fn(&mut Reading)) -> Model {
    let mut model = Model::default();
    let mut inputs = Vec::new();
    for value in values {
        let mut r = reading(0, T0, T0, *value);
        set(&mut r);
        inputs.push(Input::Reading(r));
    }
    model.log.push((PartitionId::of(&device(0)), Position(1), Batch { now: Timestamp(T0), inputs }));
    model
}

fn values(bench: &Bench) -> Vec<f64> {
    bench.raw(0, T0, T0 + MINUTE).items.iter().map(|s| s.value).collect()
}

// Every accepted reading is kept, and the *time* of a lying clock is quarantined, not the value: where the time is ours,
// several values of one millisecond stand one after the other; read twice from the log they stand there once.
#[test]
fn values_under_a_borrowed_time_are_all_kept() {
    let untimed: fn(&mut Reading) = |r| r.timed = false;
    let wrong: fn(&mut Reading) = |r| r.at = Timestamp(1_000);
    for set in [untimed, wrong] {
        let model = burst(&[5.0, 30.0, 30.0, 60.0], set);
        let mut bench = Bench::new(Options::default());
        bench.follow(&model);
        assert_eq!(values(&bench), [5.0, 30.0, 60.0]);
        for (partition, position, batch) in &model.log {
            bench.writer.apply(*partition, Position(position.0 + 1), batch).expect("applies");
        }
        assert_eq!(values(&bench), [5.0, 30.0, 60.0], "the same again");
        bench.writer.checkpoint().expect("checkpoints");
        bench.restart();
        assert_eq!(values(&bench), [5.0, 30.0, 60.0]);
    }
    // The device's own time is another matter: two values for one moment are a conflict.
    let mut bench = Bench::new(Options::default());
    bench.follow(&burst(&[5.0, 30.0], |_| {}));
    assert_eq!(values(&bench), [5.0]);
}
