//! Changes to a message that was received.

use bytes::Bytes;
use proptest::prelude::*;
use sip_message::{BuildError, Edit, HeaderId, Limits, Message, ParseErrorKind, header};

use crate::{message, request_text, request_with, text};

/// Asserts that the message is what parsing its bytes gives.
pub(crate) fn assert_parsed_alike(changed: &Message) {
    let parsed = Message::parse(changed.bytes().clone()).expect("a changed message can be parsed");
    assert_eq!(changed.start_line(), parsed.start_line());
    assert!(changed.headers().eq(parsed.headers()));
    assert!(changed.canonical_headers().eq(parsed.canonical_headers()));
    assert_eq!(changed.body(), parsed.body());
    for &id in HeaderId::all() {
        assert_eq!(changed.first(id), parsed.first(id));
        assert!(changed.all(id).eq(parsed.all(id)), "{id}");
    }
    for row in header::rows() {
        // Errors carry the offset of the fault in the message.
        assert_eq!((row.count)(changed), (row.count)(&parsed));
    }
    assert_eq!(changed.check(), parsed.check());
    assert!(changed.extension("X-Note").eq(parsed.extension("X-Note")));
}

/// An INVITE in which every line is written in its own way.
const INVITE: &str = "\r\nINVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
    v: SIP/2.0/UDP p1;branch=z9hG4bK-p ,\r\n SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n\
    Via:SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK-0\n\
    Route: <sip:r1;lr>, <sip:r2;lr>\r\n\
    ROUTE : <sip:r3;lr>\t\r\n\
    Max-Forwards: 12\r\n\
    From: <sip:alice@192.0.2.7>;tag=a1\r\nt: Bob\r\n\t<sip:bob@192.0.2.4>\r\n\
    i: 77@192.0.2.7\r\nCSeq: 9 INVITE\r\nx-note: first\r\nX-Note: second\r\n\
    c: text/plain\r\nl: 2\r\n\r\nhi and what is dropped";

fn invite() -> Message {
    Message::parse(Bytes::from_static(INVITE.as_bytes())).unwrap()
}

/// What `INVITE` is after its text was replaced, pair by pair.
fn replaced(pairs: &[(&str, &str)]) -> String {
    let sent = INVITE.replace(" and what is dropped", "");
    pairs.iter().fold(sent, |sent, (from, to)| {
        assert!(sent.contains(from), "{from}");
        sent.replacen(from, to, 1)
    })
}

/// Changes an edit and gives it back.
type Changes<'c> = &'c dyn for<'e, 'm> Fn(&'e mut Edit<'m>) -> &'e mut Edit<'m>;

/// Asserts what the changes make of [`INVITE`].
fn assert_changed(changes: Changes<'_>, pairs: &[(&str, &str)]) {
    let changed = changes(&mut invite().edit()).apply().unwrap();
    assert_eq!(text(changed.bytes()), replaced(pairs));
    assert_parsed_alike(&changed);
}

/// Both Route lines of [`INVITE`].
const ROUTES: &str = "Route: <sip:r1;lr>, <sip:r2;lr>\r\nROUTE : <sip:r3;lr>\t\r\n";

#[test]
fn a_proxy_passes_a_request_on() {
    assert_changed(
        &|edit| {
            edit.prepend(HeaderId::Via, "SIP/2.0/UDP p2;branch=z9hG4bK-q")
                .prepend(HeaderId::RecordRoute, "<sip:p2;lr>")
                .remove_top(HeaderId::Route)
                .set(HeaderId::MaxForwards, 11)
                .set_uri("sip:bob@192.0.2.5")
        },
        &[
            ("sip:bob@192.0.2.4 SIP", "sip:bob@192.0.2.5 SIP"),
            ("v: ", "Record-Route: <sip:p2;lr>\r\nVia: SIP/2.0/UDP p2;branch=z9hG4bK-q\r\nv: "),
            ("<sip:r1;lr>, ", ""),
            ("Max-Forwards: 12", "Max-Forwards: 11"),
        ],
    );
}

