//! Streams: what is cut out of them, in whatever pieces they arrive.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use sip_message::framing::{Frame, Framer, StreamEnd};
use sip_message::{HeaderId, Limits, Message, ParseError, ParseErrorKind};

type Frames = (Vec<Frame>, Option<ParseError>);

/// Feeds the pieces one after the other; gives the frames up to the error, if there is one.
fn frames<'a>(end: StreamEnd, limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Frames {
    let mut framer = Framer::new(end, limits);
    let mut received = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            match framer.poll_frame(&mut received) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(received.len() < limits.message.max(2), "{} bytes are kept", received.len());
    }
    (frames, None)
}

fn server(stream: &[u8]) -> Frames {
    frames(StreamEnd::Server, &Limits::default(), [stream])
}

fn message(text: &str) -> Frame {
    Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
}

/// A head with these lines, and a body of three bytes.
fn with_lines(lines: &str) -> String {
    format!("OPTIONS sip:b@h SIP/2.0\r\nTo: <sip:b@h>\r\n{lines}\r\nabc")
}

#[test]
fn messages_in_a_row_are_cut_at_their_content_length() {
    let invite = "INVITE sip:b@h SIP/2.0\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
    let answer = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
    let stream = format!("{invite}{answer}{invite}");
    assert_eq!(server(stream.as_bytes()), (vec![message(invite), message(answer), message(invite)], None));
    let half = &stream.as_bytes()[..stream.len() - 1];
    assert_eq!(server(half), (vec![message(invite), message(answer)], None));
}

#[test]
fn message_is_a_part_of_the_receive_buffer() {
    let text = with_lines("l: 3\r\n");
    let mut received = BytesMut::from(format!("\r\n{text}\r\n").as_bytes());
    let start = received.as_ptr().addr() + 2;
    let mut framer = Framer::new(StreamEnd::Server, &Limits::default());
    let Ok(Some(Frame::Message(bytes))) = framer.poll_frame(&mut received) else { panic!("no message") };
    assert_eq!((bytes.as_ptr().addr(), bytes.len()), (start, text.len()));
    assert_eq!(Message::parse(bytes).unwrap().body(), b"abc");
}

#[test]
fn server_takes_two_line_ends_in_a_row_for_a_ping() {
    let text = with_lines("l: 3\r\n");
    let pings = |stream: &str| server(stream.as_bytes());
    assert_eq!(pings("\r\n"), (vec![], None));
    assert_eq!(pings("\r\n\r\n"), (vec![Frame::Ping], None));
    assert_eq!(pings("\r\n\r\n\r\n\r\n\r\n"), (vec![Frame::Ping, Frame::Ping], None));
    assert_eq!(pings(&format!("\r\n{text}\r\n")), (vec![message(&text)], None));
    let between = format!("{text}\r\n\r\n{text}");
    assert_eq!(pings(&between), (vec![message(&text), Frame::Ping, message(&text)], None));
}

#[test]
fn client_takes_each_line_end_for_a_pong() {
    let text = with_lines("l: 3\r\n");
    let stream = format!("\r\n{text}\r\n\r\n");
    let expected = vec![Frame::Pong, message(&text), Frame::Pong, Frame::Pong];
    assert_eq!(frames(StreamEnd::Client, &Limits::default(), [stream.as_bytes()]), (expected, None));
}

#[test]
fn half_line_ends_before_a_message_are_passed_over() {
    let text = with_lines("l: 3\r\n");
    let stream = format!("\n\r\n\r{text}\r\n\n\r\n");
    assert_eq!(server(stream.as_bytes()), (vec![message(&text)], None));
}

#[test]
fn every_spelling_of_content_length_is_read() {
    for line in [
        "Content-Length: 3\r\n",
        "content-LENGTH:3\r\n",
        "l: 3\r\n",
        "L \t :\t 0003 \r\n",
        "Content-Length:\r\n 3\r\n",
        "l:\r\n\t\r\n 3\r\n \r\nSubject: l: 4\r\n",
        "Subject: a\r\n l: 4\r\nl: 3\nContact: <sip:l:7@h>\r\n",
        "Content-Lengthy: 9\r\nLength: 9\r\nContent-Length: 3\r\nCall-ID: l\r\n",
        "l: 3\r\nSubject: x\r\n 4\r\n",
        "l: 3\r\n: no name\r\nno colon\r\n",
    ] {
        let text = with_lines(line);
        assert_eq!(server(text.as_bytes()), (vec![message(&text)], None), "{line}");
    }
}

#[test]
fn content_length_that_does_not_say_where_the_body_ends_is_the_end_of_the_stream() {
    use ParseErrorKind::{ContentLength, Duplicate, Missing};
    for (lines, kind) in [
        ("", Missing),
        ("Subject: x\r\n l: 3\r\n", Missing),
        ("l : 3\r\nContent-Length: 3\r\n", Duplicate),
        ("l: 3\r\nl: 4\r\n", Duplicate),
        ("l: x\r\nl: 3\r\n", Duplicate),
        ("l: -3\r\n", ContentLength),
        ("l: +3\r\n", ContentLength),
        ("l: three\r\n", ContentLength),
        ("l: 3\x0c\r\n", ContentLength),
        ("l: 3.0\r\n", ContentLength),
        ("l: 3, 3\r\n", ContentLength),
        ("l: 0x3\r\n", ContentLength),
        ("l:\r\n", ContentLength),
        ("l: 3\r4\r\n", ContentLength),
        ("l: 3\r\n 4\r\n", ContentLength),
        ("l: 4294967296\r\n", ContentLength),
        ("l: 18446744073709551619\r\n", ContentLength),
    ] {
        let (frames, error) = server(with_lines(lines).as_bytes());
        let error = error.expect(lines);
        let found = (error.kind(), error.header());
        assert_eq!((frames, found), (vec![], (kind, Some(HeaderId::ContentLength))), "{lines}");
    }
    let offset = |lines: &str| server(with_lines(lines).as_bytes()).1.unwrap().offset();
    let line = with_lines("").len() - "\r\nabc".len();
    assert_eq!((offset("l:  x\r\n"), offset("l: 3\r\nl: 3\r\n")), (line + 4, line + 6));
}

