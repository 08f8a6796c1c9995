//! What lies in the past is told once, as it stands when no more of it comes.

use maibo_core::notify::BACKLOG_SETTLES;

use super::withheld::*;
use super::*;

const SECOND: Millis = Millis(1000);

fn past(t: Transition) -> Transition {
    Transition { historic: true, ..t }
}

fn nothing() -> Vec<String> {
    Vec::new()
}

// A device drains the backlog of an hour in a second: it began, rose and ended in the past. One message says so.
#[test]
fn an_episode_of_the_past_is_told_once() {
    for mut bench in both() {
        bench.say(NOW, past(transition(10, 1)));
        let settled = bench.say(NOW, past(raised(10, 2, Level::Red)));
        assert_eq!((settled[0].version, &*settled[0].outcome), (1, "historic"));
        bench.reopen();
        bench.say(NOW + SECOND, past(over(10, 3)));
        assert_eq!(bench.states(), named(&[(1, "historic"), (2, "historic"), (3, "historic")]));
        assert_eq!(bench.sent(NOW + SECOND + BACKLOG_SETTLES - Millis(1)), nothing(), "each version puts it off");
        assert_eq!(bench.outbox.next_lift().unwrap(), Some(NOW + SECOND + BACKLOG_SETTLES));
        bench.reopen();
        assert_eq!(bench.sent(NOW + SECOND + BACKLOG_SETTLES), ["3"]);
        assert_eq!(bench.states(), named(&[(1, "historic"), (2, "historic"), (3, "delivered")]));
        assert_eq!(bench.outbox.next_lift().unwrap(), None);
    }
}

// What still fires at the end of the backlog is told then, and from there on at once.
#[test]
fn what_goes_on_is_live_from_there() {
    for mut bench in both() {
        bench.say(NOW, past(transition(10, 1)));
        bench.say(NOW, past(transition(10, 2)));
        assert_eq!(bench.sent(NOW + BACKLOG_SETTLES), ["2"]);
        bench.say(NOW + MINUTE, past(over(10, 3)));
        assert_eq!(bench.sent(NOW + MINUTE), ["3"], "who has heard of it hears the rest, however old");
        // The present ends the wait.
        bench.say(NOW, past(transition(11, 1)));
        bench.say(NOW + SECOND, transition(11, 2));
        assert_eq!(bench.sent(NOW + SECOND), ["2"]);
        assert_eq!(bench.sent(NOW + MINUTE), nothing());
        let last: Vec<_> = bench.states().split_off(3);
        assert_eq!(last, named(&[(1, "historic"), (2, "delivered")]));
    }
}

// With other reasons: what is a consequence, muted or silenced is not told because it lies in the past.
#[test]
fn other_reasons_go_before() {
    for mut bench in both() {
        bench.say(NOW, past(transition(1, 1)));
        bench.say(NOW, past(over(1, 2)));
        bench.put(NOW + SECOND, vec![inhibited(1, None)]);
        assert_eq!(bench.sent(NOW + SECOND), nothing());
        assert_eq!(bench.sent(NOW + BACKLOG_SETTLES), ["2"], "decided to be none, and over: told once");
        bench.say(NOW, past(transition(2, 1)));
        bench.say(NOW, past(over(2, 2)));
        bench.put(NOW, vec![inhibited(2, Some(50))]);
        bench.say(NOW, past(transition(20, 1)));
        bench.say(NOW, past(over(20, 2)));
        assert_eq!(bench.sent(NOW + MINUTE), nothing());
        let last: Vec<_> = bench.states().split_off(2);
        assert_eq!(last, named(&[(1, "inhibited"), (2, "inhibited"), (1, "muted"), (2, "muted")]));
        let rows: i64 = bench.outbox.connection.query_row("SELECT count(*) FROM hold", [], |r| r.get(0)).unwrap();
        assert_eq!(rows, 0, "nothing is left");
    }
}
