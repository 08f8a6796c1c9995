//! Recorded data in memory, in order of time.

use std::collections::HashMap;

use maibo_api::{BacktestData, BadLine};
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::{Millis, Timestamp};

use super::LoadError;

/// Most readings kept: about 2 GB. More end with an error that says what to do.
pub const ROWS_MAX: usize = 50_000_000;
/// Most inputs kept that are no readings: events, signs of life, deafness.
pub const OTHERS_MAX: usize = 2_000_000;
/// Bad lines that are shown; all are counted.
pub const SAMPLES_MAX: usize = 10;

/// Row of an input that is no reading: `device` counts in the list of others.
const OTHER: u8 = u8::MAX;
const TIMED: u8 = 0x80;

/// One input. Names are numbers, so that it stays small.
#[derive(Clone, Copy)]
struct Row {
    now: i64,
    at: i64,
    value: f64,
    /// By how much it was received before `now`.
    waited: u32,
    device: u32,
    quantity: u16,
    /// Quality, and [`TIMED`]; or [`OTHER`].
    marks: u8,
}

/// One reading to keep.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// When it is decided.
    pub now: Timestamp,
    /// Whose.
    pub device: &'a str,
    /// What.
    pub quantity: &'a Quantity,
    /// When it was measured.
    pub at: Timestamp,
    /// When it was received; not after `now`.
    pub received: Timestamp,
    /// The value in the canonical unit.
    pub value: f64,
    /// What is known about it.
    pub quality: Quality,
    /// False where it has no time of its own.
    pub timed: bool,
}

/// All inputs, and what could not be one.
pub struct Tape {
    rows: Vec<Row>,
    others: Vec<Input>,
    devices: Vec<DeviceId>,
    device_numbers: HashMap<DeviceId, u32>,
    quantities: Vec<Quantity>,
    is_sorted: bool,
    listened_until: Option<Timestamp>,
    from: Timestamp,
    to: Timestamp,
    rows_max: usize,
    data: BacktestData,
}