#[test]
fn nothing_changed_is_every_byte_as_it_was() {
    assert_changed(&|edit| edit, &[]);
}

#[test]
fn top_values_go_one_by_one() {
    let first = " SIP/2.0/UDP p1;branch=z9hG4bK-p ,\r\n SIP/2.0";
    assert_changed(&|edit| edit.remove_top(HeaderId::Via), &[(first, " SIP/2.0")]);
    let line = "v: SIP/2.0/UDP p1;branch=z9hG4bK-p ,\r\n SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n";
    assert_changed(&|edit| edit.remove_top(HeaderId::Via).remove_top(HeaderId::Via), &[(line, "")]);
    assert_changed(&|edit| (0..4).fold(edit, |edit, _| edit.remove_top(HeaderId::Route)), &[(ROUTES, "")]);
    assert_changed(
        &|edit| edit.prepend(HeaderId::Route, "\"a, b\" <sip:n1>,, <sip:n2> ").remove_top(HeaderId::Route),
        &[("Route: ", "Route: <sip:n2>\r\nRoute: ")],
    );
}

#[test]
fn commas_split_lists_only() {
    let sent = request_with(
        "OPTIONS",
        "Subject: a, b\nSupported: ,\nk: c, d\nProxy-Authorization: Digest a=b, c=d\n",
    );
    let ids = [HeaderId::Subject, HeaderId::Supported, HeaderId::ProxyAuthorization];
    let left = ids.iter().fold(&mut sent.edit(), |edit, id| edit.remove_top(*id)).apply().unwrap();
    assert_eq!((left.has(HeaderId::Subject), left.has(HeaderId::ProxyAuthorization)), (false, false));
    // A line without an item holds no value.
    assert!(left.all(HeaderId::Supported).eq([",", "d"]));
    assert_parsed_alike(&left);
}

#[test]
fn a_via_is_marked_where_it_stands() {
    let marked = invite().top_via().unwrap().received_from([198, 51, 100, 1].into(), 5060).unwrap();
    assert_changed(
        &|edit| edit.set_top(HeaderId::Via, &marked),
        &[(
            "v: SIP/2.0/UDP p1;branch=z9hG4bK-p ,\r\n SIP",
            "Via: SIP/2.0/UDP p1;branch=z9hG4bK-p;received=198.51.100.1\r\nv: SIP",
        )],
    );
}

#[test]
fn the_first_line_of_one_value_is_replaced() {
    assert_changed(
        &|edit| {
            edit.remove_top(HeaderId::Route)
                .remove_top(HeaderId::Route)
                .set_top(HeaderId::Route, "<sip:r4>")
                .set_top(HeaderId::Subject, "new")
        },
        &[(ROUTES, "Route: <sip:r4>\r\n"), ("v: ", "Subject: new\r\nv: ")],
    );
}

#[test]
fn lines_are_replaced_in_place_and_added_at_the_end() {
    assert_changed(
        &|edit| {
            edit.set(HeaderId::Route, " <sip:r4> ")
                .push(HeaderId::Supported, "path")
                .extension("X-New", 1)
                .remove_extension("X-NOTE")
                .remove_extension("t")
                .push(HeaderId::To, "<sip:bob@192.0.2.4>")
        },
        &[
            (ROUTES, "Route: <sip:r4>\r\n"),
            ("x-note: first\r\nX-Note: second\r\n", ""),
            ("t: Bob\r\n\t<sip:bob@192.0.2.4>\r\n", ""),
            ("l: 2\r\n", "l: 2\r\nSupported: path\r\nX-New: 1\r\nTo: <sip:bob@192.0.2.4>\r\n"),
        ],
    );
}

