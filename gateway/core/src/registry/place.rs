//! Places by code: city ▸ district ▸ street ▸ community, GB/T 2260 and what extends it.
//!
//! The first six digits name city or district, nine the street, twelve the community. The names known here are those of
//! Beijing and its sixteen districts; other codes have no name and are shown as they are.

use crate::id::PlaceCode;

/// A place with its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
}

const fn place(code: &'static str, zh: &'static str, en: &'static str) -> Place {
    Place { code, zh, en }
}

/// The city.
pub const CITY: Place = place("110000", "北京市", "Beijing");

/// The sixteen districts in the order of their codes.
pub const DISTRICTS: [Place; 16] = [
    place("110101", "东城区", "Dongcheng"),
    place("110102", "西城区", "Xicheng"),
    place("110105", "朝阳区", "Chaoyang"),
    place("110106", "丰台区", "Fengtai"),
    place("110107", "石景山区", "Shijingshan"),
    place("110108", "海淀区", "Haidian"),
    place("110109", "门头沟区", "Mentougou"),
    place("110111", "房山区", "Fangshan"),
    place("110112", "通州区", "Tongzhou"),
    place("110113", "顺义区", "Shunyi"),
    place("110114", "昌平区", "Changping"),
    place("110115", "大兴区", "Daxing"),
    place("110116", "怀柔区", "Huairou"),
    place("110117", "平谷区", "Pinggu"),
    place("110118", "密云区", "Miyun"),
    place("110119", "延庆区", "Yanqing"),
];

/// Code of the district a place lies in: its first six digits. `None` where the code is shorter or names a whole city.
pub fn district(place: &PlaceCode) -> Option<&str> {
    place.as_str().get(..6).filter(|d| !d.ends_with("00"))
}

/// What the codes of all places within a place begin with: `11` of 110000, `1101` of 110100, `110105` of 110105 and of
/// 110105000. Ranks that are not named stand as zeros in codes of the full length.
pub fn stem(code: &str) -> &str {
    let mut stem = code;
    for (len, rank, zeros) in [(12, 9, "000"), (9, 6, "000"), (6, 4, "00"), (4, 2, "00")] {
        if stem.len() == len && stem.ends_with(zeros) {
            stem = stem.get(..rank).unwrap_or(stem);
        }
    }
    stem
}

/// The city or district of exactly this code, where its names are known.
pub fn named(code: &str) -> Option<&'static Place> {
    if code == CITY.code {
        return Some(&CITY);
    }
    DISTRICTS.binary_search_by(|d| d.code.cmp(code)).ok().and_then(|i| DISTRICTS.get(i))
}

/// The code one rank up: community ▸ street ▸ district ▸ city.
pub fn parent(place: &PlaceCode) -> Option<PlaceCode> {
    let code = place.as_str();
    let up = match code.len() {
        10..=12 => code.get(..9)?.to_owned(),
        7..=9 => code.get(..6)?.to_owned(),
        6 if !code.ends_with("00") => format!("{}00", code.get(..4)?),
        _ => return None,
    };
    // Beijing's districts stand under 1101; the city itself is 110000.
    let up = if up.len() == 6 && up.ends_with("0100") { format!("{}0000", up.get(..2)?) } else { up };
    PlaceCode::new(&up).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> PlaceCode {
        PlaceCode::new(text).expect("a code")
    }

    // Places: a community leads up to the city, and each rank has the code the standard gives it.
    #[test]
    fn ranks_lead_up_to_the_city() {
        let mut at = code("110105003012");
        let mut seen = Vec::new();
        while let Some(up) = parent(&at) {
            seen.push(up.as_str().to_owned());
            at = up;
        }
        assert_eq!(seen, ["110105003", "110105", "110000"]);
        assert_eq!(district(&code("110105003")), Some("110105"));
        assert_eq!(district(&code("110000")), None);
        assert_eq!(district(&code("11")), None);
        assert_eq!(named("110105").map(|p| p.zh), Some("朝阳区"));
        assert_eq!(named("110103"), None);
    }

    // A place selects all that lies within it, whichever way its code is written.
    #[test]
    fn stems() {
        for (code, stem_of) in [
            ("110000", "11"),
            ("110100", "1101"),
            ("110105", "110105"),
            ("110105003", "110105003"),
            ("110105000", "110105"),
            ("110105000000", "110105"),
            ("110105003000", "110105003"),
            ("110105003012", "110105003012"),
            ("110000000000", "11"),
            ("1100", "11"),
            ("11", "11"),
            ("110110", "110110"),
        ] {
            assert_eq!(stem(code), stem_of, "{code}");
        }
    }

    // The table is searched by halving, so it must stay sorted.
    #[test]
    fn districts_are_sorted() {
        assert!(DISTRICTS.is_sorted_by_key(|d| d.code));
    }
}
