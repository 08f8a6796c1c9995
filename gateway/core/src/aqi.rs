//! The Air Quality Index of China by HJ 633-2012 and HJ 633-2026.
//!
//! ```text
//! hourly means ─▶ means of 24 and 8 hours ─▶ rounded (GB/T 8170) ─▶ index per pollutant ─▶ the largest is the AQI
//! ```
//!
//! The edition is named by whoever asks: HJ 633-2026 is in force since 2026-03-01, and what was measured before was judged
//! by 2012. They differ in the breakpoints at index 100 of PM10 and PM2.5, in what follows above 800 µg/m³ of SO2 (1 h) and
//! O3 (8 h), and in the real-time report, which by 2012 also takes the 8 h mean of ozone.
//!
//! **Invariants:** concentrations are in the canonical units of [`crate::reading::quantity`] (µg/m³, CO mg/m³); no
//! floating point behind [`Concentration::new`], so a breakpoint has exactly its index; an index is an integer 0..=500, so
//! the bands of the classes leave no gap.

mod day;
mod round;
mod table;

pub use day::{Day, HOURS_OF_DAY, HOURS_OF_EIGHT, MEANS_OF_DAY};
pub use round::{Concentration, Mean};

/// A standard for the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// HJ 633-2012, on trial from 2012, until 2026-02-28.
    Hj633_2012,
    /// HJ 633-2026, in force since 2026-03-01.
    Hj633_2026,
}

impl Edition {
    /// Its name: `hj633-2012` or `hj633-2026`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hj633_2012 => "hj633-2012",
            Self::Hj633_2026 => "hj633-2026",
        }
    }
}

/// The six pollutants of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pollutant {
    /// Fine particles.
    Pm25,
    /// Particles.
    Pm10,
    /// Sulphur dioxide.
    So2,
    /// Nitrogen dioxide.
    No2,
    /// Carbon monoxide, the only one in mg/m³.
    Co,
    /// Ozone.
    O3,
}

impl Pollutant {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Pm25, Self::Pm10, Self::So2, Self::No2, Self::Co, Self::O3];

    /// Its quantity in the registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pm25 => "pm25",
            Self::Pm10 => "pm10",
            Self::So2 => "so2",
            Self::No2 => "no2",
            Self::Co => "co",
            Self::O3 => "o3",
        }
    }

    /// The pollutant that this quantity measures.
    pub fn of(quantity: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == quantity)
    }
}

/// A set of pollutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pollutants(u8);

impl Pollutants {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Adds one.
    pub const fn insert(&mut self, pollutant: Pollutant) {
        self.0 |= 1 << pollutant as u8;
    }

