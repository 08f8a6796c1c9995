//! The outlines of the districts: as they are written, for the page, and as CAP has them, for receivers.

use super::Check;
use crate::deliver::Outlines;

impl Check {
    /// The text of the file, and what is in it.
    pub(super) fn districts(&mut self, name: Option<&str>) -> (Option<String>, Outlines) {
        let text = name.and_then(|name| self.text("districts", name));
        let outlines = text.as_deref().map(Outlines::parse).transpose().unwrap_or_else(|problems| {
            for problem in problems {
                self.problem("districts", format!("{}: {problem}", name.unwrap_or_default()));
            }
            None
        });
        (text, outlines.unwrap_or_default())
    }
}
