//! Root causes and what follows from them.

use maibo_core::fact::{Body, Fact};
use maibo_core::id::EpisodeId;
use maibo_core::place::Level::{Blue, Orange, Red, Yellow};
use maibo_core::rule::RuleSet;

use crate::engine_world::block::{Block, flood, flood_with};
use crate::engine_world::{absent, depth, ladder, s};

const A: &str = "110105003-a";
const B: &str = "110105003-b";
const ELSEWHERE: &str = "110106001-e";

fn inhibit(id: &str, parent: &str, child: &str, within: &str, more: &str) -> String {
    format!(
        "\n[[inhibit]]\nid = \"{id}\"\nparent = \"{parent}\"\nchildren = [\"{child}\"]\nwithin = \"{within}\"\n{more}\n"
    )
}

fn absence(id: &str) -> String {
    ladder(id, "when = { kind = \"waterlogging\" }\nabsent = { intervals = 3 }\nlevel = \"yellow\"")
}

fn power(within: &str, more: &str) -> Block {
    Block::new(
        &(absence("power")
            + &absence("silent")
            + &inhibit("p", "power", "depth", within, more)
            + &inhibit("q", "power", "silent", within, more)),
    )
}

/// What is said of consequences, one a line, alerts by the device they are of.
fn said(b: &Block, names: &[(EpisodeId, &str)]) -> Vec<String> {
    let name = |id: &EpisodeId| names.iter().find(|(e, _)| e == id).map_or("?", |(_, n)| *n);
    let at = |f: &Fact| f.at.0 - crate::engine_world::ZERO;
    b.w.facts
        .iter()
        .filter_map(|f| match &f.body {
            Body::Inhibition { episode, by: Some(by) } => Some(format!("{} {} by {}", at(f), name(episode), name(by))),
            Body::Inhibition { episode, by: None } => Some(format!("{} {} clear", at(f), name(episode))),
            Body::Released { parent, episodes } => {
                let of: Vec<&str> = episodes.iter().map(name).collect();
                Some(format!("{} {} releases {}", at(f), name(parent), of.join(" ")))
            }
            _ => None,
        })
        .collect()
}

fn inhibited(b: &Block) -> usize {
    b.w.machine.inhibited().count()
}

// an absence waits 15 s for its cause; one that is found in time stands for it, one elsewhere does not.
#[test]
fn an_absence_waits_for_its_cause() {
    let mut b = power("street", "");
    let (a, far) = (b.at(0).fires_by("silent", A, Yellow), b.fires_by("silent", ELSEWHERE, Yellow));
    b.tell(vec![a.clone(), far.clone()]);
    let cause = b.at(s(14)).fires_by("power", B, Orange);
    b.tell(vec![cause.clone()]);
    let names = [(a.episode, "a"), (far.episode, "far"), (cause.episode, "cause")];
    assert_eq!(said(&b, &names), Vec::<String>::new(), "not decided before it is due");
    b.w.restart();
    b.at(s(60));
    let mut found = said(&b, &names);
    found.sort();
    assert_eq!(found, ["15000 a by cause", "15000 far clear"]);
}

// a threshold does not wait: what its cause says later takes nothing back, and what comes after the cause is inhibited.
#[test]
fn a_threshold_does_not_wait() {
    let mut b = power("street", "");
    let early = b.at(0).fires(A, Yellow);
    b.tell(vec![early.clone()]);
    let cause = b.at(s(1)).fires_by("power", A, Yellow);
    let late = b.fires(B, Yellow);
    b.tell(vec![cause.clone(), late.clone()]).at(s(60));
    let names = [(early.episode, "early"), (late.episode, "late"), (cause.episode, "cause")];
    assert_eq!(said(&b, &names), ["0 early clear", "1000 late by cause"]);
}

// the wait that a pack names holds; the longest of several.
#[test]
fn a_wait_of_its_own() {
    let mut b = power("street", "wait = \"40s\"");
    let a = b.at(0).fires(A, Yellow);
    b.tell(vec![a.clone()]).at(s(120));
    assert_eq!(said(&b, &[(a.episode, "a")]), ["40000 a clear"]);
}

