//! What happens in the city: acts over a district and a time span, composed into scenarios.
//!
//! A [`Scenario`] is text-like and knows no city; [`Scenario::bind`] chooses the devices it touches and gives a
//! [`Play`], which answers for a device and a time what an act does there. Both are deterministic.
//!
//! ```text
//! cloudburst:110105                     one act, from the start, for its usual duration
//! gas-leak:110101@2m+5m                 after two minutes, for five
//! cloudburst:110105,crowd-surge:110102  together
//! calm | demo                           nothing | a lively but not flooding day, staged every hour anew
//! ```

mod demo;
mod play;

pub use play::{Effect, Play};

use anyhow::{Context, bail, ensure};

use crate::city::{City, District, district};

/// Most acts of one scenario.
pub const MAX_ACTS: usize = 1000;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// 暴雨: rain, then water on the roads, sewers full, slow traffic.
    Cloudburst,
    /// 重污染天气: particulates, nitrogen dioxide and carbon monoxide rise, visibility falls.
    HeavyPollution,
    /// 燃气泄漏: methane in a few valve wells.
    GasLeak,
    /// 配电箱断电: street light cabinets without power, mains-powered devices of the street silent.
    CabinetPowerCut,
    /// 交通事故: an event from a roadside unit, detectors nearby report a queue.
    TrafficAccident,
    /// 人群聚集: too many people on one place.
    CrowdSurge,
    /// 井盖移位: a manhole cover is tilted.
    ManholeShift,
    /// 供水爆管: pressure in the main falls.
    PipeBurst,
    /// 火情: smoke.
    Fire,
    /// 大风: gusts at a weather station.
    Gale,
    /// 余氯不足: too little chlorine at the tap.
    ChlorineLoss,
    /// 水质浑浊: turbid water at the tap.
    TurbidWater,
    /// 河道污染: a spill takes the oxygen from a river.
    RiverSpill,
    /// 施工噪声: a building site that can be heard.
    LoudSite,
}

impl ActKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Cloudburst,
        Self::HeavyPollution,
        Self::GasLeak,
        Self::CabinetPowerCut,
        Self::TrafficAccident,
        Self::CrowdSurge,
        Self::ManholeShift,
        Self::PipeBurst,
        Self::Fire,
        Self::Gale,
        Self::ChlorineLoss,
        Self::TurbidWater,
        Self::RiverSpill,
        Self::LoudSite,
    ];

    /// The word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloudburst => "cloudburst",
            Self::HeavyPollution => "heavy-pollution",
            Self::GasLeak => "gas-leak",
            Self::CabinetPowerCut => "cabinet-power-cut",
            Self::TrafficAccident => "traffic-accident",
            Self::CrowdSurge => "crowd-surge",
            Self::ManholeShift => "manhole-shift",
            Self::PipeBurst => "pipe-burst",
            Self::Fire => "fire",
            Self::Gale => "gale",
            Self::ChlorineLoss => "chlorine-loss",
            Self::TurbidWater => "turbid-water",
            Self::RiverSpill => "river-spill",
            Self::LoudSite => "loud-site",
        }
    }

    /// Usual duration, and the seconds until it is at its worst.
    const fn course(self) -> (i64, i64) {
        match self {
            Self::Cloudburst => (1800, 300),
            Self::HeavyPollution => (3600, 900),
            Self::GasLeak => (600, 20),
            Self::CabinetPowerCut | Self::ManholeShift => (600, 1),
            Self::TrafficAccident => (900, 5),
            Self::CrowdSurge => (900, 120),
            Self::PipeBurst => (900, 10),
            Self::Fire => (300, 1),
            Self::Gale => (900, 30),
            Self::ChlorineLoss | Self::TurbidWater | Self::RiverSpill => (1800, 120),
            Self::LoudSite => (1200, 5),
        }
    }
}

/// One act.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What happens.
    pub kind: ActKind,
    /// Where.
    pub district: &'static District,
    /// Begin, in milliseconds after the start of the scenario.
    pub from_ms: i64,
    /// How long, in milliseconds.
    pub lasting_ms: i64,
    /// Milliseconds until it is at its worst, and again until it is over.
    pub ramp_ms: i64,
    /// How bad, 0 to 1.
    pub peak: f64,
    /// Most devices that notice.
    pub devices: usize,
    /// After how many milliseconds it happens again, at least [`Act::lasting_ms`]; 0 for never.
    pub every_ms: i64,
}

impl Act {
    /// An act of usual duration and full strength that every fitting device of the district notices.
    pub fn new(kind: ActKind, district: &'static District, from_ms: i64) -> Self {
        let (lasting, ramp) = kind.course();
        let devices = match kind {
            ActKind::Cloudburst | ActKind::HeavyPollution => usize::MAX,
            ActKind::GasLeak | ActKind::PipeBurst | ActKind::CrowdSurge | ActKind::Gale => 5,
            _ => 2,
        };
        let (lasting_ms, ramp_ms) = (lasting * 1000, ramp * 1000);
        Self { kind, district, from_ms, lasting_ms, ramp_ms, peak: 1.0, devices, every_ms: 0 }
    }

