//! Logins of brokers and mail servers.

use std::fmt;
use std::path::Path;

use super::{ReceiverSettings, file};

/// Longest name and password, in bytes.
const LENGTH: usize = 256;

/// A password, never shown.
#[derive(Clone)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    /// For the login itself.
    pub(in crate::deliver) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The login of an entry, where it has one; problems go to `p`.
pub(super) fn parse(entry: &ReceiverSettings, base: &Path, p: &mut Vec<String>) -> Option<(String, Password)> {
    let (user, name) = match (&entry.user, &entry.password_file) {
        (None, None) => return None,
        (Some(user), Some(name)) => (user, name),
        (Some(_), None) => {
            p.push("password_file: is needed with `user`".to_owned());
            return None;
        }
        (None, Some(_)) => {
            p.push("user: is needed with `password_file`".to_owned());
            return None;
        }
    };
    if user.is_empty() || user.len() > LENGTH || user.chars().any(char::is_control) {
        p.push(format!("user: 1 to {LENGTH} bytes, none of them a control character"));
    }
    let path = base.join(name);
    let read = file(&path, LENGTH as u64 + 2).and_then(|text| {
        let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
        if line.is_empty() || line.contains(char::is_control) {
            return Err("must hold one line, the password".to_owned());
        }
        Ok(Password(line.to_owned()))
    });
    let password = read.map_err(|why| p.push(format!("password_file: {}: {why}", path.display()))).ok()?;
    Some((user.clone(), password))
}
