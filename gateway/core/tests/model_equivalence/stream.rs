//! Random streams: what devices, sources, operators and clocks can do.

use maibo_core::id::{Actor, DeviceId, EpisodeId, PartitionId, Version};
use maibo_core::input::{Act, Command, Found, Input, Stage};
use maibo_core::reading::{Event, Liveness, Quality, Reading, Text};
use maibo_core::time::{Millis, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use crate::engine_world::model::missed;
use crate::engine_world::{World, ZERO, reading, s, source};
use crate::packs::{Devices, Pack};

const DEVICES: [&str; 3] = ["a", "b", "c"];
pub(crate) const QUANTITIES: [&str; 3] = ["water_depth", "temperature", "humidity"];

/// One thing, `after` milliseconds behind the one before, in a batch with it or in the next.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    after: i64,
    same_batch: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Value(Value),
    /// Values of one moment, `age` before the present, each of another quantity.
    Moment {
        device: usize,
        age: i64,
        numbers: [f64; 3],
        timed: bool,
    },
    /// The same readings again, regularly: `n` of them, 10 s apart, with this lag, more or less.
    Lagging {
        device: usize,
        n: i64,
        lag: i64,
        value: f64,
    },
    /// The reading before the last `back` ones again, with this value added.
    Again {
        back: usize,
        more: f64,
    },
    Alive {
        device: usize,
    },
    Event(Report),
    Tick,
    Deaf {
        back: i64,
        source: Option<&'static str>,
    },
    Listening {
        source: &'static str,
    },
    ClockStep {
        by: i64,
    },
    Rules {
        which: usize,
    },
    Catalogue {
        which: usize,
    },
    /// What an operator does; the end of a silence is counted from the present.
    Order {
        who: &'static str,
        seen: u32,
        back: usize,
        act: Act,
    },
}

#[derive(Clone, Debug)]
struct Value {
    device: usize,
    quantity: usize,
    /// Before the receive time.
    age: i64,
    /// How long before the batch it was received.
    waited: i64,
    number: f64,
    timed: bool,
    quality: Quality,
}

#[derive(Clone, Debug)]
struct Report {
    device: usize,
    code: &'static str,
    identity: &'static str,
    /// Before the receive time.
    age: i64,
    /// How long before the batch it was received.
    waited: i64,
    /// From the present on.
    expires: Option<i64>,
    cancelled: bool,
    words: Option<&'static str>,
}

fn report() -> impl Strategy<Value = Report> {
    let code = select(vec!["x.1", "x.2", "x.1", "y", "z"]);
    let identity = select(vec!["1", "1", "2"]);
    let age = prop_oneof![8 => Just(0_i64), 4 => 0..60_000_i64, 1 => -60_000..120_000_i64, 1 => Just(ZERO)];
    let waited = prop_oneof![8 => Just(0_i64), 1 => -1000..30_000_i64];
    let expires = prop_oneof![3 => Just(None), 2 => (-20_000..120_000_i64).prop_map(Some), 1 => Just(Some(-ZERO))];
    let cancelled = prop_oneof![4 => Just(false), 1 => Just(true)];
    let device = prop_oneof![4 => Just(0_usize), 1 => 1..3_usize];
    let words = select(vec![None, None, Some("from 20:00"), Some("from 18:00")]);
    (device, code, identity, age, waited, expires, cancelled, words).prop_map(
        |(device, code, identity, age, waited, expires, cancelled, words)| Report {
            device,
            code,
            identity,
            age,
            waited,
            expires,
            cancelled,
            words,
        },
    )
}