// P5, lost red costs lives: more severe than its cause is never inhibited, and a rise, or a cause that eases, frees.
#[test]
fn more_severe_than_the_cause_is_told() {
    let mut b = power("street", "");
    let cause = b.at(0).fires_by("power", A, Orange);
    let (red, yellow, orange) = (b.fires(A, Red), b.fires(B, Yellow), b.fires("110105003-c", Orange));
    let names =
        [(cause.episode, "cause"), (red.episode, "red"), (yellow.episode, "yellow"), (orange.episode, "orange")];
    b.tell(vec![cause, red, yellow, orange]);
    b.at(s(5)).fire(B, Red);
    let eased = b.at(s(6)).fires_by("power", A, Yellow);
    b.tell(vec![eased]);
    let want =
        ["0 red clear", "0 yellow by cause", "0 orange by cause", "5000 yellow clear", "6000 cause releases orange"];
    assert_eq!(said(&b, &names), want);
}

// when the cause is over its consequences that still fire are released together; those that ended are not.
#[test]
fn the_end_of_the_cause_releases_together() {
    let mut b = power("district", "");
    let cause = b.at(0).fires_by("power", A, Orange);
    let told: Vec<_> = ["110105003-c", "110105004-d", "110105005-e"].map(|d| b.fires(d, Blue)).to_vec();
    let mut names: Vec<_> = told.iter().zip(["c", "d", "e"]).map(|(t, n)| (t.episode, n)).collect();
    names.push((cause.episode, "cause"));
    b.tell(vec![cause]).tell(told).at(s(10)).end("110105004-d");
    b.w.restart();
    let over = b.ends_by("power", A);
    b.at(s(20)).tell(vec![over]);
    let last = said(&b, &names).pop().expect("released");
    assert!(["20000 cause releases c e", "20000 cause releases e c"].contains(&last.as_str()), "{last}");
    assert_eq!((said(&b, &names).len(), inhibited(&b)), (4, 0));
}

// another open cause takes over.
#[test]
fn another_cause_takes_over() {
    let mut b = power("street", "");
    let (first, second) = (b.at(0).fires_by("power", A, Red), b.fires_by("power", B, Yellow));
    let child = b.fires(A, Yellow);
    let names = [(first.episode, "first"), (second.episode, "second"), (child.episode, "child")];
    b.tell(vec![first, second, child]);
    let over = b.ends_by("power", A);
    b.at(s(9)).tell(vec![over]);
    assert_eq!(said(&b, &names), ["0 child by first", "9000 child by second"]);
}

// an alert that ends while it waits is decided with its end.
#[test]
fn what_ends_while_it_waits_is_decided() {
    let mut b = power("device", "wait = \"30s\"");
    let (a, e) = (b.at(0).fires(A, Yellow), b.fires(ELSEWHERE, Yellow));
    let cause = b.fires_by("power", A, Yellow);
    let names = [(a.episode, "a"), (e.episode, "e"), (cause.episode, "cause")];
    b.tell(vec![a, e, cause]).at(s(3)).end(A).end(ELSEWHERE).at(s(60));
    assert_eq!(said(&b, &names), ["3000 a by cause", "3000 e clear"]);
    assert_eq!(inhibited(&b), 0);
}

// of a quorum: the alerts of the devices that come within the wait are consequences of the alert of the place.
#[test]
fn a_quorum_is_a_cause() {
    let rules = flood() + &inhibit("q", "flood", "depth", "district", "wait = \"15s\"");
    let mut b = Block::new(&rules);
    let told: Vec<_> = [A, B, "110105004-c"].map(|d| b.at(0).fires(d, Yellow)).to_vec();
    b.tell(told);
    let cause = b.w.last().episode;
    b.at(s(60));
    let all = said(&b, &[(cause, "flood")]);
    assert_eq!(all, ["15000 ? by flood", "15000 ? by flood", "15000 ? by flood"]);
    b.end(A).end(B).at(s(300));
    assert_eq!(said(&b, &[(cause, "flood")]).last().map(String::as_str), Some("180000 flood releases ?"));
}

