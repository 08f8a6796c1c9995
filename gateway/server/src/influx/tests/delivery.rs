//! What each answer of the server does to the readings: none is lost, none blocks the others.

use std::time::Duration;

use maibo_store::nasty::{Nastiness, NastyLog};

use super::city::{Running, limits, readings, start, target};
use super::server::{Act, Server};
use crate::influx::{Limits, REJECTED, SinkState};

const SECOND: Duration = Duration::from_secs(1);

fn log(lines: usize) -> NastyLog {
    let mut log = NastyLog::new(7, Nastiness { full: 0, unknown: 0, silent: 30 });
    readings(&mut log, 0, lines);
    log
}

struct Case {
    server: Server,
    running: Running,
    dir: tempfile::TempDir,
    log: NastyLog,
}

/// A sink with so many readings to send to a server with this script.
async fn case(lines: usize, script: &[Act], always: Act, limits: Limits) -> Case {
    let server = Server::start(script, always).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let log = log(lines);
    let running = start(&log, dir.path(), &target, limits);
    Case { server, running, dir, log }
}

fn rejected(case: &Case) -> Vec<String> {
    let text = std::fs::read_to_string(case.dir.path().join(REJECTED)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

// P12: what goes over the wire is what an InfluxDB 2 server expects, and the token is in its header and nowhere else.
#[tokio::test]
async fn the_request_is_the_documented_one() {
    let case = case(3, &[], Act::Store, limits()).await;
    case.running.done(3).await;
    let seen = case.server.seen();
    let first = &seen[0];
    assert_eq!(first.head, "POST /api/v2/write?bucket=readings%26more&org=my+city&precision=ns HTTP/1.1");
    for header in ["authorization: token s3cr3t", "content-encoding: gzip"] {
        assert!(first.headers.iter().any(|h| h == header), "{header}: {:?}", first.headers);
    }
    let lines = case.server.lines();
    assert_eq!(lines[1], "water_depth,device=d1,quality=good value=1.0 1760000000001000000");
    let status = format!("{:?} {}", case.running.status.view(), case.running.status.target);
    assert!(!status.contains("s3cr3t"), "{status}");
}

// Row 56, 57, 59: whatever happens on the way, everything arrives, and each point is there once.
#[tokio::test]
async fn trouble_on_the_way_loses_nothing() {
    let retry_after = "Retry-After: 1\r\n";
    let script = [
        Act::Say(503, "starting", retry_after),
        Act::Reset,
        Act::Say(429, "slow down", retry_after),
        Act::Hang,
        Act::StoreAndHang,
        Act::Say(500, "", ""),
        Act::Reset,
    ];
    let case = case(2_000, &script, Act::Store, limits()).await;
    let view = case.running.done(2_000).await;
    assert_eq!((case.server.stored(), view.written, view.rejected), (2_000, 2_000, 0));
    assert!(case.server.writes() > 2_000, "some were sent again after they were stored");
    assert_eq!((view.state, view.error), (SinkState::Running, None));
    assert_eq!(rejected(&case), [""; 0]);
    let text = prometheus::TextEncoder::new().encode_to_string(&case.running.registry.gather()).expect("text");
    for line in [
        "maibo_sink_written_total{sink=\"influx\"} 2000",
        "maibo_sink_requests_total{outcome=\"again\",sink=\"influx\"} 7",
        "maibo_sink_state{sink=\"influx\",state=\"running\"} 1",
        "maibo_sink_age_seconds{sink=\"influx\"} 0",
        "maibo_sink_gaps_total{sink=\"influx\"} 0",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

// A server that is away is `down`, with the reason in words; the state ends when it is back.
#[tokio::test]
async fn a_dead_server_is_down_until_it_is_back() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    drop(listener);
    let dir = tempfile::tempdir().expect("a directory");
    let log = log(10);
    let running = start(&log, dir.path(), &target(&format!("http://{address}"), dir.path(), SECOND), limits());
    let view = running.until("it is down", |v| v.state == SinkState::Down).await;
    let words = view.error.clone().expect("words");
    assert!(words.starts_with("cannot connect: ") && !words.contains("s3cr3t"), "{words}");
    assert!(view.waiting.is_some() && view.until.is_none() && view.is_troubled());
    running.stop().await;
    let server = Server::start(&[Act::Hang], Act::Store).await;
    let running =
        start(&log, dir.path(), &target(&format!("http://{}", server.address), dir.path(), SECOND / 4), limits());
    let view = running.until("it hangs", |v| v.state == SinkState::Down).await;
    assert_eq!(view.error.as_deref(), Some("no answer within 250ms"));
    running.done(10).await;
    assert_eq!(server.stored(), 10);
}

// Row 57: a server that refuses us is not hammered, nothing is dropped, and what is wrong is said in words.
#[tokio::test]
async fn a_refusal_keeps_everything() {
    for (status, word) in [(401, "token"), (403, "bucket"), (404, "no such bucket"), (200, "not how an InfluxDB 2")] {
        let slow = Limits { refused: Duration::from_mins(10), ..limits() };
        let case = case(50, &[], Act::Say(status, "{\"code\":\"x\"}\nforged", ""), slow).await;
        let view = case.running.until("it is refused", |v| v.state == SinkState::Refused).await;
        let words = view.error.expect("words");
        assert!(words.contains(word) && words.contains("{\"code\":\"x\"} forged"), "{words}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(case.server.seen().len(), 1, "{status}: it is not asked again at once");
        assert_eq!(rejected(&case), [""; 0]);
        case.server.always(Act::Store);
        case.running.stop().await;
        // At the next start it is.
        let target = target(&format!("http://{}", case.server.address), case.dir.path(), SECOND);
        let running = start(&case.log, case.dir.path(), &target, slow);
        running.done(50).await;
        assert_eq!(case.server.stored(), 50);
    }
    // And without a start, after a while.
    let case = case(50, &[Act::Say(401, "", ""), Act::Say(401, "", "")], Act::Store, limits()).await;
    case.running.done(50).await;
    assert_eq!(case.server.stored(), 50);
}

// Row 58: of 5,000 lines one is bad: 4,999 are stored, the one is in the file with the reason, in at most 2 × log2 more
// requests. Whether the server keeps the good lines of a refused request makes no difference.
#[tokio::test]
async fn one_bad_line_costs_itself_only() {
    for keeps in [false, true] {
        for bad in ["device=d0,", "device=d2500,", "device=d4999,"] {
            let case = case(5_000, &[], Act::Without(bad, keeps), limits()).await;
            let view = case.running.done(5_000).await;
            assert_eq!((case.server.stored(), view.rejected), (4_999, 1), "{bad}");
            let requests = case.server.seen().len();
            assert!(requests <= 1 + 24 + 1, "{bad}: {requests} requests");
            let file = rejected(&case);
            assert!(file.len() == 2 && file[1].contains(bad), "{file:?}");
            assert!(file[0].starts_with("# 2") && file[0].contains("400: {\"code\":\"invalid\""), "{file:?}");
        }
    }
}

// A server that refuses every line is misconfigured, or we are: the log keeps what is not in the file yet.
#[tokio::test]
async fn a_server_that_refuses_every_line_gets_no_more() {
    let slow = Limits { refused: Duration::from_mins(10), ..limits() };
    let case = case(5_000, &[], Act::Without("device", false), slow).await;
    let view = case.running.until("it is refused", |v| v.state == SinkState::Refused).await;
    assert!(view.error.expect("words").contains("refuses every line"));
    assert_eq!((view.until, view.rejected), (None, 0), "nothing is settled, nothing put aside");
    case.running.stop().await;
    // The cause is gone; one line is really bad.
    case.server.always(Act::Without("device=d77,", false));
    let target = target(&format!("http://{}", case.server.address), case.dir.path(), SECOND);
    let running = start(&case.log, case.dir.path(), &target, limits());
    let view = running.done(5_000).await;
    assert_eq!((case.server.stored(), view.rejected), (4_999, 1));
}

// The same without a start in between: it finds out by itself that it is the lines and not the server.
#[tokio::test]
async fn many_bad_lines_in_a_row_are_got_over() {
    let case = case(2_000, &[], Act::Without("device=d1", false), limits()).await;
    let view = case.running.done(2_000).await;
    // d1, d10 … d19, d100 … d199, d1000 … d1999: the last thousand in a row.
    assert_eq!((case.server.stored(), view.rejected), (889, 1_111));
    let lines = rejected(&case).iter().filter(|l| l.starts_with("water_depth")).count();
    assert_eq!(lines, 1_111);
}

// 413 makes requests smaller until they fit; a line that never fits goes the way of bad ones.
#[tokio::test]
async fn too_large_is_made_smaller() {
    let case = case(5_000, &[], Act::AtMost(300), limits()).await;
    case.running.done(5_000).await;
    assert_eq!(case.server.stored(), 5_000);
    let refused = case.server.seen().iter().filter(|s| s.lines > 300).count();
    assert!(refused <= 10, "it remembers: {refused}");
    let case = self::case(20, &[], Act::Say(413, "", ""), limits()).await;
    let view = case.running.done(20).await;
    assert_eq!((view.rejected, view.written), (20, 0));
    assert!(rejected(&case)[0].contains("413"));
}

// Requests keep the configured limits, and a batch waits for more only so long.
#[tokio::test]
async fn requests_keep_their_limits() {
    let small = Limits { lines: 100, bytes: 2_000, ..limits() };
    let case = case(1_000, &[], Act::Store, small).await;
    case.running.done(1_000).await;
    assert_eq!(case.server.stored(), 1_000);
    let most = case.server.seen().iter().map(|s| s.lines).max().expect("some");
    assert!((10..=30).contains(&most), "2,000 bytes are about 27 lines: {most}");
}