impl Report {
    fn event(&self, now: i64) -> Event {
        let received = now - self.waited;
        Event {
            device: DeviceId::new(DEVICES[self.device]).expect("id"),
            code: Text::from(self.code),
            identity: Text::from(self.identity),
            at: Timestamp(ZERO + received - self.age),
            received: Timestamp(ZERO + received),
            expires: self.expires.map(|after| Timestamp(ZERO + now + after)),
            cancelled: self.cancelled,
            position: None,
            text: Text::default(),
            ahead: self.words.map(|words| Box::new(Found::new("起", words))),
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let halves = (0..90_i32).prop_map(|n| f64::from(n) / 2.0);
    let number = prop_oneof![12 => halves, 1 => Just(-3.0), 1 => select(vec![f64::NAN, f64::INFINITY, -0.0])];
    let age = prop_oneof![
        12 => Just(0_i64),
        6 => 0..120_000_i64,
        2 => -31_000..31_000_i64,
        1 => -60_000..700_000_000_i64,
        1 => Just(ZERO),
    ];
    let waited = prop_oneof![8 => Just(0_i64), 1 => -1000..1000_i64, 1 => 0..70_000_i64];
    let quality = prop_oneof![
        20 => Just(Quality::Good),
        1 => select(vec![Quality::Clock, Quality::Range, Quality::Suspect]),
    ];
    let device = prop_oneof![4 => Just(0_usize), 1 => 1..3_usize];
    let quantity = prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    let timed = prop_oneof![9 => Just(true), 1 => Just(false)];
    (device, quantity, age, waited, number, timed, quality).prop_map(
        |(device, quantity, age, waited, number, timed, quality)| Value {
            device,
            quantity,
            age,
            waited,
            number,
            timed,
            quality,
        },
    )
}

fn moment() -> impl Strategy<Value = What> {
    let number = || (0..90_i32).prop_map(|n| f64::from(n) / 2.0);
    let device = prop_oneof![4 => Just(0_usize), 1 => 1..3_usize];
    let age = prop_oneof![4 => Just(0_i64), 1 => 0..60_000_i64];
    let timed = prop_oneof![9 => Just(true), 1 => Just(false)];
    (device, age, [number(), number(), number()], timed).prop_map(|(device, age, numbers, timed)| What::Moment {
        device,
        age,
        numbers,
        timed,
    })
}

fn what() -> impl Strategy<Value = What> {
    let sources = || select(vec!["s", "t"]);
    let deaf = (prop_oneof![1 => Just(0_i64), 2 => 0..90_000_i64], prop_oneof![sources().prop_map(Some), Just(None)]);
    let lag = prop_oneof![200_000..400_000_i64, Just(s(3600)), Just(s(700_000))];
    let number = || (0..60_i32).prop_map(f64::from);
    prop_oneof![
        40 => value().prop_map(What::Value),
        10 => moment(),
        1 => (0..3_usize, 1..14_i64, lag, number()).prop_map(|(device, n, lag, value)| What::Lagging { device, n, lag, value }),
        3 => (0..3_usize, select(vec![0.0, 0.0, 1.0])).prop_map(|(back, more)| What::Again { back, more }),
        3 => (0..3_usize).prop_map(|device| What::Alive { device }),
        6 => report().prop_map(What::Event),
        3 => Just(What::Tick),
        3 => deaf.prop_map(|(back, source)| What::Deaf { back, source }),
        4 => sources().prop_map(|source| What::Listening { source }),
        1 => (-100_000..100_000_i64).prop_map(|by| What::ClockStep { by }),
        2 => (0..3_usize).prop_map(|which| What::Rules { which }),
        2 => (0..2_usize).prop_map(|which| What::Catalogue { which }),
        6 => (select(vec!["li", "li", "wang"]), 0..7_u32, 0..3_usize, act())
            .prop_map(|(who, seen, back, act)| What::Order { who, seen, back, act }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let note = || prop_oneof![4 => Just(Text::from("why")), 1 => select(vec!["", " "]).prop_map(Text::from)];
    let ahead = prop_oneof![
        3 => 1..100_000_i64,
        3 => (1..60_i64).prop_map(s),
        1 => select(vec![0, -1, 7 * 86_400_000, 7 * 86_400_000 + 1]),
    ];
    let stage = select(vec![Stage::Responding, Stage::FedBack]);
    let to = prop_oneof![4 => select(vec!["crew 3", "crew 4"]), 1 => Just(" ")];
    prop_oneof![
        2 => note().prop_map(|note| Act::Acknowledge { note }),
        1 => (to, note()).prop_map(|(to, note)| Act::Assign { to: Text::from(to), note }),
        1 => note().prop_map(|note| Act::Comment { note }),
        3 => (ahead, note()).prop_map(|(ahead, note)| Act::Silence { until: Timestamp(ahead), note }),
        1 => Just(Act::Unsilence),
        4 => (note(), any::<bool>()).prop_map(|(note, forced)| Act::Close { note, forced }),
        1 => (stage, note()).prop_map(|(stage, note)| Act::Feedback { stage, note }),
        3 => (select(vec!["pumps", " "]), 0..18_usize).prop_map(|(task, to)| missed(task, to)),
    ]
}

pub(crate) fn happening() -> impl Strategy<Value = Happening> {
    let after = prop_oneof![
        3 => Just(0_i64),
        6 => 0..15_000_i64,
        4 => (0..13_i64).prop_map(s),
        1 => 0..200_000_i64,
    ];
    let same_batch = prop_oneof![4 => Just(false), 1 => Just(true)];
    (after, same_batch, what()).prop_map(|(after, same_batch, what)| Happening { after, same_batch, what })
}

/// The same where weeks pass, so that hours of the week come again.
pub(crate) fn weekly() -> impl Strategy<Value = Happening> {
    let (minute, hour, day) = (s(60), s(3600), s(86_400));
    let after = prop_oneof![
        2 => Just(0_i64),
        6 => 0..10 * minute,
        1 => (0..5_i64).prop_map(move |n| n * 15 * minute),
        1 => Just(hour),
        1 => Just(day),
        4 => 7 * day - 20 * minute..7 * day + 10 * minute,
    ];
    (after, happening()).prop_map(|(after, one)| Happening { after, ..one })
}

/// Plays a stream on the machine and the model. They are compared at every batch.
pub(crate) fn play(packs: &[Pack], devices: &[Devices], stream: &[Happening], restarts: bool) {
    let mut w = World::with(PartitionId(3), &packs[0].text(), &devices[0].text());
    let rules: Vec<Version> = packs.iter().map(|p| w.know(&p.text())).collect();
    let catalogues: Vec<Version> = devices.iter().map(|d| w.know_catalogue(&d.text())).collect();
    let mut player = Player { rules, catalogues, said: Vec::new() };
    let (mut now, mut batch) = (0, Vec::new());
    for (i, one) in stream.iter().enumerate() {
        now += one.after;
        if let What::Lagging { device, n, lag, value } = one.what {
            for k in 0..n {
                let at = now - lag + (k % 3) * 700;
                let r = reading(DEVICES[device], QUANTITIES[0], at, now, value);
                w.at(now).batch(vec![Input::Reading(r)]);
                now += s(10);
            }
            continue;
        }
        let episodes: Vec<EpisodeId> = w.facts.iter().filter_map(|f| f.body.judged()).map(|t| t.episode).collect();
        batch.extend(player.input(&one.what, now, &episodes));
        if stream.get(i + 1).is_some_and(|next| next.same_batch) {
            continue;
        }
        if restarts {
            w.restart();
        }
        not_both(now, &mut batch);
        w.at(now).batch(std::mem::take(&mut batch));
    }
    // Whatever still runs ends, or not.
    for _ in 0..40 {
        now += s(10);
        w.at(now).tick();
    }
}

/// Plays a long stream of one device: how long after the one before, and the value in halves. One in thirty is a gap.
pub(crate) fn play_long(pack: &Pack, steps: &[(i64, u8)], restarts: bool) {
    let catalogue = "id,kind,name,place,domain,interval\na,k,,110105003,traffic,1s\n";
    let mut w = World::with(PartitionId(3), &pack.text(), catalogue);
    let mut now = 0;
    for (i, (after, value)) in steps.iter().enumerate() {
        now += if after % 60 == 7 { after * 20 } else { after / 3 };
        if restarts && i % 50 == 49 {
            w.restart();
        }
        let r = reading(DEVICES[0], QUANTITIES[1], now, now, f64::from(*value) / 2.0);
        w.at(now).batch(vec![Input::Reading(r)]);
    }
}

/// Not compared: an activation, and behind it in the same batch the news of a deafness that began before. The specification
/// does not say up to when an activation lets deadlines happen there.
fn not_both(now: i64, batch: &mut [Input]) {
    one_beginning(batch);
    one_step(batch);
    let activates = |i: &Input| matches!(i, Input::Rules { .. } | Input::Catalogue { .. });
    let Some(first) = batch.iter().position(activates) else { return };
    for input in &mut batch[first..] {
        if let Input::Deaf { from, .. } = input {
            *from = Timestamp(ZERO + now);
        }
    }
}

/// Not compared: two beginnings of one deafness in one batch. The first one counts for what is lost, the earliest for what is
/// still due, and what is due between them is in neither.
fn one_beginning(batch: &mut [Input]) {
    let mut first = None;
    for input in batch {
        if let Input::Deaf { from, .. } = input {
            *from = *first.get_or_insert(*from);
        }
    }
}

/// Not compared: two steps of the clock in one batch. Together they can be longer than the time since the last batch.
// open: is it each of them that counts up to that time, or all together?
fn one_step(batch: &mut [Input]) {
    let steps = batch.iter_mut().filter_map(|i| if let Input::ClockStep { by } = i { Some(by) } else { None });
    steps.skip(1).for_each(|by| *by = Millis(0));
}

struct Player {
    rules: Vec<Version>,
    catalogues: Vec<Version>,
    said: Vec<Reading>,
}

impl Player {
    fn input(&mut self, what: &What, now: i64, episodes: &[EpisodeId]) -> Vec<Input> {
        if let What::Moment { device, age, numbers, timed } = what {
            let one = |(quantity, number): (&&str, &f64)| {
                let plain = reading(DEVICES[*device], quantity, now - age, now, *number);
                Input::Reading(Reading { timed: *timed, ..plain })
            };
            return QUANTITIES.iter().zip(numbers).map(one).collect();
        }
        self.one(what, now, episodes).into_iter().collect()
    }

    fn one(&mut self, what: &What, now: i64, episodes: &[EpisodeId]) -> Option<Input> {
        Some(match what {
            What::Value(v) => {
                let received = now - v.waited;
                let plain = reading(DEVICES[v.device], QUANTITIES[v.quantity], received - v.age, received, v.number);
                let reading = Reading { timed: v.timed, quality: v.quality, ..plain };
                self.said.push(reading.clone());
                Input::Reading(reading)
            }
            What::Again { back, more } => {
                let said = self.said.get(self.said.len().checked_sub(back + 1)?)?;
                Input::Reading(Reading { received: Timestamp(ZERO + now), value: said.value + more, ..said.clone() })
            }
            What::Alive { device } => Input::Liveness(Liveness {
                device: DeviceId::new(DEVICES[*device]).expect("id"),
                received: Timestamp(ZERO + now),
                alive: true,
            }),
            What::Event(report) => Input::Event(report.event(now)),
            What::Deaf { back, source: of } => {
                Input::Deaf { source: of.map(source), from: Timestamp(ZERO + now - back) }
            }
            What::Listening { source: of } => Input::Listening { source: source(of) },
            What::ClockStep { by } => Input::ClockStep { by: Millis(*by) },
            What::Rules { which } => Input::Rules { version: self.rules[which % self.rules.len()], by: None },
            What::Catalogue { which } => Input::Catalogue { version: self.catalogues[which % self.catalogues.len()] },
            What::Order { who, seen, back, act } => Input::Command(Command {
                actor: Actor::new(who).expect("actor"),
                episode: *episodes.get(episodes.len().checked_sub(back + 1)?)?,
                seen: *seen,
                act: match act.clone() {
                    Act::Silence { until, note } => Act::Silence { until: Timestamp(ZERO + now + until.0), note },
                    act => act,
                },
            }),
            What::Moment { .. } | What::Tick | What::Lagging { .. } => return None,
        })
    }
}
