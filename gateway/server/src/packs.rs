//! The rule packs that ship with the binary: what `demo` judges by, and a start for a city's own.

/// Name and text of each shipped pack: one a domain, and one more for noise.
pub const SHIPPED: [(&str, &str); 7] = [
    ("ecology.toml", include_str!("../../../rules/ecology.toml")),
    ("ecology-noise.toml", include_str!("../../../rules/ecology-noise.toml")),
    ("emergency.toml", include_str!("../../../rules/emergency.toml")),
    ("health.toml", include_str!("../../../rules/health.toml")),
    ("municipal.toml", include_str!("../../../rules/municipal.toml")),
    ("safety.toml", include_str!("../../../rules/safety.toml")),
    ("traffic.toml", include_str!("../../../rules/traffic.toml")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use maibo_core::place::Domain;
    use maibo_core::rule::RuleSet;

    // The shipped packs compile, cover all six domains with at least two rules each, and every rule names its source.
    #[test]
    fn shipped_packs_are_good() {
        let set = RuleSet::compile(&super::SHIPPED).expect("the shipped packs compile");
        let mut domains: BTreeMap<Domain, usize> = BTreeMap::new();
        for rule in &set.rules {
            *domains.entry(rule.domain).or_default() += 1;
            assert!(!rule.source.is_empty(), "{} names no source", rule.id);
            assert!(!rule.title.zh.is_empty() && !rule.title.en.is_empty(), "{} has no title", rule.id);
        }
        assert!(Domain::ALL.iter().all(|d| domains.get(d).is_some_and(|n| *n >= 2)), "{domains:?}");
    }
}