#[test]
fn a_new_body_brings_its_type_and_length() {
    assert_changed(
        &|edit| edit.set_body("a/b", "first, longer").set_body("application/sdp", "v=0\r\n"),
        &[("c: text/plain\r\nl: 2", "Content-Type: application/sdp\r\nContent-Length: 5"), ("hi", "v=0\r\n")],
    );
    let bare = message("SIP/2.0 200 OK\n\nrest");
    let changed = bare.edit().set_body("a/b", "x").apply().unwrap();
    assert_eq!(text(changed.bytes()), "SIP/2.0 200 OK\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx");
    assert_parsed_alike(&changed);
    // Where the old body had no length and stays, the new one needs none.
    assert_eq!(bare.edit().push(HeaderId::Server, "s").apply().unwrap().body(), b"rest");
}

#[test]
fn changes_that_harm_the_message_are_refused() {
    let invite = invite();
    let refused =
        |changes: Changes<'_>| changes(&mut invite.edit()).apply().expect_err("the change is refused");
    for bad in ["a\rb", "a\nb", "a\0b", "a\r\nX-Evil: 1"] {
        let control = BuildError::ControlCharacter("Via".into());
        assert_eq!(refused(&|edit| edit.prepend(HeaderId::Via, bad)), control);
        assert_eq!(refused(&|edit| edit.push(HeaderId::Via, bad)), control);
        assert_eq!(refused(&|edit| edit.set(HeaderId::Via, bad)), control);
        assert_eq!(refused(&|edit| edit.set_top(HeaderId::Via, bad)), control);
        assert!(matches!(refused(&|edit| edit.extension("X", bad)), BuildError::ControlCharacter(_)));
        assert!(matches!(refused(&|edit| edit.extension(bad, "x")), BuildError::HeaderName(_)));
        assert!(matches!(refused(&|edit| edit.set_body(bad, "")), BuildError::ControlCharacter(_)));
        assert_eq!(refused(&|edit| edit.set_uri(bad)), BuildError::RequestUri);
    }
    for id in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
        assert_eq!(refused(&|edit| edit.remove(id)), BuildError::Missing(id));
        assert_eq!(refused(&|edit| edit.remove_top(id)), BuildError::Missing(id));
        assert_eq!(refused(&|edit| edit.push(id, "x")), BuildError::Duplicate(id));
        assert_eq!(refused(&|edit| edit.prepend(id, "x")), BuildError::Duplicate(id));
    }
    let length = HeaderId::ContentLength;
    assert_eq!(refused(&|edit| edit.remove(HeaderId::Via)), BuildError::Missing(HeaderId::Via));
    assert_eq!(refused(&|edit| edit.remove(length)), BuildError::Missing(length));
    assert_eq!(refused(&|edit| edit.set(length, 7)), BuildError::Managed(length));
    assert_eq!(refused(&|edit| edit.extension("l", 7)), BuildError::Managed(length));
    assert_eq!(refused(&|edit| edit.set_body("a/b", "x").remove(length)), BuildError::Missing(length));
    let answer = message("SIP/2.0 200 OK\n\n");
    assert!(matches!(answer.edit().set_uri("sip:a@h").apply(), Err(BuildError::Source(_))));
    // A second line that came with the message is not the editor's fault.
    let twice = request_with("OPTIONS", "Subject: a\nSubject: b\n");
    assert_parsed_alike(&twice.edit().push(HeaderId::Supported, "x").apply().unwrap());
    assert!(twice.edit().push(HeaderId::Subject, "c").apply().is_err());
}

