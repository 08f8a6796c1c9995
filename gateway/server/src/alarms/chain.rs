//! Which CAP messages belong together: an `Update` is about what the first message of its chain was about, so that a
//! warning that is raised from yellow to red is one event, also across a restart.
//!
//! A file of lines, `key root depth received`, each synced before what it stands for goes to the log: a link that is known
//! and came to nothing does no harm, one that is forgotten makes an event of its own. Identities are hashes, so that the
//! file has nothing of others' texts.
//!
//! Limits: [`MAX`] messages; beyond it the ones that came first are forgotten.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use maibo_core::time::{Millis, Timestamp};

use super::cap::{Does, Message};
use super::{AlarmSource, Kind, identity};

/// Messages remembered.
const MAX: usize = 20_000;
/// Its name in the data directory.
const NAME: &str = "alarms.chain";
/// The first line.
const MAGIC: &str = "maibo-alarm-chain 1";
/// Most bytes that are read: twice what is remembered.
const FILE_MAX: u64 = 2 * 110 * MAX as u64 + 100;

/// The file of chains cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The operating system failed.
    #[error("use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is of a newer Maibo, or none of ours.
    #[error("{path} is not a file of this Maibo: start the one that wrote it, or put it aside")]
    Foreign {
        /// Which.
        path: PathBuf,
    },
}

impl ChainError {
    /// `sysexits`.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Io { .. }) { 74 } else { 65 }
    }
}

/// A message's place in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The first message of the chain: the event's identity.
    pub root: String,
    /// How many messages lie before it.
    pub depth: u32,
}

impl Link {
    /// What it is later than its second says, so that messages of one second keep their order.
    pub fn place(&self) -> Millis {
        Millis(i64::from(self.depth.min(999)))
    }
}

/// All chains.
pub struct Chains(Mutex<Option<Inner>>);

struct Inner {
    path: PathBuf,
    file: File,
    lines: usize,
    known: BTreeMap<String, (Link, i64)>,
}

impl Chains {
    /// Reads the file in a data directory, or makes one. Where nobody sends alarms none is made.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn open(data: &Path, sources: &[AlarmSource]) -> Result<Self, ChainError> {
        if sources.iter().any(|source| source.kind == Kind::Cap) {
            Self::read(data).map(Some).map(Self::of)
        } else {
            Ok(Self::of(None))
        }
    }

    fn of(inner: Option<Inner>) -> Self {
        Self(Mutex::new(inner))
    }

    fn read(data: &Path) -> Result<Inner, ChainError> {
        let path = data.join(NAME);
        let mut text = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(FILE_MAX).read_to_end(&mut text).map_err(io(&path))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => text.extend(format!("{MAGIC}\n").bytes()),
            Err(e) => return Err(io(&path)(e)),
        }
        let text = String::from_utf8_lossy(&text);
        let Some(lines) = text.strip_prefix(MAGIC).and_then(|t| t.strip_prefix('\n')) else {
            return Err(ChainError::Foreign { path });
        };
        // What was not written whole is not known; its sender had no answer and sends it again.
        let known = lines.lines().filter_map(read).collect();
        let file = rewrite(&path, &known).map_err(io(&path))?;
        let lines = known.len();
        let mut inner = Inner { path, file, lines, known };
        inner.bound();
        Ok(inner)
    }

    /// Where a message belongs: of one that reports its own place first, then those of other chains that it takes in; of one
    /// that ends, all that it ends. Durable when it is answered. May block.
    ///
    /// # Errors
    /// [`ChainError`]; then nothing is remembered.
    pub fn links(&self, source: &str, message: &Message, received: Timestamp) -> Result<Vec<Link>, ChainError> {
        let key = |sender: &str, identifier: &str| identity([source, sender, identifier]);
        let own = key(&message.sender, &message.identifier);
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only configured senders of CAP come this far, and with them there is a file.
        let Some(inner) = inner.as_mut() else { return Ok(Vec::new()) };
        let mut links: Vec<Link> = Vec::new();
        for (sender, identifier) in &message.references {
            let of = key(sender, identifier);
            // Some services write a short name of theirs there, and no sender that a message has.
            let known = inner.known.get(&of).or_else(|| inner.known.get(&key(&message.sender, identifier)));
            let link = match known {
                Some((link, _)) => Link { root: link.root.clone(), depth: link.depth.saturating_add(1) },
                None if message.does == Does::Ends => Link { root: of, depth: 1 },
                None => continue,
            };
            match links.iter_mut().find(|l| l.root == link.root) {
                Some(same) => same.depth = same.depth.max(link.depth),
                None => links.push(link),
            }
        }
        if message.does == Does::Ends {
            return Ok(links);
        }
        if let Some((known, _)) = inner.known.get(&own) {
            let known = known.clone();
            links.retain(|l| l.root != known.root);
            links.insert(0, known);
            return Ok(links);
        }
        if links.is_empty() {
            links.push(Link { root: own.clone(), depth: 0 });
        }
        let first = links.first().cloned().unwrap_or(Link { root: own.clone(), depth: 0 });
        inner.remember(own, first, received.0)?;
        Ok(links)
    }
}

impl Inner {
    fn remember(&mut self, key: String, link: Link, received: i64) -> Result<(), ChainError> {
        let written = self.file.write_all(line(&key, &link, received).as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(io(&self.path))?;
        self.known.insert(key, (link, received));
        self.lines += 1;
        self.bound();
        if self.lines > 2 * MAX {
            self.file = rewrite(&self.path, &self.known).map_err(io(&self.path))?;
            self.lines = self.known.len();
        }
        Ok(())
    }

    fn bound(&mut self) {
        while self.known.len() > MAX {
            let oldest = self.known.iter().min_by_key(|(_, (_, received))| *received).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.known.remove(&oldest);
        }
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> ChainError + use<> {
    let path = path.to_owned();
    move |source| ChainError::Io { path: path.clone(), source }
}

fn line(key: &str, link: &Link, received: i64) -> String {
    format!("{key} {} {} {received}\n", link.root, link.depth)
}

fn read(line: &str) -> Option<(String, (Link, i64))> {
    let mut parts = line.split(' ');
    let (key, root, depth, received) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hash = |t: &str| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit());
    let link = Link { root: root.to_owned(), depth: depth.parse().ok()? };
    (hash(key) && hash(root)).then_some((key.to_owned(), (link, received.parse().ok()?)))
}

/// Writes the file anew, whole or not at all, and opens it to be gone on with.
fn rewrite(path: &Path, known: &BTreeMap<String, (Link, i64)>) -> std::io::Result<File> {
    let place = path.with_extension("new");
    let mut text = format!("{MAGIC}\n");
    for (key, (link, received)) in known {
        text.push_str(&line(key, link, *received));
    }
    let mut file = File::create(&place)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&place, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    OpenOptions::new().append(true).open(path)
}