    /// Whether it is in the set.
    pub const fn contains(self, pollutant: Pollutant) -> bool {
        self.0 & (1 << pollutant as u8) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set, in the order of [`Pollutant::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Pollutant> {
        Pollutant::ALL.into_iter().filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Pollutant> for Pollutants {
    fn from_iter<I: IntoIterator<Item = Pollutant>>(pollutants: I) -> Self {
        let mut set = Self::NONE;
        pollutants.into_iter().for_each(|p| set.insert(p));
        set
    }
}

/// What a concentration is the mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// 24 hours. There is none for ozone.
    Day,
    /// One hour. Particles are judged by the table of 24 hours.
    Hour,
    /// Eight hours. Ozone only.
    EightHours,
}

/// The class of an index (HJ 633 table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 0 to 50.
    Excellent,
    /// 51 to 100.
    Good,
    /// 101 to 150.
    Light,
    /// 151 to 200.
    Moderate,
    /// 201 to 300.
    Heavy,
    /// Above 300.
    Severe,
}

impl Class {
    /// The class of an index.
    pub const fn of(index: u16) -> Self {
        match index {
            0..=50 => Self::Excellent,
            51..=100 => Self::Good,
            101..=150 => Self::Light,
            151..=200 => Self::Moderate,
            201..=300 => Self::Heavy,
            301.. => Self::Severe,
        }
    }

    /// Its name in Chinese.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Excellent => "优",
            Self::Good => "良",
            Self::Light => "轻度污染",
            Self::Moderate => "中度污染",
            Self::Heavy => "重度污染",
            Self::Severe => "严重污染",
        }
    }

    /// Its name in English.
    pub const fn en(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Light => "lightly polluted",
            Self::Moderate => "moderately polluted",
            Self::Heavy => "heavily polluted",
            Self::Severe => "severely polluted",
        }
    }
}

/// The index of one pollutant (IAQI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubIndex {
    /// 0..=500.
    pub index: u16,
    /// The concentration is above the last breakpoint, of which the standard says nothing: 500 stands for more.
    pub beyond_scale: bool,
}

/// The index of one pollutant at this concentration, in its canonical unit. Nothing where the value is no number, the
/// pollutant has no such basis, or the edition gives no index: HJ 633-2012 above 800 µg/m³ of SO2 in one hour and of O3 in
/// eight.
pub fn sub_index(edition: Edition, pollutant: Pollutant, basis: Basis, concentration: f64) -> Option<SubIndex> {
    sub_index_of(edition, pollutant, basis, Concentration::new(concentration)?.into())
}

/// The same for a mean, rounded once and exactly.
pub fn sub_index_of(edition: Edition, pollutant: Pollutant, basis: Basis, mean: Mean) -> Option<SubIndex> {
    table::index(edition, pollutant, basis, mean.tenths(pollutant)?)
}

/// The index of a place at a time (AQI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The largest of the pollutants' indexes, 0..=500.
    pub index: u16,
    /// Those that have it, where it is above 50. The 2026 edition does not say that ties are all named; they are.
    pub primary: Pollutants,
    /// Its class.
    pub class: Class,
    /// A concentration is above its last breakpoint: 500 stands for more.
    pub beyond_scale: bool,
    /// Pollutants without an index, for want of data or of a rule. Their indexes could only make the report's larger.
    pub without: Pollutants,
}

impl Report {
    /// From the pollutants' indexes; several of one pollutant may come. Nothing without any.
    pub fn of(indexes: impl IntoIterator<Item = (Pollutant, Option<SubIndex>)>) -> Option<Self> {
        let (mut index, mut beyond_scale) = (0, false);
        let (mut known, mut primary) = (Pollutants::NONE, Pollutants::NONE);
        for (pollutant, sub) in indexes.into_iter().filter_map(|(p, sub)| Some((p, sub?))) {
            known.insert(pollutant);
            beyond_scale |= sub.beyond_scale;
            if sub.index > index {
                (index, primary) = (sub.index, Pollutants::NONE);
            }
            if sub.index == index {
                primary.insert(pollutant);
            }
        }
        let without = Pollutant::ALL.into_iter().filter(|p| !known.contains(*p)).collect();
        let primary = if index > 50 { primary } else { Pollutants::NONE };
        (!known.is_empty()).then_some(Self { index, primary, class: Class::of(index), beyond_scale, without })
    }
}

/// The real-time report of one hour, from the hour's means in the order of [`Pollutant::ALL`] (empty where there is none)
/// and the mean of ozone over the eight hours that end with it, which only the 2012 edition takes.
pub fn hourly(edition: Edition, hour: &[Mean; 6], ozone_eight: Mean) -> Option<Report> {
    let of_hour = |(p, mean): (Pollutant, &Mean)| (p, sub_index_of(edition, p, Basis::Hour, *mean));
    let eight = match edition {
        Edition::Hj633_2012 => sub_index_of(edition, Pollutant::O3, Basis::EightHours, ozone_eight),
        Edition::Hj633_2026 => None,
    };
    Report::of(Pollutant::ALL.into_iter().zip(hour).map(of_hour).chain([(Pollutant::O3, eight)]))
}

#[cfg(test)]
mod tests;
