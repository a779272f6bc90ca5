//! The messages that parsing is measured with are what the figures say they are.

use bytes::Bytes;
use sip_message::Message;

use crate::messages::{SAMPLES, Seen, full};

#[test]
fn measured_messages_are_well_formed_and_whole() {
    for sample in &SAMPLES {
        let message = Message::parse(Bytes::from_static(sample.text)).expect(sample.name);
        assert_eq!(message.check(), Ok(()), "{}", sample.name);
        assert!(sample.text.ends_with(message.body()), "{}: Content-Length is short", sample.name);
        let bare = memchr::memchr_iter(b'\n', sample.text).filter(|&at| !sample.text[..at].ends_with(b"\r"));
        assert_eq!(bare.count(), 0, "{}: a line does not end with CRLF", sample.name);
    }
}

#[test]
fn a_full_reading_sees_every_via_and_contact_with_tags_and_branches() {
    let seen = |vias, contacts, cseq, texts: &[&str]| Seen {
        vias,
        contacts,
        cseq,
        octets: texts.iter().map(|text| text.len()).sum(),
    };
    let expected = [
        (211, seen(1, 0, 10, &["z9hG4bK8f1", "5d2", "4be1@192.0.2.1"])),
        (892, seen(2, 1, 314_159, &["z9hG4bK87asdks7", "z9hG4bK776asdhds", "1928301774", CALL_ID])),
        (
            810,
            seen(2, 1, 314_159, &["z9hG4bK87asdks7", "z9hG4bK776asdhds", "1928301774", "a6c85cf", CALL_ID]),
        ),
        (532, seen(1, 1, 314_160, &["z9hG4bK776refer1", "1928301774", "a6c85cf", CALL_ID])),
        (487, seen(1, 1, 4712, &["z9hG4bKnot1fy", "a6c85cf", "1928301774", CALL_ID])),
        (2489, seen(10, 1, 314_159, &TEN_VIAS)),
    ];
    let read = SAMPLES
        .each_ref()
        .map(|sample| (sample.text.len(), full(Bytes::from_static(sample.text)).expect(sample.name)));
    assert_eq!(read, expected);
}

const CALL_ID: &str = "a84b4c76e66710@pc33.example.com";

/// The branches from the top, the tag of From, the Call-ID.
const TEN_VIAS: [&str; 12] = [
    "z9hG4bKe1a07c95f2.1",
    "z9hG4bK-524287-1-7fa3d0c1",
    "z9hG4bK5c1.9d2f0b7164ae30c5.0",
    "z9hG4bK5c1.1b7e44d09f3c2a81.0",
    "z9hG4bKd47b6a2e91c8",
    "z9hG4bKas1-00000c3f",
    "z9hG4bK30f5d8b7aa12",
    "z9hG4bK8e6f1d2c3b4a",
    "z9hG4bKnat77120533",
    "z9hG4bK776longway",
    "1928301774",
    "a84b4c76e66710f1c2d3e4b5a697@pc33.example.com",
];
