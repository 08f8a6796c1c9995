//! XML as far as CAP needs it: elements of the CAP namespaces with their text, in a small tree.
//!
//! No document type, no entities but the five of XML and characters by number: nothing expands. What is of other
//! namespaces (signatures, extensions) is passed over.
//!
//! Limits: [`DEPTH_MAX`] levels, [`ELEMENTS_MAX`] elements; the text is part of the body, which is bounded.

use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};

const NAMESPACES: [&str; 2] = ["urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1"];
/// CAP has four.
const DEPTH_MAX: usize = 8;
/// A national warning has a few hundred.
const ELEMENTS_MAX: usize = 10_000;

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its own text, without space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Its children of a name, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of its first child of a name, where that has some.
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next().map(Self::text).filter(|t| !t.is_empty())
    }
}

/// Reads a document whole.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = NsReader::from_str(text);
    // Open elements; the lowest holds the document.
    let mut open = vec![Element::default()];
    let (mut count, mut foreign) = (0, 0_usize);
    loop {
        let (of, event) = reader.read_resolved_event().map_err(|e| format!("is not well-formed XML: {e}"))?;
        let ours = matches!(of, ResolveResult::Bound(Namespace(name)) if NAMESPACES.contains(&name));
        match event {
            Event::Start(start) => {
                count += 1;
                if foreign > 0 || !ours {
                    foreign += 1;
                } else {
                    let name = start.local_name().into_inner().to_owned();
                    open.push(Element { name, ..Element::default() });
                }
                if open.len() + foreign > DEPTH_MAX + 1 || count > ELEMENTS_MAX {
                    return Err(format!("has more than {DEPTH_MAX} levels or {ELEMENTS_MAX} elements"));
                }
            }
            Event::Empty(start) => {
                count += 1;
                if count > ELEMENTS_MAX {
                    return Err(format!("has more than {ELEMENTS_MAX} elements"));
                }
                if let Some(parent) = open.last_mut().filter(|_| foreign == 0 && ours) {
                    let name = start.local_name().into_inner().to_owned();
                    parent.children.push(Element { name, ..Element::default() });
                }
            }
            Event::End(_) if foreign > 0 => foreign -= 1,
            Event::End(_) => {
                let done = open.pop().unwrap_or_default();
                let Some(parent) = open.last_mut() else { return Err("ends what was not begun".to_owned()) };
                parent.children.push(done);
            }
            Event::Text(part) if foreign == 0 => say(&mut open, &part.xml10_content()),
            Event::CData(part) if foreign == 0 => say(&mut open, &part.xml10_content()),
            Event::GeneralRef(name) if foreign == 0 => {
                let by_number = name.resolve_char_ref().map_err(|e| format!("has a bad character: {e}"))?;
                match (by_number, resolve_predefined_entity(&name)) {
                    (Some(c), _) => say(&mut open, c.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => say(&mut open, text),
                    (None, None) => return Err("names an entity; only those of XML itself are taken".to_owned()),
                }
            }
            Event::DocType(_) => return Err("has a document type, which is not taken".to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    let mut document = open.pop().filter(|_| open.is_empty() && foreign == 0).ok_or("is cut off")?;
    match (document.children.pop(), document.children.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Err("is not one element of CAP 1.2 or 1.1".to_owned()),
    }
}

fn say(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