// time that Maibo was not there, and a step of the clock, are no waiting.
#[test]
fn only_time_that_passes_counts() {
    let mut b = power("street", "wait = \"30s\"");
    let a = b.at(0).fires(A, Yellow);
    let names = [(a.episode, "a")];
    b.tell(vec![a]);
    b.w.at(s(110)).stopped(s(10));
    b.w.at(s(115)).clock_step(s(3));
    b.at(s(132));
    assert_eq!(said(&b, &names), Vec::<String>::new());
    b.at(s(133));
    assert_eq!(said(&b, &names), ["133000 a clear"]);
}

// rules that do not say so any more release, and decide what waits.
#[test]
fn other_rules_release() {
    let mut b = power("street", "wait = \"30s\"");
    let (cause, a) = (b.at(0).fires_by("power", A, Red), b.fires(A, Yellow));
    let names = [(a.episode, "a"), (cause.episode, "cause")];
    b.tell(vec![cause, a]).at(s(40));
    let late = b.fires(B, Yellow);
    b.tell(vec![late]);
    b.w.edit(&depth(""));
    assert_eq!(said(&b, &names), ["30000 a by cause", "40000 ? clear", "40000 cause releases a"]);
    assert_eq!((inhibited(&b), b.w.machine.next_deadline().map(|d| d.why)), (0, None));
}

// an incident of mere consequences goes into that of the cause.
#[test]
fn consequences_belong_to_the_incident_of_their_cause() {
    let mut b = power("street", "");
    let (cause, a) = (b.at(0).fires_by("power", A, Red), b.fires(A, Yellow));
    b.tell(vec![cause.clone(), a.clone()]);
    assert_eq!(b.grouped()[&a.episode], b.grouped()[&cause.episode]);
    // Not where something else is open in it.
    let mut b = power("street", "");
    let (other, cause, a) = (b.at(0).fires("110105009-x", Yellow), b.fires_by("power", A, Red), b.fires(A, Yellow));
    b.tell(vec![other.clone(), cause.clone(), a.clone()]);
    assert_eq!(b.grouped()[&a.episode], b.grouped()[&other.episode]);
    assert_ne!(b.grouped()[&a.episode], b.grouped()[&cause.episode]);
}

// facts are law: what the log says of consequences is what goes on.
#[test]
fn the_log_stands() {
    let mut b = power("street", "");
    let (cause, a) = (b.at(0).fires_by("power", A, Red), b.fires(A, Yellow));
    b.tell(vec![cause.clone(), a.clone()]);
    let decided: Vec<Fact> = b.w.out.facts.clone();
    let logged: Vec<Fact> = decided.iter().filter(|f| !matches!(f.body, Body::Inhibition { .. })).cloned().collect();
    b.w.impose(&decided, &logged);
    assert_eq!(inhibited(&b), 0, "nobody was told so");
    b.w.impose(&[], &decided);
    assert_eq!(b.w.machine.inhibited().collect::<Vec<_>>(), [(a.episode, cause.episode)]);
    b.w.restart();
    let over = b.ends_by("power", A);
    b.tell(vec![over]);
    assert_eq!(inhibited(&b), 0);
}

// what is wrong with an inhibition is said with its place.
#[test]
fn problems_of_packs() {
    let rules = depth("") + &flood() + &absent();
    let wrong = [
        inhibit("i", "depth", "depth", "street", ""),
        inhibit("k", "flood", "nobody", "street", "wait = \"11m\""),
        inhibit("l", "silent", "flood", "planet", "colour = 1"),
        inhibit("m", "silent", "depth", "device", ""),
        inhibit("n", "depth", "silent", "device", ""),
        inhibit("n", "depth", "silent", "device", ""),
    ];
    let found = RuleSet::compile(&[("p.toml", &(rules + &wrong.concat()))]).expect_err("problems");
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "p.toml: inhibit k.wait: is longer than 600 s",
            "p.toml: inhibit l.within: `planet` is not one of device, street, district, city",
            "p.toml: inhibit l.colour: unknown key",
            "p.toml: inhibit n.id: is used twice, first in p.toml",
            "p.toml: inhibit i.children: `depth` would inhibit itself",
            "p.toml: inhibit k.parent: `flood` is about a whole district, which is in no street",
            "p.toml: inhibit k.children: `nobody` is no rule, or one with problems",
            "p.toml: inhibit m.children: `depth` inhibits `silent` in turn: a circle silences itself",
            "p.toml: inhibit n.children: `silent` inhibits `depth` in turn: a circle silences itself",
        ]
    );
}