#[test]
fn changed_messages_have_the_limits_of_any_other() {
    let with = |lines: usize| {
        let text = format!("SIP/2.0 200 OK\r\n{}\r\n", "Warning: x\r\n".repeat(lines));
        Message::parse(Bytes::from(text)).unwrap()
    };
    let push = |message: &Message| message.edit().push(HeaderId::Warning, "y").apply();
    assert_parsed_alike(&push(&with(Limits::HEADERS - 1)).unwrap());
    assert!(matches!(push(&with(Limits::HEADERS)), Err(BuildError::TooManyHeaders(129))));
    let line = |length: usize| {
        with(1).edit().push(HeaderId::Subject, "x".repeat(length - "Subject: ".len())).apply()
    };
    assert_parsed_alike(&line(Limits::LINE).unwrap());
    assert!(matches!(line(Limits::LINE + 1), Err(BuildError::LineTooLong(_))));
    let invite = invite();
    let to = |length: usize| invite.edit().set_uri(&"x".repeat(length - "INVITE  SIP/2.0".len())).apply();
    assert_parsed_alike(&to(Limits::LINE).unwrap());
    assert!(matches!(to(Limits::LINE + 1), Err(BuildError::LineTooLong(_))));
    let body = |length: usize| invite.edit().set_body("a/b", "x".repeat(length)).apply();
    let head = body(10_000).unwrap().bytes().len() - 10_000;
    assert_parsed_alike(&body(Limits::MESSAGE - head).unwrap());
    assert!(matches!(body(Limits::MESSAGE - head + 1), Err(BuildError::TooLarge(_))));
    // A head that the index cannot reach is refused before one is made.
    let text = request_text("OPTIONS", "").replace('\n', "\r\n") + &"x".repeat(70_000);
    let wide = Limits { message: usize::MAX, ..Limits::default() };
    let large = Message::parse_with(Bytes::from(text.replace("Content-Length: 0\r\n", "")), &wide).unwrap();
    assert!(matches!(large.edit().apply(), Err(BuildError::TooLarge(_))));
    assert_eq!(Message::parse(large.bytes().clone()).unwrap_err().kind(), ParseErrorKind::MessageTooLarge);
}

/// A header line as the model of an edit holds it: name and colon, the items of its value, each with what separates it
/// from the next, and the line end.
#[derive(Debug, Clone)]
struct Raw {
    name: &'static str,
    lead: String,
    items: Vec<String>,
    tail: &'static str,
    new: bool,
}

impl Raw {
    fn new(name: &'static str, value: &[&str]) -> Raw {
        let last = value.len() - 1;
        let item = |(at, item): (usize, &&str)| format!("{item}{}", if at < last { ", " } else { "" });
        let items = value.iter().enumerate().map(item).collect();
        Raw { name, lead: format!("{name}: "), items, tail: "\r\n", new: true }
    }

    fn bytes(&self) -> String {
        format!("{}{}{}", self.lead, self.items.concat(), self.tail)
    }
}

/// Headers by name, with compact name and whether they are lists.
const HEADERS: [(&str, &str, bool); 10] = [
    ("Via", "v", true),
    ("Route", "ROUTE", true),
    ("Record-Route", "record-route", true),
    ("Supported", "k", true),
    ("Subject", "s", false),
    ("Proxy-Authorization", "proxy-authorization", false),
    ("X-Note", "x-note", false),
    ("From", "f", false),
    ("Content-Type", "c", false),
    ("Content-Length", "l", false),
];

/// The headers of [`HEADERS`] that a request has once, and needs or not.
const ONCE: [&str; 4] = ["Subject", "From", "Content-Type", "Content-Length"];

const ITEMS: [&str; 5] =
    ["<sip:a@h;lr>;x=1", "\"P, 1\" <sip:p1;lr>", "SIP/2.0/UDP h;branch=z9hG4bK1", "t\u{fc}", "<sip:b,c@h>"];

fn list(name: &str) -> bool {
    HEADERS.iter().any(|(known, _, list)| *known == name && *list)
}

fn values() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&ITEMS[..]), 1..4)
}

