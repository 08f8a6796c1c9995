//! Text from outside, made fit to be shown in one line.

use crate::reading::Text;

/// The first `max` characters of `text` without control characters and without marks that turn the reading direction.
pub(super) fn line(text: &str, max: usize) -> Text {
    let clean = |c: &char| !c.is_control() && !is_invisible(*c);
    if text.len() <= max && text.chars().all(|c| clean(&c)) {
        return Text::from(text);
    }
    Text::from(text.chars().filter(clean).take(max).collect::<String>().as_str())
}

/// Direction marks, zero-width characters, line and paragraph separators, byte order mark.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}