    /// When it began the last time, at `at_ms` after the start of the scenario; `None` before it begins at all.
    pub fn begun(&self, at_ms: i64) -> Option<i64> {
        let since = at_ms - self.from_ms;
        let repeats = if self.every_ms > 0 { since / self.every_ms } else { 0 };
        (since >= 0).then_some(self.from_ms + repeats * self.every_ms)
    }

    /// Whether it begins or ends in `(after_ms, until_ms]`.
    fn turns(&self, after_ms: i64, until_ms: i64) -> bool {
        let passed = |edge: i64| {
            let times = |at: i64| match at - edge {
                since if since < 0 => 0,
                since if self.every_ms > 0 => 1 + since / self.every_ms,
                _ => 1,
            };
            times(until_ms) > times(after_ms)
        };
        passed(self.from_ms) || passed(self.from_ms + self.lasting_ms)
    }

    /// Strength at `at_ms` after the start of the scenario: up, level with a slow swell, down.
    pub fn intensity(&self, at_ms: i64) -> f64 {
        let Some(begun) = self.begun(at_ms) else { return 0.0 };
        let since = at_ms - begun;
        let left = self.lasting_ms - since;
        if left <= 0 {
            return 0.0;
        }
        let ramp = self.ramp_ms.clamp(1, (self.lasting_ms / 2).max(1)) as f64;
        let edge = ((since as f64 + 1.0) / ramp).min(left as f64 / ramp).min(1.0);
        let swell = 1.0 - 0.06 * (1.0 - (since as f64 / 60_000.0 * core::f64::consts::TAU).cos());
        self.peak * edge * swell
    }
}

/// Acts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    acts: Vec<Act>,
    /// Whether an act may go to another district where a small city has nobody to notice it.
    staged: bool,
}

impl Scenario {
    /// Nothing happens.
    pub fn calm() -> Self {
        Self { acts: Vec::new(), staged: false }
    }

    /// The staged day of the demonstration: see [`Scenario::parse`].
    pub fn demo(seed: u64) -> Self {
        Self { acts: demo::acts(seed), staged: true }
    }

    /// These acts.
    pub fn of(acts: Vec<Act>) -> Self {
        Self { acts, staged: false }
    }

    /// Its acts.
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// Reads `calm`, `demo`, or acts joined with commas, each `kind:district[@begin][+duration]`.
    ///
    /// # Errors
    /// Where a kind, a district or a duration is unknown, or there are more than [`MAX_ACTS`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        match text.trim() {
            "calm" | "" => return Ok(Self::calm()),
            "demo" => return Ok(Self::demo(1)),
            _ => {}
        }
        let acts: Vec<Act> = text.split(',').map(parse_act).collect::<anyhow::Result<_>>()?;
        ensure!(acts.len() <= MAX_ACTS, "at most {MAX_ACTS} acts");
        Ok(Self::of(acts))
    }

    /// Chooses the devices.
    pub fn bind(&self, city: &City) -> Play {
        Play::new(&self.acts, self.staged, city)
    }
}

fn parse_act(text: &str) -> anyhow::Result<Act> {
    let text = text.trim();
    let (kind, rest) = text.split_once(':').with_context(|| format!("{text}: expected kind:district"))?;
    let Some(kind) = ActKind::ALL.into_iter().find(|k| k.as_str() == kind) else {
        let known: Vec<&str> = ActKind::ALL.iter().map(|k| k.as_str()).collect();
        bail!("{kind} is no scenario; known: calm, demo, {}", known.join(", "));
    };
    let (rest, lasting) = rest.split_once('+').map_or((rest, None), |(rest, d)| (rest, Some(d)));
    let (code, begin) = rest.split_once('@').map_or((rest, None), |(code, d)| (code, Some(d)));
    let district = district(code).with_context(|| format!("{code} is no district of Beijing"))?;
    let mut act = Act::new(kind, district, begin.map_or(Ok(0), duration_ms)?);
    if let Some(lasting) = lasting {
        act.lasting_ms = duration_ms(lasting)?;
        act.ramp_ms = act.ramp_ms.min(act.lasting_ms / 4);
    }
    Ok(act)
}

/// Reads `500ms`, `30s`, `2m` or `1h`, at most a year.
pub fn duration_ms(text: &str) -> anyhow::Result<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => bail!("{text}: a duration is a whole number and ms, s, m or h"),
    };
    let number: i64 = number.parse().with_context(|| format!("{text}: no duration"))?;
    let ms = number.checked_mul(scale).filter(|ms| *ms <= 366 * 86_400_000);
    ms.with_context(|| format!("{text}: longer than a year"))
}