impl Tape {
    /// An empty tape for `from <= time < to`.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        Self {
            rows: Vec::new(),
            others: Vec::new(),
            devices: Vec::new(),
            device_numbers: HashMap::new(),
            quantities: Vec::new(),
            is_sorted: true,
            listened_until: None,
            from: from.unwrap_or(Timestamp(i64::MIN)),
            to: to.unwrap_or(Timestamp::MAX),
            rows_max: ROWS_MAX,
            data: BacktestData::default(),
        }
    }

    /// The same with another limit.
    #[must_use]
    pub fn limited(mut self, rows_max: usize) -> Self {
        self.rows_max = rows_max.min(ROWS_MAX);
        self
    }

    /// Keeps a reading. Answers what is wrong with the device's identifier, where something is.
    ///
    /// # Errors
    /// [`LoadError::Data`] where there are too many.
    pub fn reading(&mut self, m: Measured<'_>) -> Result<Result<(), String>, LoadError> {
        if m.now < self.from || m.now >= self.to {
            self.data.outside += 1;
            return Ok(Ok(()));
        }
        let device = match self.device(m.device) {
            Ok(device) => device,
            Err(problem) => return Ok(Err(problem)),
        };
        let quantity = self.quantity(m.quantity);
        let waited = u32::try_from(m.now.since(m.received).0.max(0)).unwrap_or(u32::MAX);
        let marks = quality_mark(m.quality) | if m.timed { TIMED } else { 0 };
        self.row(Row { now: m.now.0, at: m.at.0, value: m.value, waited, device, quantity, marks })?;
        Ok(Ok(()))
    }

    /// Keeps any other input.
    ///
    /// # Errors
    /// [`LoadError::Data`] where there are too many.
    pub fn other(&mut self, now: Timestamp, input: Input) -> Result<(), LoadError> {
        if now < self.from || now >= self.to {
            self.data.outside += 1;
            return Ok(());
        }
        if self.others.len() >= OTHERS_MAX {
            return Err(LoadError::data(format_args!(
                "more than {OTHERS_MAX} inputs that are no readings; take a shorter time with --from and --to"
            )));
        }
        let device = self.others.len() as u32;
        self.others.push(input);
        self.row(Row { now: now.0, at: 0, value: 0.0, waited: 0, device, quantity: 0, marks: OTHER })
    }

    /// The recording went on to this time.
    pub fn listened(&mut self, until: Timestamp) {
        self.listened_until = self.listened_until.max(Some(until.min(self.to)));
    }

    fn row(&mut self, row: Row) -> Result<(), LoadError> {
        if self.rows.len() >= self.rows_max {
            return Err(LoadError::data(format_args!(
                "more than {} readings; take a shorter time with --from and --to, or fewer files",
                self.rows_max
            )));
        }
        self.is_sorted &= self.rows.last().is_none_or(|last| last.now <= row.now);
        self.rows.push(row);
        Ok(())
    }

    fn device(&mut self, id: &str) -> Result<u32, String> {
        if let Some(number) = self.device_numbers.get(id) {
            return Ok(*number);
        }
        let known = DeviceId::new(id).map_err(|e| format!("device `{}` {e}", id.escape_debug()))?;
        let number = self.devices.len() as u32;
        self.devices.push(known.clone());
        self.device_numbers.insert(known, number);
        Ok(number)
    }

    /// There are at most 128 quantities in the registry, and few in one tape.
    fn quantity(&mut self, quantity: &Quantity) -> u16 {
        let number = self.quantities.iter().position(|q| q == quantity).unwrap_or_else(|| {
            self.quantities.push(quantity.clone());
            self.quantities.len() - 1
        });
        number as u16
    }

    /// Counts a line or value that cannot be used; the first are kept to be shown.
    pub fn bad(&mut self, file: &str, line: u64, problem: impl std::fmt::Display) {
        self.data.bad += 1;
        if self.data.bad_samples.len() < SAMPLES_MAX {
            let problem: String = problem.to_string().chars().take(200).collect();
            self.data.bad_samples.push(BadLine { file: file.to_owned(), line, problem });
        }
    }

    /// Counts a value that is marked as missing.
    pub fn missing(&mut self) {
        self.data.missing += 1;
    }

    /// Brings it in order of time; what has the same time stays in the order it came in.
    pub fn sort(&mut self) {
        if !self.is_sorted {
            self.rows.sort_by_key(|row| row.now);
            self.is_sorted = true;
        }
    }

    /// All inputs; in order of time after [`Self::sort`].
    pub fn inputs(&self) -> impl Iterator<Item = (Timestamp, Input)> + '_ {
        self.rows.iter().filter_map(|row| Some((Timestamp(row.now), self.input(row)?)))
    }

    fn input(&self, row: &Row) -> Option<Input> {
        if row.marks == OTHER {
            return self.others.get(row.device as usize).cloned();
        }
        Some(Input::Reading(Reading {
            device: self.devices.get(row.device as usize)?.clone(),
            quantity: self.quantities.get(usize::from(row.quantity))?.clone(),
            at: Timestamp(row.at),
            received: Timestamp(row.now) - Millis(i64::from(row.waited)),
            value: row.value,
            quality: quality(row.marks & !TIMED),
            timed: row.marks & TIMED != 0,
        }))
    }

    /// Number of the device and time of each reading, as sorted.
    pub fn times(&self) -> impl Iterator<Item = (u32, Timestamp)> + '_ {
        self.rows.iter().filter(|row| row.marks != OTHER).map(|row| (row.device, Timestamp(row.at)))
    }

    /// How long the recording went on, where it says so.
    pub fn listened_until(&self) -> Option<Timestamp> {
        // Sorted: the last input may lie behind it where several recordings are put together.
        let last = self.rows.last().map(|row| Timestamp(row.now));
        self.listened_until.filter(|until| Some(*until) > last)
    }

    /// Devices by number.
    pub fn devices(&self) -> &[DeviceId] {
        &self.devices
    }

    /// Whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Inputs kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// What was read and what was not.
    pub fn data(&self) -> BacktestData {
        BacktestData { devices: self.devices.len() as u64, ..self.data.clone() }
    }
}

const QUALITIES: [Quality; 5] = [Quality::Good, Quality::Suspect, Quality::Clock, Quality::Range, Quality::Substituted];

fn quality_mark(quality: Quality) -> u8 {
    QUALITIES.iter().position(|q| *q == quality).unwrap_or(0) as u8
}

fn quality(mark: u8) -> Quality {
    QUALITIES.get(usize::from(mark)).copied().unwrap_or_default()
}
