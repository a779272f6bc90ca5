use bytes::Bytes;
use proptest::prelude::*;
use sip_message::multipart::{self, MultipartDraft, MultipartError, Part};
use sip_message::{BuildError, Draft, HeaderId, Limits, Message, Method, ParseErrorKind, header, sipfrag};

const TYPE: &str = "multipart/mixed;boundary=b";

/// Reads text in which every line ends with LF as if it ended with CRLF.
fn read(content_type: &str, body: &str) -> Result<Vec<Part>, MultipartError> {
    multipart::parts(content_type, Bytes::from(body.replace('\n', "\r\n")))?.collect()
}

fn contents(content_type: &str, body: &str) -> Vec<String> {
    let parts = read(content_type, body).unwrap_or_else(|error| panic!("{body:?}: {error}"));
    parts.iter().map(|part| crate::text(part.content()).replace("\r\n", "\n")).collect()
}

#[test]
fn the_example_of_rfc_2046_has_two_parts() {
    let body = "This is the preamble.\n--not a boundary\n--simple boundary\n\nimplicitly typed\nno line break\n\
                --simple boundary\nContent-type: text/plain; charset=us-ascii\n\nexplicitly typed\nline break\n\n\
                --simple boundary--\n\nThis is the epilogue.\n--simple boundary\n\nno part\n";
    let parts = read("multipart/mixed; boundary=\"simple boundary\"", body).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(&parts[0].content()[..], b"implicitly typed\r\nno line break");
    assert_eq!((parts[0].headers().count(), parts[0].first(HeaderId::ContentType)), (0, None));
    assert_eq!(&parts[1].content()[..], b"explicitly typed\r\nline break\r\n");
    let media = parts[1].only::<header::ContentType>().unwrap().unwrap();
    assert!(media.is("text/plain"));
    assert_eq!(media.params.value("charset"), Some("us-ascii"));
}

#[test]
fn part_headers_follow_the_rules_of_a_message() {
    let body = "--b\nCONTENT-disposition :\n session ;\n\thandling=optional\nc: application/sdp\nContent-ID: <1@h>\n\nv=0\n\n--b--";
    let parts = read(TYPE, body).unwrap();
    let disposition = parts[0].only::<header::ContentDisposition>().unwrap().unwrap();
    assert!(disposition.is("session"));
    assert_eq!(disposition.handling, sip_message::Handling::Optional);
    assert_eq!(parts[0].first(HeaderId::ContentType), Some("application/sdp"));
    assert_eq!(parts[0].headers().map(|line| line.name.to_string()).collect::<Vec<_>>()[2], "Content-ID");
    assert_eq!(&parts[0].content()[..], b"v=0\r\n");
}

