//! Lengths of time as people write them: `500ms`, `30s`, `2m`, `1h`, `7d`.

use crate::limit;
use crate::time::Millis;

/// Reads a length of time.
///
/// # Errors
/// Says in words what is wrong with `text`.
pub fn parse(text: &str) -> Result<Millis, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let millis = number.parse::<i64>().ok().zip(scale).and_then(|(n, s)| n.checked_mul(s)).map(Millis);
    match millis {
        None => Err(format!("`{text}` is not a length of time such as 500ms, 30s, 2m, 1h or 7d")),
        Some(m) if m > limit::MAX_DURATION => {
            Err(format!("`{text}` is longer than {} days", limit::MAX_DURATION.0 / 86_400_000))
        }
        Some(m) => Ok(m),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Packs: each unit is read, and nothing is guessed.
    #[test]
    fn units() {
        let good =
            [("0s", 0), ("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("7d", 604_800_000)];
        for (text, want) in good {
            assert_eq!(parse(text), Ok(Millis(want)), "{text}");
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "1 s", "1w", "99999999999999999999s", "32d", "9223372036854775807d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
