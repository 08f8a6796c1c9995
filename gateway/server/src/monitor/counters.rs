//! What the counters say: inputs dropped before all had them, load shed, commits that take too long.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use tokio_util::sync::CancellationToken;

use super::Board;
use crate::ingest::Ingest;
use crate::telemetry::Metrics;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// What was left out stays an alert for so many looks after the last time: long enough to be seen, and one alert for a
/// trouble that comes and goes.
const GAP_STAYS: u32 = 120;
const OVERLOAD_STAYS: u32 = 12;
const STEP_STAYS: u32 = 120;
/// A flood stays an alert for so long after the last message too many.
const FLOOD_STAYS: Duration = Duration::from_mins(1);
/// Most devices named.
const NAMED: usize = 5;
/// Reasons for which load is shed, as in `maibo_ingest_shed_total`.
const SHED: &[&str] = &["qos0_queue_full"];
/// A commit of the inputs log that takes longer on average than this, in seconds.
const SLOW: f64 = 0.25;
/// For so many looks in a row.
const SLOW_LOOKS: u32 = 3;

/// What is counted, at one time.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    dropped: u64,
    shed: u64,
    commits: u64,
    seconds: f64,
    steps: u64,
    step_ms: i64,
}

impl Seen {
    fn of(metrics: &Metrics) -> Self {
        let of = |reason: &&str| metrics.shed.with_label_values(&[*reason]).get();
        let (dropped, shed) = (of(&"inputs_quota"), SHED.iter().map(of).sum());
        let (commits, seconds) = (metrics.inputs_sync.get_sample_count(), metrics.inputs_sync.get_sample_sum());
        let (steps, step_ms) = (metrics.clock_steps.get(), metrics.clock_step.get());
        Self { dropped, shed, commits, seconds, steps, step_ms }
    }
}

/// Something that counts up while it goes on, and is over a while after it stopped.
#[derive(Default)]
struct Spell {
    /// How much it was since it began.
    sum: u64,
    quiet: u32,
}

impl Spell {
    /// `Some(true)`: it goes on; `Some(false)`: it is over; `None`: nothing new.
    fn look(&mut self, more: u64, stays: u32) -> Option<bool> {
        if more > 0 {
            (self.sum, self.quiet) = (self.sum + more, 0);
            return Some(true);
        }
        if self.sum == 0 {
            return Some(false);
        }
        self.quiet += 1;
        if self.quiet < stays {
            return None;
        }
        self.sum = 0;
        Some(false)
    }
}

/// What is remembered between looks.
#[derive(Default)]
struct Memory {
    last: Seen,
    gap: Spell,
    overload: Spell,
    steps: Spell,
    slow: u32,
}

impl Memory {
    fn look(&mut self, seen: Seen, board: &Board) {
        let last = std::mem::replace(&mut self.last, seen);
        match self.gap.look(seen.dropped - last.dropped, GAP_STAYS) {
            Some(true) => {
                let n = self.gap.sum;
                let zh = format!("输入日志达到配额，{n} 批读数在写入历史或长期存储之前被丢弃");
                let en = format!(
                    "at the quota of the inputs log {n} batches were dropped before history or the sink had them"
                );
                board.unwell(Check::Gap, "inputs", Level::Orange, &zh, &en);
            }
            Some(false) => board.well(Check::Gap, "inputs"),
            None => {}
        }
        match self.overload.look(seen.shed - last.shed, OVERLOAD_STAYS) {
            Some(true) => {
                let n = self.overload.sum;
                let zh = format!("消息来得比处理快，已舍弃 {n} 条（QoS 1 消息在等待，不会丢失）");
                let en = format!(
                    "more comes in than can be done: {n} left out so far (QoS 1 messages wait and are not lost)"
                );
                board.unwell(Check::Overload, "intake", Level::Yellow, &zh, &en);
            }
            Some(false) => board.well(Check::Overload, "intake"),
            None => {}
        }
        match self.steps.look(seen.steps - last.steps, STEP_STAYS) {
            Some(true) => {
                let s = seen.step_ms as f64 / 1_000.0;
                let zh = format!("服务器时钟跳变 {s:+.1} 秒；计时不受影响，请检查时间同步");
                let en =
                    format!("the server's clock stepped by {s:+.1} s; timers go on unmoved, check its time service");
                board.unwell(Check::Time, "clock", Level::Orange, &zh, &en);
            }
            Some(false) => board.well(Check::Time, "clock"),
            None => {}
        }
        let commits = seen.commits - last.commits;
        if commits == 0 {
            return;
        }
        let mean = (seen.seconds - last.seconds) / commits as f64;
        self.slow = if mean > SLOW { self.slow + 1 } else { 0 };
        if self.slow >= SLOW_LOOKS {
            let ms = mean * 1_000.0;
            let zh = format!("写入磁盘平均需 {ms:.0} 毫秒，确认与预警相应延迟");
            let en = format!(
                "making inputs durable takes {ms:.0} ms on average; acknowledgements and alerts are late by that"
            );
            board.unwell(Check::SlowDisk, "data", Level::Yellow, &zh, &en);
        } else if self.slow == 0 {
            board.well(Check::SlowDisk, "data");
        }
    }
}

/// Names who floods.
fn floods(ingest: &Ingest, board: &Board) {
    let (names, count) = ingest.floods.flooding(FLOOD_STAYS, NAMED);
    if count == 0 {
        return board.well(Check::Flood, "devices");
    }
    let mut list = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if count > names.len() {
        list.push_str(", …");
    }
    let zh = format!("{count} 台设备消息过量，已限速：{list}");
    let en = format!("more messages than a device may send, slowed down or refused: {list}");
    board.unwell(Check::Flood, "devices", Level::Yellow, &zh, &en);
}

pub(super) async fn run(metrics: Arc<Metrics>, ingest: Arc<Ingest>, board: Arc<Board>, stop: CancellationToken) {
    let mut memory = Memory::default();
    while !stop.is_cancelled() {
        memory.look(Seen::of(&metrics), &board);
        floods(&ingest, &board);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A spell goes on while something is counted, stays a while, and ends once.
    #[test]
    fn spells() {
        let mut spell = Spell::default();
        assert_eq!(spell.look(0, 2), Some(false));
        assert_eq!((spell.look(3, 2), spell.look(0, 2), spell.look(4, 2)), (Some(true), None, Some(true)));
        assert_eq!(spell.sum, 7);
        assert_eq!((spell.look(0, 2), spell.look(0, 2), spell.sum), (None, Some(false), 0));
    }
}
