//! The facts, one by one: their numbers and their causes.

use maibo_core::fact::Fact;
use maibo_core::id::Position;
use maibo_store::facts::unpack;
use maibo_store::file_log::survey::{Found, Survey};

use super::inputs::Causes;

/// What has been seen.
pub(super) struct Facts<'a> {
    causes: &'a Causes,
    inputs: &'a Survey,
    /// Number of the next fact.
    pub(super) next: u64,
    pub(super) problems: Vec<String>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(causes: &'a Causes, inputs: &'a Survey) -> Self {
        Self { causes, inputs, next: 0, problems: Vec::new() }
    }

    pub(super) fn take(&mut self, found: &Found<'_>) {
        let mut problem = |what: String| {
            let position = found.record.position.0;
            self.problems.push(format!("facts/{} offset {}: position {position}: {what}", found.file, found.offset));
        };
        let facts = match unpack(&found.record) {
            Ok(facts) => facts,
            Err(error) => return problem(crate::Chain(&error).to_string()),
        };
        for fact in facts {
            match fact.index {
                index if index > self.next => {
                    problem(format!("facts {} to {} are missing", self.next, index - 1));
                }
                index if index < self.next => {
                    problem(format!("fact {index} stands where {} should be", self.next));
                }
                _ => {}
            }
            self.next = fact.index + 1;
            if let Some(what) = cause(self.causes, self.inputs, &fact) {
                problem(what);
            }
        }
    }
}

/// What is wrong with a fact's cause. One that was trimmed cannot be asked for any more, and one in a damaged place
/// is told there.
fn cause(causes: &Causes, inputs: &Survey, fact: &Fact) -> Option<String> {
    let cause = fact.cause;
    if cause.position == Position(0) {
        return None;
    }
    let words = format!("fact {} is caused by input {}", fact.index, cause.position.0);
    if cause.position.0 >= inputs.next.max(1) {
        return Some(format!("{words}, and the inputs log ends before {}", inputs.next.max(1)));
    }
    let found = causes.partition(cause.position).filter(|p| *p != cause.partition)?;
    Some(format!("{words} of partition {}, which is in partition {}", cause.partition.0, found.0))
}
