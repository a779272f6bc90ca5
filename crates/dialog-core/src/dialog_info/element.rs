//! A document as a small tree, bounded in size and depth; no document type, and so no entity but the five of XML.

use quick_xml::{
    NsReader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

use super::read::DialogInfoError;

/// Largest document in bytes: what fits into the largest datagram. A list of [`DIALOGS`](super::read::DIALOGS) rich entries
/// does not need more.
pub(super) const SIZE: usize = 65_535;

/// Deepest nesting: the package has five levels (dialog-info, dialog, remote, target, param), foreign content may add some.
pub(super) const DEPTH: usize = 16;

/// The namespace (RFC 4235 §4.4). Elements without any are taken as well, because some peers leave it out.
pub(super) const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: Box<str>,
    attributes: Vec<(Box<str>, Box<str>)>,
    text: String,
    children: Vec<Element>,
    /// Of another namespace, or below such.
    foreign: bool,
}

impl Element {
    /// Reads a document; gives its outermost element.
    pub(super) fn read(text: &str) -> Result<Element, DialogInfoError> {
        if text.len() > SIZE {
            return Err(DialogInfoError::Large);
        }
        let mut reader = NsReader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        loop {
            let (namespace, event) = reader.read_resolved_event()?;
            let foreign = match namespace {
                ResolveResult::Bound(Namespace(name)) => name != NAMESPACE,
                ResolveResult::Unbound => false,
                ResolveResult::Unknown(_) => true,
            };
            match event {
                Event::Start(start) => {
                    if open.len() >= DEPTH {
                        return Err(DialogInfoError::Deep);
                    }
                    open.push(Element::open(&start, foreign)?);
                }
                Event::Empty(start) => {
                    if open.len() >= DEPTH {
                        return Err(DialogInfoError::Deep);
                    }
                    let element = Element::open(&start, foreign)?;
                    close(element, &mut open, &mut root)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(DialogInfoError::Malformed)?;
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => push(&mut open, &text.xml10_content())?,
                Event::CData(text) => push(&mut open, &text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    if let Some(character) = reference.resolve_char_ref()? {
                        push(&mut open, character.encode_utf8(&mut [0; 4]))?;
                    } else {
                        let name = reference.xml10_content();
                        push(&mut open, resolve_predefined_entity(&name).ok_or(DialogInfoError::Entity)?)?;
                    }
                }
                Event::DocType(_) => return Err(DialogInfoError::Entity),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() => return root.ok_or(DialogInfoError::Malformed),
                Event::Eof => return Err(DialogInfoError::Malformed),
            }
        }
    }

    fn open(start: &BytesStart<'_>, foreign: bool) -> Result<Element, DialogInfoError> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| DialogInfoError::Malformed)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            check(&value)?;
            attributes.push((attribute.key.as_ref().into(), value.into()));
        }
        let name = start.local_name().as_ref().into();
        Ok(Element { name, attributes, text: String::new(), children: Vec::new(), foreign })
    }

    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        &*self.name == name
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| &**own == name).map(|(_, value)| &**value)
    }

    /// Its text without the space around.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The first child with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(name))
    }

    /// The children with this name, in order.
    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(name))
    }
}

/// An element is complete: it goes to the one around it, unless it is foreign.
fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), DialogInfoError> {
    match open.last_mut() {
        _ if element.foreign => {}
        Some(around) => around.children.push(element),
        None if root.is_some() => return Err(DialogInfoError::Malformed),
        None => *root = Some(element),
    }
    Ok(())
}

/// Refuses characters that no document may hold, written out or by number (XML 1.0 §2.2).
fn check(text: &str) -> Result<(), DialogInfoError> {
    let is_refused = |character| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().any(is_refused) { Err(DialogInfoError::Malformed) } else { Ok(()) }
}

fn push(open: &mut [Element], text: &str) -> Result<(), DialogInfoError> {
    check(text)?;
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        // Between declaration, outermost element and end there is space at most.
        None if text.trim().is_empty() => {}
        None => return Err(DialogInfoError::Malformed),
    }
    Ok(())
}
