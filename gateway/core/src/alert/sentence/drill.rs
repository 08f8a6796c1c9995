//! What happened to a drill. Each sentence says that it is one, by itself and by its title.

use super::{length, level, words};
use crate::fact::{Reason, Transition};
use crate::rule::Words;

/// `title` is that of the drill.
pub(super) fn sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = level(t.level);
    match t.reason {
        Reason::Raised => {
            words(format!("{}，演练升为{zh}", title.zh), format!("{}: the exercise is raised to {en}", title.en))
        }
        Reason::Lowered => {
            words(format!("{}，演练降为{zh}", title.zh), format!("{}: the exercise is lowered to {en}", title.en))
        }
        Reason::EventExpired => {
            let lasted = length(t.resolved_at.unwrap_or(t.at).since(t.started_at));
            words(
                format!("{}，演练结束，历时{}", title.zh, lasted.zh),
                format!("{}: the exercise is over after {}", title.en, lasted.en),
            )
        }
        _ => words(
            format!("{}，{zh}演练，并无实际险情", title.zh),
            format!("{}: {en} exercise, nothing has happened", title.en),
        ),
    }
}