/// A line of one of the headers that may stand often, written in any way.
fn received() -> impl Strategy<Value = Raw> {
    let colons = prop::sample::select(&[":", ": ", " : ", ":\t", ":\r\n ", ": \n\t"][..]);
    let commas = prop::sample::select(&[",", ", ", " ,\r\n ", ",, ", ", ,"][..]);
    let tails = prop::sample::select(&["\r\n", "\n", " \r\n", "\t\n", "\r\n \r\n"][..]);
    (
        0..7usize,
        any::<bool>(),
        colons,
        prop::collection::vec((prop::sample::select(&ITEMS[..]), commas), 0..4),
        tails,
    )
        .prop_map(|(at, compact, colon, items, tail)| {
            let (name, short, _) = HEADERS[at];
            let lead = format!("{}{colon}", if compact { short } else { name });
            let mut items: Vec<_> = items.iter().map(|(item, comma)| format!("{item}{comma}")).collect();
            // A comma with nothing behind it ends the last item of a list as well.
            if let Some(last) = items.last_mut().filter(|last| last.ends_with([' ', '\n'])) {
                *last = last.trim_end().to_owned();
            }
            Raw { name, lead, items, tail, new: false }
        })
}

#[derive(Debug, Clone)]
enum Change {
    Prepend(&'static str, Vec<&'static str>),
    Push(&'static str, Vec<&'static str>),
    Set(&'static str, Vec<&'static str>),
    SetTop(&'static str, Vec<&'static str>),
    Remove(&'static str),
    RemoveTop(&'static str),
    Uri(String),
    Body(String),
}

fn change() -> impl Strategy<Value = Change> {
    // Mostly headers that may come and go.
    let names = || {
        prop::sample::select(&[0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9][..])
            .prop_map(|at: usize| HEADERS[at].0)
    };
    prop_oneof![
        3 => (names(), values()).prop_map(|(name, value)| Change::Prepend(name, value)),
        2 => (names(), values()).prop_map(|(name, value)| Change::Push(name, value)),
        2 => (names(), values()).prop_map(|(name, value)| Change::Set(name, value)),
        2 => (names(), values()).prop_map(|(name, value)| Change::SetTop(name, value)),
        1 => names().prop_map(Change::Remove),
        4 => names().prop_map(Change::RemoveTop),
        1 => "sip:[a-z]{1,9}@h".prop_map(Change::Uri),
        1 => "[a-z\r\n]{0,9}".prop_map(Change::Body),
    ]
}

fn apply<'e, 'm>(edit: &'e mut Edit<'m>, change: &Change) -> &'e mut Edit<'m> {
    match change {
        Change::Prepend(name, value) => match HeaderId::of(name) {
            Some(id) => edit.prepend(id, value.join(", ")),
            None => edit.extension(name, value.join(", ")),
        },
        Change::Push(name, value) => edit.extension(name, value.join(", ")),
        Change::Set(name, value) => match HeaderId::of(name) {
            Some(id) => edit.set(id, value.join(", ")),
            None => edit.remove_extension(name).extension(name, value.join(", ")),
        },
        Change::SetTop(name, value) => match HeaderId::of(name) {
            Some(id) => edit.set_top(id, value.join(", ")),
            None => edit.extension(name, value.join(", ")),
        },
        Change::Remove(name) => edit.remove_extension(name),
        Change::RemoveTop(name) => match HeaderId::of(name) {
            Some(id) => edit.remove_top(id),
            None => edit,
        },
        Change::Uri(uri) => edit.set_uri(uri),
        Change::Body(body) => edit.set_body("text/plain", body.clone()),
    }
}

/// The length of a body, of nine bytes at most, as text.
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The message as a list of lines, changed in the plainest way.
#[derive(Debug)]
struct Model {
    uri: String,
    lines: Vec<Raw>,
    body: String,
}

impl Model {
    fn bytes(&self) -> String {
        let lines: String = self.lines.iter().map(Raw::bytes).collect();
        format!("OPTIONS {} SIP/2.0\r\n{lines}\r\n{}", self.uri, self.body)
    }

    fn count(&self, name: &str) -> usize {
        self.lines.iter().filter(|line| line.name == name).count()
    }

    fn first(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.name == name)
    }

    fn take_top(&mut self, name: &str) -> Option<usize> {
        let holds_value = |line: &Raw| line.name == name && (!list(name) || !line.items.is_empty());
        let at = self.lines.iter().position(holds_value)?;
        if list(name) && self.lines[at].items.len() > 1 {
            self.lines[at].items.remove(0);
        } else {
            self.lines.remove(at);
        }
        Some(at)
    }

    fn apply(&mut self, change: &Change) {
        let end = self.lines.len();
        match change {
            // Extensions are added at the end whatever is asked for.
            Change::Prepend("X-Note", value)
            | Change::SetTop("X-Note", value)
            | Change::Push("X-Note", value) => {
                self.lines.push(Raw::new("X-Note", value));
            }
            Change::Set("X-Note", value) => {
                self.lines.retain(|line| line.name != "X-Note");
                self.lines.push(Raw::new("X-Note", value));
            }
            Change::RemoveTop("X-Note") => {}
            Change::Prepend(name, value) => {
                self.lines.insert(self.first(name).unwrap_or(0), Raw::new(name, value));
            }
            Change::Push(name, value) => self.lines.insert(end, Raw::new(name, value)),
            Change::Set(name, value) => {
                let at = self.first(name);
                self.lines.retain(|line| line.name != *name);
                self.lines.insert(at.unwrap_or(self.lines.len()), Raw::new(name, value));
            }
            Change::SetTop(name, value) => {
                let at = self.take_top(name).or(self.first(name)).unwrap_or(0);
                self.lines.insert(at, Raw::new(name, value));
            }
            Change::Remove(name) => self.lines.retain(|line| line.name != *name),
            Change::RemoveTop(name) => drop(self.take_top(name)),
            Change::Uri(uri) => self.uri.clone_from(uri),
            Change::Body(body) => {
                self.apply(&Change::Set("Content-Type", vec!["text/plain"]));
                self.apply(&Change::Set("Content-Length", vec![DIGITS[body.len()]]));
                let at = self.first("Content-Length").expect("it was set");
                self.lines[at].new = false;
                self.body.clone_from(body);
            }
        }
    }

    /// Whether the lines are such that the change has to be refused.
    fn harmed(&self, lasting: &[&str]) -> bool {
        lasting.iter().any(|name| self.count(name) == 0)
            || self.lines.iter().any(|line| {
                line.new
                    && (line.name == "Content-Length"
                        || ONCE.contains(&line.name) && self.count(line.name) > 1)
            })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_message_is_what_its_bytes_are(
        received in prop::collection::vec(received(), 0..40),
        places in prop::collection::vec(any::<prop::sample::Index>(), 3),
        length in any::<bool>(),
        changes in prop::collection::vec(change(), 0..8),
    ) {
        let mut model = Model { uri: "sip:b@h".into(), lines: received, body: "body".into() };
        let once = [("From", "<sip:a@h>;tag=1"), ("Content-Type", "a/b"), ("Content-Length", "4")];
        for ((name, value), place) in once.into_iter().zip(places).take(if length { 3 } else { 2 }) {
            let at = place.index(model.lines.len() + 1);
            model.lines.insert(at, Raw { new: false, ..Raw::new(name, &[value]) });
        }
        let sent = Message::parse(Bytes::from(model.bytes())).unwrap();
        let mut lasting: Vec<_> = ["Via", "From", "Content-Length"].into_iter().filter(|name| model.count(name) > 0).collect();
        let mut edit = sent.edit();
        for change in &changes {
            apply(&mut edit, change);
            model.apply(change);
            if matches!(change, Change::Body(_)) {
                lasting.push("Content-Length");
            }
        }
        match edit.apply() {
            Ok(changed) => {
                prop_assert_eq!(core::str::from_utf8(changed.bytes()).unwrap(), model.bytes());
                assert_parsed_alike(&changed);
            }
            Err(error) => prop_assert!(model.harmed(&lasting), "{}", error),
        }
        prop_assert_eq!(edit.apply().is_err(), model.harmed(&lasting));
    }
}
