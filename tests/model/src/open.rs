//! Where specification and engine do not say the same, or the specification says nothing: each with what the engine does,
//! what the model does, and the smallest case. A constant that is `true` makes the model follow the engine there, so that
//! everything else can still be compared; set it to `false` when the engine follows the specification.

/// §12: an edit judges "by the held value if it is fresh", and fresh is by §7 a matter of the rule. The engine goes by the
/// series: whether the value's lag when it came, or its age since, was `stale_after` of the shortest rule that was on the
/// series before the edit (without any, of the device), while timers go by the new rule at once. Interval 60 s, no rule, a value at 0; at 50 s a rule with `stale_after = "45s"` is added: the engine tells `threshold` and `data_stale`, both
/// at 50 s. The other way round levels are not judged, and then fire: interval 10 s, orange 30 with `for = "12s"`, 30 at 0,
/// deaf from 24 s, listening at 30 s (the value waits), a rule with orange 35, `for = "5s"`, `stale_after = "45s"`: the engine
/// tells orange, value 30, limit 35.
pub(crate) const EDITS_GO_BY_SERIES: bool = true;

/// §12: "running timers count by the new lengths at once". What is over by an edit of the rule is told at the series' clock;
/// what is over because only the device changed (an interval that makes one sample enough) at the time at which it would
/// have been over: interval 5 s, `for = "7s"`, a value at 0, at 7.001 s the interval becomes 10 s: told for 7 s.
pub(crate) const CATALOGUE_TELLS_THE_PAST: bool = true;

/// §7: a held value counts again after deafness "with now < taken + `stale_after`", although a value is stale from the start
/// where it came with such a lag. The engine lets what was stale from the start count as fresh after any deafness. Interval
/// 60 s, `value_at(0)` received at 60 s, a new rule, deaf and listening at 60 s: the engine tells `threshold`, not stale.
pub(crate) const LISTENING_FORGETS_LAG: bool = false;

/// §6: a level whose `for` completed on the held value can be contradicted. In the engine not where it completed by an edit
/// of `for`: a value at 0, at 8 s `for` becomes 5 s (told for 8 s), then a reading of 7 s that is back: `lowered`.
pub(crate) const EDITS_ARE_NOT_CONTRADICTED: bool = true;

/// §7: timers "end later by the time lost"; §6: a next episode is pending "since the earliest of their beginnings". The engine
/// moves the beginnings when a reading settles a deafness, so that the next episode is pending since a moved one: red at once,
/// blue `for = "60s"`, interval 1 h, 45 at 0, deaf from 1 s to 3 s, 12 at 10 s: blue is pending since 2 s and not since 0.
pub(crate) const LOST_TIME_MOVES_BEGINNINGS: bool = true;

/// §7: a value is stale for a rule whatever the rule's cell is. The engine knows it only of cells that are pending or firing:
/// the episode that follows a resolution on stale data (§6, "after a resolution") opens as fresh and no `data_fresh` follows,
/// and so does what an edit raises on such data.
pub(crate) const INACTIVE_CELLS_FORGET_STALE: bool = false;

/// §14: historic is "where decided − event time is more than", and the event time is never before the last of the episode.
/// The engine asks before it moves the event time. Interval 60 s, 30 at 0, at 165 s an edit that lowers it (`rule_changed`)
/// and makes `stale_after` 45 s: `data_stale` at 165 s, decided at 165 s, and historic.
pub(crate) const HISTORIC_BEFORE_IT_IS_MOVED: bool = true;

/// §12: where no value is fresh and heard an open episode stays "with the nearest level the new ladder has at or below its
/// own". The engine takes the highest level that is still on, where one is: red 21 and yellow 20 on, deaf, an edit to yellow
/// 20 and orange 21: yellow, and not orange.
pub(crate) const UNHEARD_EDITS_KEEP_WHAT_IS_ON: bool = false;

/// §12: "a pending episode that an edit ends is forgotten". Where no value is fresh and heard the engine keeps its
/// pending-since although no level is raised any more: red `for = "3s"`, 20 at -30 s received at 0 (stale), an edit to another
/// ladder that has no red, then a reading of -1 s that fires at once: `started_at` -30 s, and not -1 s.
pub(crate) const UNHEARD_EDITS_KEEP_PENDING: bool = false;

/// §7: a held value counts again after deafness, or waits, by `stale_after` of the *shortest* rule on the series. The engine
/// goes by each rule's own (which seems better). Interval 60 s, one rule with `stale_after = "5s"`, another with
/// `for = "50s"`: 20 at 0, deaf from 0 to 5 s: the other fires at 55 s.
pub(crate) const EVERY_RULE_WAITS_FOR_ITSELF: bool = true;

/// §12: `rule_changed` "if the limit of the level in force moved". The engine compares the numbers that are shown, and of a
/// band another end is another number: red outside [18, 22], 0 at 0 (shown 18), 40 at 1 s, an edit of another level: it tells
/// `rule_changed` with 22.
pub(crate) const OTHER_ENDS_ARE_OTHER_LIMITS: bool = true;

/// Operators (`semantics.md`): a command is refused "if another operator's fact came since" the version that was seen. The
/// engine asks only about the latest operator: li acknowledges version 1 (version 2), wang version 2 (version 3), and wang
/// version 1 again: accepted.
pub(crate) const ONLY_THE_LATEST_OPERATOR_COUNTS: bool = false;

/// §9: absence fires at "last sign + all deaf time since + …". Where a deafness reaches back into an earlier one the engine counts
/// that time twice, up to the time since the last sign. Interval 60 s, a sign at 0, source s deaf from 9 s to 57 s, then from 50 s
/// to 82 s: 80 s are lost, and not 73 s.
pub(crate) const OVERLAPS_COUNT_TWICE: bool = false;

/// §5: no window is back unless it is full and covered: "missing data are no recovery". §7: after stale data or a gap a level that
/// is on and not raised begins its `keep_firing_for` with the next reading "if it does not reach the limit". In the engine it
/// does so in a window that may not be back, and ends: `min` below 19 over 20 s, `keep_firing_for = "12s"`, back at 20 s, then a
/// gap to 50 s: 12 s later it is over, although half of the window is missing.
pub(crate) const MISSING_DATA_RESTART_RECOVERIES: bool = false;