const STREET: [&str; 3] = ["110105003-a", "110105003-b", "110105004-c"];

/// Three alerts of one district, which a quorum makes one; `more` is a line of the quorum's rule.
fn flooded(more: &str) -> (Block, Vec<EpisodeId>) {
    let rules = flood() + more + &inhibit("i", "flood", "depth", "city", "wait = \"15s\"");
    let mut b = Block::new(&rules);
    b.at(0);
    let told: Vec<_> = STREET.iter().map(|d| b.fires(d, Yellow)).collect();
    let ids = told.iter().map(|t| t.episode).collect();
    b.tell(told);
    (b, ids)
}

// P3: a batch that comes late decides in the order in which things were due: the cause was open when the wait was over.
#[test]
fn a_late_batch_decides_in_the_order_of_what_is_due() {
    let decided = |late: bool| {
        let (mut b, ids) = flooded("");
        let eased = b.fires(STREET[0], Blue);
        b.tell(vec![eased]);
        if !late {
            b.w.run(s(130));
        }
        b.w.at(s(130)).tick();
        let flood = b.w.transitions()[0].episode;
        let names = [(ids[0], "a"), (ids[1], "b"), (ids[2], "c"), (flood, "flood")];
        let mut said = said(&b, &names);
        said.sort();
        let end = b.w.transitions().last().map(|t| (t.reason, t.at));
        (said, end)
    };
    let (in_time, end) = decided(false);
    assert!(in_time.contains(&"15000 b by flood".to_owned()), "{in_time:?}");
    assert_eq!(decided(true), (in_time, end));
}

// P5, a lost alert: a cause on trial is told to nobody, so nothing is withheld because of it; nor after a restart.
#[test]
fn a_cause_on_trial_withholds_nothing() {
    for restarts in [false, true] {
        let (mut b, ids) = flooded("shadow = true\n");
        if restarts {
            b.w.restart();
        }
        let rules = flood() + "shadow = true\n" + &inhibit("i", "flood", "depth", "city", "wait = \"16s\"");
        // Another set of rules finds causes among what is open.
        b.w.edit(&(depth("") + &rules));
        b.at(s(60));
        let names = [(ids[0], "a"), (ids[1], "b"), (ids[2], "c")];
        let mut found = said(&b, &names);
        found.sort();
        assert_eq!(found, ["15000 a clear", "15000 b clear", "15000 c clear"]);
    }
}

// an edit ends an alert of the city that waits: it is decided with its end, by the cause that is there.
#[test]
fn what_an_edit_ends_while_it_waits_is_decided() {
    let rules = |count: u32| {
        let quorum =
            format!("rule = \"depth\", level = \"yellow\", count = {count}, within = \"10m\", of = \"street\"");
        absence("power") + &flood_with(&quorum) + &inhibit("i", "power", "flood", "city", "wait = \"10s\"")
    };
    let mut b = Block::new(&rules(2));
    let cause = b.at(0).fires_by("power", ELSEWHERE, Red);
    let (one, other) = (b.fires(A, Yellow), b.fires(B, Yellow));
    b.tell(vec![cause.clone(), one, other]);
    b.at(s(5)).w.edit(&(depth("") + &rules(3)));
    let flood = b.w.transitions()[0].episode;
    let names = [(flood, "flood"), (cause.episode, "cause")];
    assert_eq!(said(&b, &names), ["5000 flood by cause"]);
    assert_eq!(inhibited(&b), 0);
}
