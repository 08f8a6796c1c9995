//! Silence, absence, resolution.

use maibo_core::alert::sentence;
use maibo_core::engine::{SOURCE_RULE, Unknown, Verdict};
use maibo_core::id::PartitionId;
use maibo_core::place::Level;
use maibo_core::rule::Words;

use crate::changes;
use crate::engine_world::{World, ZERO, absent, catalogue, depth, ladder, s};
use crate::wire::Wire;

/// Silences and depths.
fn both(more: &str) -> String {
    depth(more) + &absent()
}

// Pain 13, grafana/grafana#105571: a link that breaks resolves nothing: neither the deep water behind it nor the device
// that was silent before. Over a real broker: tests/e2e/tests/deaf.rs, `broker_killed_without_its_sessions`.
#[test]
fn a_broken_link_resolves_nothing() {
    let mut w =
        World::with(PartitionId(0), &both("keep_firing_for = \"20s\""), &catalogue(&[("d", "10s"), ("e", "10s")]));
    w.device = "e".to_owned();
    w.at(0).alive().run(s(40));
    w.device = "d".to_owned();
    w.value(45.0).run(s(45));
    w.expect(&["30000 v1 firing yellow absent", "40000 v1 firing red threshold"]);
    let before = changes(&w);
    w.deaf(s(45)).run(s(7200)).listening().run(s(7229));
    assert_eq!(changes(&w), before);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: true });
    w.run(s(7500));
    assert!(w.transitions().iter().all(|t| t.state.as_str() == "firing"), "still broken, both");
    assert_eq!(w.machine.open_alerts().count(), 3, "and by now the first is silent too");
}

// Pain 14, grafana/grafana#57115: every change has a reason of its own and says it in words; an end by recovery, by a
// return, by an edit and by hand read differently. All reasons: the unit tests of core's alert/sentence.
#[test]
fn every_change_says_why_in_plain_words() {
    let title = Words { zh: "积水".to_owned(), en: "Water".to_owned() };
    let mut w = World::new(&both(""));
    w.at(0).value(45.0).run(s(30)).value(35.0).run(s(40)).value(0.0);
    w.run(s(50)).value(25.0).edit(&absent());
    w.run(s(100)).value(0.0).edit(&both("")).run(s(110)).value(45.0).close(true).expect("closed");
    let said: Vec<_> = w.transitions().iter().map(|t| (t.reason.as_str(), sentence(t, &title).en)).collect();
    let want = [
        ("threshold", "Water depth 45 cm reached the red limit 40 cm"),
        ("data_stale", "No fresh data, the alert stays open on the last known: Water depth 45 cm"),
        ("absent", "Device d has not reported for 30 s"),
        ("data_fresh", "Data flow again: Water depth 35 cm"),
        ("lowered", "Water depth 35 cm: lowered to orange, limit 30 cm"),
        ("returned", "Device d reports again after 30 s"),
        ("recovered", "Water depth 0 cm: back to normal after 40 s"),
        ("threshold", "Water depth 25 cm reached the yellow limit 20 cm"),
        ("rule_removed", "The rule \"Water\" is gone, and the alert with it"),
        ("absent", "Device d has not reported for 30 s"),
        ("returned", "Device d reports again after 50 s"),
        ("threshold", "Water depth 45 cm reached the red limit 40 cm"),
        ("closed", "li closed the alert by force: checked on site"),
    ];
    assert_eq!(said.iter().map(|(r, t)| (*r, &**t)).collect::<Vec<_>>(), want);
    assert!(w.transitions().iter().all(|t| !sentence(t, &title).zh.is_ascii()));
}

// Pain 15, grafana/grafana#89265: the source of all data is down for 30 s, and for an hour: one alert, about the source,
// and none about the 64 devices behind it. Over a real broker: `broker_frozen` in tests/e2e/tests/deaf.rs.
#[test]
fn a_dead_source_is_one_alert() {
    let devices: Vec<String> = (0..64).map(|n| format!("d{n}")).collect();
    let listed: Vec<(&str, &str)> = devices.iter().map(|d| (d.as_str(), "10s")).collect();
    for outage in [30, 3600] {
        let mut w = World::with(PartitionId(0), &both(""), &catalogue(&listed));
        let mut city = World::with(PartitionId::CITY, &both(""), &catalogue(&listed));
        let round = |w: &mut World, at: i64| {
            for device in &devices {
                w.device.clone_from(device);
                w.run(at).value(0.0);
            }
        };
        round(&mut w, 0);
        city.at(0).listening();
        for w in [&mut w, &mut city] {
            w.run(s(5)).deaf(s(5)).run(s(5 + outage));
            assert_eq!(w.listening().now(), s(5 + outage));
        }
        round(&mut w, s(10 + outage));
        w.expect(&[]);
        let end = format!("{} resolved orange source_listening", s(5 + outage));
        assert_eq!(changes(&city), ["10000 firing orange source_deaf", &end]);
        assert_eq!(city.last().rule.as_str(), SOURCE_RULE);
    }
}

