use super::*;

// After a checkpoint nothing is read from the log again, and the log may be trimmed up to it.
#[test]
fn a_checkpoint_says_what_is_safe() {
    let model = hours(1);
    let mut bench = Bench::new(Options::default());
    bench.follow(&model);
    assert!(bench.writer.safe().is_empty(), "nothing is written");
    let checkpoint = bench.writer.checkpoint().expect("checkpoints");
    let mut last = Cursors::new();
    for (partition, position, _) in &model.log {
        last.insert(*partition, *position);
    }
    assert_eq!(checkpoint.safe, last);
    bench.restart();
    assert_eq!(bench.writer.safe(), &last, "what is stored is safe after a restart");
    let cursors: Cursors = bench.writer.cursors().into_iter().filter_map(|(p, c)| Some((p, c?))).collect();
    assert_eq!(cursors, last);
    compare(&bench, &model, 0);
}

// While a long read keeps SQLite from syncing its WAL, nothing new is called safe.
#[test]
fn a_long_read_holds_back_what_is_safe() {
    let model = hours(1);
    let mut bench = Bench::new(Options::default());
    bench.writer.connection.busy_timeout(std::time::Duration::ZERO).expect("sets");
    let other = rusqlite::Connection::open(&bench.path).expect("opens");
    other.execute_batch("BEGIN; SELECT count(*) FROM chunk").expect("reads");
    let _: i64 = other.query_row("SELECT count(*) FROM chunk", [], |r| r.get(0)).expect("reads");
    bench.follow(&model);
    assert!(bench.writer.checkpoint().expect("checkpoints").safe.is_empty());
    other.execute_batch("COMMIT").expect("ends");
    assert!(!bench.writer.checkpoint().expect("checkpoints").safe.is_empty());
}

// A damaged chunk is reported with every answer it is missing from, and later readings of its bucket are kept beside it.
#[test]
fn a_damaged_chunk_is_reported() {
    let mut model = hours(6);
    let mut bench = Bench::new(Options::default());
    bench.follow(&model);
    bench.writer.checkpoint().expect("checkpoints");
    let bucket = bucket_of(T0);
    let start = start_of(bucket);
    bench.execute(&format!(
        "UPDATE chunk SET data = CAST(substr(data, 1, 20) || x'ff' || substr(data, 22) AS BLOB) WHERE bucket = {bucket}"
    ));
    let found = bench.raw(0, T0, T0 + 6 * 60 * MINUTE);
    assert_eq!(found.damaged, [(Timestamp(start), Timestamp(start + BUCKET_MS))]);
    assert_eq!(found.items, model.samples(0, start + BUCKET_MS, i64::MAX), "the rest is there");
    let late = T0 + 17;
    model.append(model.now, vec![(0, reading(0, late, model.now, 7.5))]);
    bench.follow(&model);
    for _ in 0..2 {
        bench.writer.checkpoint().expect("checkpoints");
        let found = bench.raw(0, T0, start + BUCKET_MS);
        assert_eq!(found.items, [Sample { t: late, value: 7.5, quality: Quality::Good }]);
        assert_eq!(found.damaged.len(), 1, "still reported");
        bench.restart();
    }
}

// A damaged tail costs nothing: the log is read again, and what is there already is not doubled.
#[test]
fn a_damaged_tail_is_read_from_the_log_again() {
    let model = hours(5);
    let mut bench = Bench::new(Options::default());
    bench.follow(&model);
    bench.writer.checkpoint().expect("checkpoints");
    bench.execute("UPDATE tail SET data = zeroblob(length(data))");
    let recovered = bench.restart();
    assert!(recovered.damaged > 0 && recovered.damaged == recovered.tails);
    assert!(bench.writer.cursors().iter().all(|(_, c)| c.is_none()));
    compare_now(&mut bench, &model, 0);
}

// A file of a later format is refused, and what is no database is told apart from it.
#[test]
fn foreign_files_are_refused() {
    let bench = Bench::new(Options::default());
    bench.execute("PRAGMA user_version = 9");
    assert!(matches!(HistoryWriter::open(&bench.path, bench.options), Err(HistoryError::Newer { found: 9, known: 1 })));
    let path = bench.path.with_file_name("other.db");
    std::fs::write(&path, [7; 4096]).expect("writes");
    assert!(HistoryWriter::open(&path, bench.options).is_err_and(|e| e.is_damaged()));
}