#[test]
fn start_line_is_no_header() {
    let (frames, error) = server(b"l: 3\r\nTo: <sip:b@h>\r\n\r\nabc");
    assert_eq!((frames, error.unwrap().kind()), (vec![], ParseErrorKind::Missing));
}

#[test]
fn message_that_cannot_be_parsed_leaves_the_stream_alive() {
    let bad = "NO START LINE\r\nl: 0\r\n\r\n";
    let good = with_lines("l: 3\r\n");
    let (frames, error) = server(format!("{bad}{good}").as_bytes());
    assert_eq!((frames, error), (vec![message(bad), message(&good)], None));
    assert!(Message::parse(Bytes::from(bad)).is_err());
}

#[test]
fn nothing_comes_after_an_error() {
    let mut framer = Framer::new(StreamEnd::Server, &Limits::default());
    let mut received = BytesMut::from(format!("{}\r\n\r\n", with_lines("")).as_bytes());
    let error = framer.poll_frame(&mut received).unwrap_err();
    assert!(received.is_empty());
    received.extend_from_slice(with_lines("l: 3\r\n").as_bytes());
    assert_eq!(framer.poll_frame(&mut received), Err(error));
    assert!(received.is_empty());
}

#[test]
fn message_is_limited_before_its_body_is_read() {
    let with_body = |limit: usize, body: usize| {
        let text = format!("SIP/2.0 200 OK\r\nl: {body}\r\n\r\n");
        let limits = Limits { message: limit, ..Limits::default() };
        frames(StreamEnd::Client, &limits, [text.as_bytes()]).1.map(|error| error.kind())
    };
    let head = "SIP/2.0 200 OK\r\nl: 7000\r\n\r\n".len();
    assert_eq!(with_body(head + 7000, 7000), None);
    assert_eq!(with_body(head + 6999, 7000), Some(ParseErrorKind::BodyTooLarge));
    assert_eq!(with_body(usize::MAX, u32::MAX as usize), None);
}

#[test]
fn head_is_limited_before_its_end_is_read() {
    let ended = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
    let kind = |text: &str, limit: usize| {
        let limits = Limits { message: limit, ..Limits::default() };
        let (frames, error) = frames(StreamEnd::Client, &limits, [text.as_bytes()]);
        (frames.len(), error.map(|error| (error.kind(), error.offset())))
    };
    let too_large = |limit| (0, Some((ParseErrorKind::MessageTooLarge, limit)));
    assert_eq!(kind(ended, ended.len()), (1, None));
    assert_eq!(kind(ended, ended.len() - 1), too_large(ended.len() - 1));
    let endless = &"x".repeat(100);
    assert_eq!(kind(endless, 101), (0, None));
    assert_eq!(kind(endless, 100), too_large(100));
}

const PIECES: &[&str] = &[
    "\r\n",
    "\r",
    "\n",
    " ",
    "\r\n\r\n",
    "l: 3",
    "Content-Length : 0",
    "l:",
    "-",
    "7",
    "SIP/2.0 200 OK\r\n",
    "BYE sip:b@h SIP/2.0\r\nl: 5\r\n\r\n",
    "BYE sip:b@h SIP/2.0\r\nl: 0\r\nX: y\r\n\r\n",
    "Subject: x\r\n",
    "abc",
];

fn stream() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_frames(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        end in prop::sample::select(&[StreamEnd::Client, StreamEnd::Server][..]),
        message in prop::sample::select(&[1, 20, 40, 60, Limits::MESSAGE][..]),
    ) {
        let limits = Limits { message, ..Limits::default() };
        let bytes = stream.as_bytes();
        let whole = frames(end, &limits, [bytes]);
        prop_assert_eq!(&frames(end, &limits, bytes.chunks(1)), &whole);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        prop_assert_eq!(frames(end, &limits, cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]])), whole);
    }

    #[test]
    fn framer_and_parser_see_the_same_message(stream in stream(), rest in ".{0,8}") {
        let datagram = Bytes::from(format!("{stream}{rest}"));
        let Ok(parsed) = Message::parse(datagram.clone()) else { return Ok(()) };
        let first = server(&datagram).0.into_iter().find(|frame| *frame != Frame::Ping);
        if !parsed.has(HeaderId::ContentLength) {
            prop_assert_eq!(first, None);
            return Ok(());
        }
        let Some(Frame::Message(framed)) = first else { panic!("no message") };
        let reparsed = Message::parse(framed.clone()).unwrap();
        prop_assert_eq!(reparsed.body(), parsed.body());
        prop_assert!(reparsed.headers().eq(parsed.headers()));
        prop_assert!(framed.ends_with(parsed.body()) && reparsed.bytes() == &framed);
    }
}