// Pain 16, influxdata/kapacitor#939, #1339: each device is waited for by its own interval; after an outage there is a
// grace, and who is still silent then is not accused in the same second as all others.
#[test]
fn no_false_alarm_of_a_dead_man() {
    let mut w = World::with(PartitionId(0), &absent(), &catalogue(&[("d", "10s"), ("e", "10m")]));
    w.device = "e".to_owned();
    w.at(0).alive();
    w.device = "d".to_owned();
    for n in 0..170 {
        // Up to 9 s late, and every third is lost.
        if n % 3 != 1 {
            w.run(s(10 * n + n * 7 % 10)).alive();
        }
    }
    w.expect(&[]);
    w.at(s(1702)).deaf(s(1702)).run(s(5000)).listening().run(s(5059)).alive().expect(&[]);

    let devices: Vec<String> = (0..200).map(|n| format!("d{n}")).collect();
    let listed: Vec<(&str, &str)> = devices.iter().map(|d| (d.as_str(), "1m")).collect();
    let mut w = World::with(PartitionId(0), &absent(), &catalogue(&listed));
    for device in &devices {
        w.device.clone_from(device);
        w.at(0).alive();
    }
    w.run(s(170)).deaf(s(170)).run(s(600)).listening().run(s(659)).expect(&[]);
    w.run(s(720));
    let mut at: Vec<i64> = w.transitions().iter().map(|t| (t.at.0 - ZERO) / 1000).collect();
    assert_eq!(at.len(), 200, "all are silent");
    at.dedup();
    assert!(at.len() > 40, "spread over a minute: {} different seconds", at.len());
}

// Pain 17, chirpstack/chirpstack#390, brocaar/chirpstack-application-server#642: a LoRaWAN device that goes silent is an
// alert without any other tool, by the interval of its entry; any uplink, also one without a value, ends it.
#[test]
fn a_lorawan_device_that_goes_silent_is_an_alert() {
    const EUI: &str = "0101010101010101";
    let up = format!("application/a/device/{EUI}/event/up");
    let mut w = World::with(PartitionId(0), &absent(), &catalogue(&[(EUI, "20m")]));
    let mut wire = Wire::new();
    wire.send(w.at(0), &up, r#"{"deduplicationId":"1","object":{"water_depth":3}}"#);
    w.run(s(3599)).expect(&[]);
    w.run(s(3600)).expect(&["3600000 v1 firing yellow absent"]);
    wire.send(w.at(s(4000)), &up, r#"{"deduplicationId":"2","rxInfo":[{"rssi":-90}]}"#);
    w.expect(&["4000000 v2 resolved yellow returned"]);
}

// Pain 18, thingsboard/thingsboard#12125, #11922: a device without power is noticed by its own interval, not after
// minutes; its last will is no sign of life, and neither is a stored one. Not answered: the will itself brings the
// alert no nearer.
#[test]
fn power_loss_is_noticed_within_three_intervals_and_a_will_is_no_life() {
    let mut w = World::every("2s", &absent());
    let mut wire = Wire::new();
    let status = "maibo/v1/d/status";
    wire.send(w.at(0), status, "online");
    wire.send(w.at(s(3)), status, "offline");
    assert!(!wire.last.liveness[0].alive);
    wire.send_retained(w.at(s(4)), status, "online");
    w.run(5999).expect(&[]);
    w.run(s(6)).expect(&["6000 v1 firing yellow absent"]);
    wire.send(w.at(s(7)), status, "offline");
    w.expect(&[]);
    wire.send(w.at(s(8)), status, "online");
    w.expect(&["8000 v2 resolved yellow returned"]);
}

// Pain 19, thingsboard/thingsboard#10979: an event that is not seen again for ten minutes ends by itself, ten minutes
// after it was last seen; so does a level that is not reached again.
#[test]
fn an_event_ends_when_it_was_not_seen_for_ten_minutes() {
    let events = "when = { kind = \"k\" }\nevent = { codes = { \"smoke\" = \"red\" }, expires_after = \"10m\" }";
    let mut w = World::new(&ladder("road", events));
    let mut wire = Wire::new();
    for at in [0, 200, 700] {
        let seen = format!("{{\"t\":{},\"code\":\"smoke\",\"id\":1}}", ZERO + s(at));
        wire.send(w.at(s(at)), "maibo/v1/d/event", seen);
    }
    w.run(s(1300) - 1);
    assert_eq!(changes(&w), ["0 firing red event"]);
    w.run(s(1300));
    assert_eq!(changes(&w)[1..], ["1300000 resolved red event_expired"]);
    let mut w = World::every("1m", &depth("keep_firing_for = \"10m\""));
    let again = |n: i64| if n == 0 || n == 9 { 12.0 } else { 0.0 };
    w.values(s(60), &(0..20).map(again).collect::<Vec<_>>());
    w.run(s(1200) - 1).expect(&["0 v1 firing blue threshold"]);
    w.run(s(1200)).expect(&["1200000 v2 resolved blue recovered"]);
}

// Pain 20, elastic/kibana#146219: a device that is off at night has not recovered; in the morning its first value goes on
// with the same alert.
#[test]
fn a_device_that_is_off_at_night_has_not_recovered() {
    let mut w = World::new(&both("keep_firing_for = \"20s\""));
    w.at(0).value(45.0).run(s(36_000));
    let evening = ["0 firing red threshold", "30000 firing red data_stale stale", "30000 firing yellow absent"];
    assert_eq!(changes(&w), evening);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: true });
    w.value(45.0).run(s(36_010)).value(0.0).run(s(36_030));
    let morning =
        ["36000000 firing red data_fresh", "36000000 resolved yellow returned", "36030000 resolved red recovered"];
    assert_eq!(changes(&w)[3..], morning);
    assert_eq!(w.last().episode, w.transitions()[0].episode);
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).run(s(36_000));
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale }, "nor is one that was well still well");
}
