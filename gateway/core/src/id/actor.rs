//! Who may stand behind a command, and what they are called.

use super::{Actor, IdError, checked, word};

/// Longest name of a person at a receiver, in characters.
pub const PERSON_MAX: usize = 30;

impl Actor {
    /// An operator's account name, `[A-Za-z0-9._@-]{1,64}`. It has no slash, so that no operator passes for a receiver.
    ///
    /// # Errors
    /// Says which rule `name` breaks.
    pub fn account(name: &str) -> Result<Self, IdError> {
        checked(name, (1, 64), |c| word(c) || c == '@', "A-Z a-z 0-9 . _ @ -").map(Self)
    }

    /// A person at a receiver, `receiver/person`. The person's name has letters and digits of any script, and
    /// ` . · _ @ -`; 1 to [`PERSON_MAX`] characters, spaces around it aside.
    ///
    /// # Errors
    /// Says which rule `person` breaks.
    pub fn at(receiver: &str, person: &str) -> Result<Self, IdError> {
        let person = person.trim();
        if person.chars().count() > PERSON_MAX {
            return Err(IdError::TooLong { max: PERSON_MAX });
        }
        let fine = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '·' | '_' | '@' | '-');
        // A character has at most four bytes.
        checked(person, (1, 4 * PERSON_MAX), fine, "letters, digits, spaces and . · _ @ -")?;
        Self::new(&format!("{receiver}/{person}"))
    }

    /// A person at a receiver whose words an operator put down, `receiver/person/operator`. None of the three has a slash.
    ///
    /// # Errors
    /// Says which rule `person` breaks; also where all three together are too long.
    pub fn entered(receiver: &str, person: &str, operator: &Self) -> Result<Self, IdError> {
        Self::new(&format!("{}/{operator}", Self::at(receiver, person)?))
    }

    /// A response plan, `plan:name`. No operator and nobody at a receiver has a colon in the name.
    ///
    /// # Errors
    /// Where it is too long or has what cannot be printed.
    pub fn of_plan(name: &str) -> Result<Self, IdError> {
        Self::new(&format!("plan:{name}"))
    }

    /// The receiver at which it is somebody, and who; `None` for operators and plans.
    pub fn at_receiver(&self) -> Option<(&str, &str)> {
        let (receiver, rest) = self.0.split_once('/')?;
        Some((receiver, rest.split_once('/').map_or(rest, |(person, _)| person)))
    }

    /// The operator who put down what somebody at a receiver said.
    pub fn entered_by(&self) -> Option<&str> {
        Some(self.0.split_once('/')?.1.split_once('/')?.1)
    }

    /// What people call it, in Chinese and in English: who put something down stands behind who said it.
    pub fn spoken(&self) -> (String, String) {
        match (self.at_receiver(), self.entered_by()) {
            (Some((receiver, person)), Some(operator)) => (
                format!("{receiver}/{person}（{operator} 代填）"),
                format!("{receiver}/{person} (entered by {operator})"),
            ),
            _ => (self.0.to_string(), self.0.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // P: what an operator put down is the receiver's answer, and says by whose hand; nobody's own name can say so.
    #[test]
    fn entered_by_an_operator() {
        let operator = Actor::account("li.wei").unwrap();
        let actor = Actor::entered("water", " 王主任 ", &operator).unwrap();
        assert_eq!(actor.as_str(), "water/王主任/li.wei");
        assert_eq!((actor.at_receiver(), actor.entered_by()), (Some(("water", "王主任")), Some("li.wei")));
        let spoken = ("water/王主任（li.wei 代填）", "water/王主任 (entered by li.wei)");
        assert_eq!(actor.spoken(), (spoken.0.to_owned(), spoken.1.to_owned()));
        for other in [Actor::at("water", "王主任").unwrap(), operator.clone(), Actor::of_plan("p").unwrap()] {
            assert_eq!(other.entered_by(), None, "{other}");
            assert_eq!(other.spoken().1, other.as_str());
        }
        assert!(Actor::at("water", "王主任/li.wei").is_err());
        assert!(Actor::entered("water", "", &operator).is_err());
        let (longest, person) = (Actor::account(&"o".repeat(64)).unwrap(), "名".repeat(PERSON_MAX));
        assert!(Actor::entered(&"r".repeat(34), &person, &longest).is_ok());
        assert!(Actor::entered(&"r".repeat(64), &person, &longest).is_err(), "all three together");
    }
}
