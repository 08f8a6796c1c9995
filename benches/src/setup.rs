//! Maibo as it is measured: the release binary, a catalogue of the load's devices, ten rules on what they measure.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, http};
use maibo_e2e::until;
use maibo_sim::Load;

/// Devices of a load.
pub(crate) const DEVICES: u32 = 10_000;

/// Maibo behind a broker on `port`, listening. `probes` more devices have a rule of their own without any timer.
pub(crate) fn maibo(port: u16, probes: u32) -> Maibo {
    let mut setup =
        Setup { catalogue: Load { devices: DEVICES, ..Load::default() }.catalogue_csv(), ..Setup::default() };
    for n in 0..probes {
        let _ = writeln!(setup.catalogue, "probe-{n},probe,probe,110105001,116.4,39.9,traffic,,60s,,,");
    }
    for n in 0..10 {
        rule(&mut setup.rules, &format!("hot-{n}"), "quantity = \"temperature\", kind = \"load\"", 45 + n, "30s");
    }
    rule(&mut setup.rules, "probe", "quantity = \"water_depth\", kind = \"probe\"", 20, "0s");
    setup.external(port, "auto");
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    until("maibo listens", Duration::from_secs(10), || {
        (maibo.get("/api/v1/status")["sources"][0]["state"] == "listening").then_some(())
    });
    maibo
}

fn rule(pack: &mut String, id: &str, when: &str, limit: i32, wait: &str) {
    let _ = write!(
        pack,
        "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"测\", en = \"Bench\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ {when} }}\nlevels = {{ yellow = {limit}, red = {} }}\n\
         direction = \"above\"\ndeadband = 0\nfor = \"{wait}\"\nkeep_firing_for = \"{wait}\"\n",
        limit + 15
    );
}

/// A counter of `/metrics`, all its labels added up.
pub(crate) fn metric(maibo: &Maibo, name: &str) -> u64 {
    let text = http(maibo.http, "GET", "/metrics", &[], "").map(|(_, body)| body).unwrap_or_default();
    let of = |line: &str| line.strip_prefix(name).and_then(|l| l.rsplit(' ').next()?.parse::<f64>().ok());
    text.lines().filter_map(of).sum::<f64>() as u64
}