#[test]
fn bodies_of_unusual_form_are_read() {
    for (body, expected) in [
        // Nothing between two delimiters, nothing behind the headers, no headers and no content.
        ("--b\n--b--", vec![""]),
        ("--b\n\n--b--", vec![""]),
        ("--b\n\n\n--b--", vec![""]),
        ("--b\nSubject: x\n--b--", vec![""]),
        ("--b\nSubject: x\n\n\n--b--", vec![""]),
        // Blanks behind a delimiter, which a transport may have added.
        ("--b \t\n\n1\n--b\t\n\n2\n--b-- \n", vec!["1", "2"]),
        // A boundary that goes on, or that starts no line, is content.
        ("--b\n\n--bb\n--b-\n --b\nx--b--\n--B\n--b--", vec!["--bb\n--b-\n --b\nx--b--\n--B"]),
        ("\n--b\n\n1\n--b--", vec!["1"]),
        // Only one line end belongs to the delimiter.
        ("--b\n\n\n\n1\n\n\n--b--", vec!["\n\n1\n\n"]),
    ] {
        assert_eq!(contents(TYPE, body), expected, "{body:?}");
        let bare = multipart::parts(TYPE, Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let bare: Vec<_> = bare.map(|part| crate::text(part.unwrap().content()).to_owned()).collect();
        assert_eq!(bare, expected, "with bare LF: {body:?}");
    }
    // Content is octets.
    let body = Bytes::from_static(b"--b\r\n\r\n\0\xff\r\n\r--b\r\n--b--");
    let parts: Vec<Part> = multipart::parts(TYPE, body).unwrap().map(Result::unwrap).collect();
    assert_eq!(&parts[0].content()[..], b"\0\xff\r\n\r--b");
}

#[test]
fn nested_bodies_are_read_one_level_at_a_time() {
    let body = "--b\nContent-Type: multipart/alternative;boundary=b2\n\n--b2\n\n1\n--b2\n\n2\n--b2--\n--b\n\n3\n--b--\n";
    let outer = read(TYPE, body).unwrap();
    assert_eq!((outer.len(), &outer[1].content()[..]), (2, &b"3"[..]));
    let inner = multipart::parts(outer[0].first(HeaderId::ContentType).unwrap(), outer[0].content().clone());
    let inner: Vec<Bytes> = inner.unwrap().map(|part| part.unwrap().content().clone()).collect();
    assert_eq!(inner, ["1", "2"]);
}

#[test]
fn bodies_that_cannot_be_read_say_why() {
    for (content_type, body, error) in [
        ("application/sdp;boundary=b", "--b\n\n--b--", MultipartError::ContentType),
        ("multipart", "--b\n\n--b--", MultipartError::ContentType),
        ("multipart/mixed", "--b\n\n--b--", MultipartError::Boundary),
        ("multipart/mixed;boundary=\"\"", "--\n\n----", MultipartError::Boundary),
        ("multipart/mixed;boundary=\"b \"", "--b\n\n--b--", MultipartError::Boundary),
        (TYPE, "", MultipartError::NoPart),
        (TYPE, "--b--\n", MultipartError::NoPart),
        (TYPE, "v=0\n", MultipartError::NoPart),
        (TYPE, "--b\n\n1\n--b\n\n2\n", MultipartError::Unterminated),
        (TYPE, "--b\n", MultipartError::Unterminated),
        (TYPE, "--b", MultipartError::Unterminated),
        (TYPE, "--b\n\n1\n--c--", MultipartError::Unterminated),
        (TYPE, "--b\n\n1\n--b--more", MultipartError::Unterminated),
    ] {
        assert_eq!(read(content_type, body).unwrap_err(), error, "{content_type} {body:?}");
    }
    for (head, kind, offset) in [
        ("Content Type: text/plain\n\n", ParseErrorKind::HeaderName, 5),
        ("Subject: a\nno header\n\n", ParseErrorKind::HeaderName, 17),
        ("Subject: a\0b\n\n", ParseErrorKind::ControlCharacter, 15),
        ("\rSubject: a\n\n", ParseErrorKind::ControlCharacter, 5),
        ("SIP/2.0 200 OK\n\n", ParseErrorKind::HeaderName, 5),
        ("INVITE sip:a@h SIP/2.0\nVia: x\n\n", ParseErrorKind::HeaderName, 5),
    ] {
        match read(TYPE, &format!("--b\n{head}1\n--b--")) {
            Err(MultipartError::Part(error)) => {
                assert_eq!((error.kind(), error.offset()), (kind, offset), "{head:?}");
            }
            other => panic!("{head:?}: {other:?}"),
        }
    }
}

#[test]
fn the_first_error_ends_the_parts() {
    let mut parts =
        multipart::parts(TYPE, Bytes::from_static(b"--b\n\n1\n--b\nbad\n--b\n\n3\n--b--")).unwrap();
    assert_eq!(&parts.next().unwrap().unwrap().content()[..], b"1");
    assert!(parts.next().unwrap().is_err());
    assert!(parts.next().is_none());
}

#[test]
fn number_of_parts_and_length_of_boundary_are_limited() {
    let body = |count: usize| format!("{}--b--", "--b\n\n1\n".repeat(count));
    assert_eq!(contents(TYPE, &body(Limits::PARTS)).len(), Limits::PARTS);
    assert_eq!(read(TYPE, &body(Limits::PARTS + 1)).unwrap_err(), MultipartError::TooManyParts);
    let with = |length: usize| {
        let boundary = "=".repeat(length);
        read(&format!("multipart/mixed;boundary={boundary}"), &format!("--{boundary}\n\n1\n--{boundary}--"))
    };
    assert_eq!(with(multipart::LONGEST_BOUNDARY).unwrap().len(), 1);
    assert_eq!(with(multipart::LONGEST_BOUNDARY + 1).unwrap_err(), MultipartError::Boundary);
}

#[test]
fn what_is_written_is_read_back() {
    type Written = (&'static [(&'static str, &'static str)], &'static [u8]);
    let parts: [Written; 4] = [
        (&[("Content-Type", "application/sdp")], b"v=0\r\n"),
        (&[("Content-Type", sipfrag::CONTENT_TYPE), ("X-Note", "  a, b ")], b"SIP/2.0 200 OK\r\n"),
        (&[], b"\r\n--boundary-0--\r\n\r\n"),
        (&[], b""),
    ];
    let mut draft = MultipartDraft::new(parts[0].0, parts[0].1).unwrap();
    for (headers, content) in &parts[1..] {
        draft = draft.part(headers, content).unwrap();
    }
    let (content_type, body) = draft.encode("multipart/mixed");
    let info = Draft::request(Method::Info, "sip:bob@192.0.2.4")
        .header(HeaderId::From, "<sip:alice@192.0.2.7>;tag=a1")
        .header(HeaderId::To, "<sip:bob@192.0.2.4>;tag=b1")
        .header(HeaderId::CallId, "77@192.0.2.7")
        .header(HeaderId::CSeq, "2 INFO")
        .body(&content_type, body)
        .encode("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1", None)
        .unwrap();
    let info = Message::parse(info).unwrap();
    let read = multipart::parts(info.content_type().unwrap(), info.body_bytes()).unwrap();
    let read: Vec<Part> = read.map(Result::unwrap).collect();
    assert_eq!(read.len(), parts.len());
    for (part, (headers, content)) in read.iter().zip(parts) {
        assert_eq!(&part.content()[..], content);
        let lines = part.headers().map(|line| (line.name.as_str(), line.text().unwrap()));
        assert!(lines.eq(headers.iter().map(|(name, value)| (*name, value.trim()))));
    }
}

#[test]
fn boundary_is_the_first_that_no_part_holds() {
    let boundary = |content: &str| {
        let draft = MultipartDraft::new(&[("X-Note", "boundary-1")], content.as_bytes()).unwrap();
        draft.encode("multipart/related").0
    };
    for (content, number) in [
        ("", 0),
        ("boundary-", 0),
        ("boundary-0", 2),
        ("x--boundary-0--boundary-2boundary-4", 3),
        // The start of a longer number counts: some readers compare no further.
        ("boundary-0 boundary-23", 3),
        ("boundary-00000000000000000000000000000000000", 2),
        ("boundary-99999999999999999999999999999999999", 0),
    ] {
        assert_eq!(boundary(content), format!("multipart/related;boundary=boundary-{number}"), "{content}");
    }
    let all: Vec<String> = (0..2000).map(|number| format!("boundary-{number}")).collect();
    assert_eq!(boundary(&all.join("\n")), "multipart/related;boundary=boundary-2000");
}

#[test]
fn headers_that_would_be_read_otherwise_are_not_written() {
    let part = |name, value| MultipartDraft::new(&[(name, value)], b"").map(|_| ());
    assert_eq!(part("Content-ID", "a\r\nX: y"), Err(BuildError::ControlCharacter("Content-ID".into())));
    assert_eq!(part("Content ID", "a"), Err(BuildError::HeaderName("Content ID".into())));
    assert_eq!(part("", "a"), Err(BuildError::HeaderName("".into())));
    assert_eq!(part("Content-ID", "<a>"), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(&["--b", "--", "\r\n", "\n", "\r", " ", "a", ":", "\0"]), 0..40),
    ) {
        let body = pieces.concat();
        for part in multipart::parts(TYPE, Bytes::from(body.clone())).into_iter().flatten() {
            match part {
                Ok(part) => prop_assert!(body.len() >= part.content().len() + "--b\n--b".len()),
                Err(MultipartError::Part(error)) => prop_assert!(error.offset() < body.len()),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn any_content_is_read_back(
        contents in prop::collection::vec(prop::collection::vec(
            prop::sample::select(&["--", "boundary-", "0", "1", "2", "\r\n", "\n", "\r", "\0", "x: y"]), 0..30,
        ), 1..6),
    ) {
        let contents: Vec<String> = contents.iter().map(|pieces| pieces.concat()).collect();
        let mut draft = MultipartDraft::new(&[], contents[0].as_bytes()).unwrap();
        for content in &contents[1..] {
            draft = draft.part(&[("Subject", "x")], content.as_bytes()).unwrap();
        }
        let (content_type, body) = draft.encode("multipart/mixed");
        let read = multipart::parts(&content_type, body).unwrap().map(|part| part.unwrap().content().clone());
        prop_assert_eq!(read.collect::<Vec<_>>(), contents);
    }
}
