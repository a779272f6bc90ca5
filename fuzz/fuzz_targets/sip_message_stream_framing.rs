//! A stream in pieces of any size gives the same frames as in one piece; each frame is a part of the stream, and the
//! parser sees the body that the framer saw. The first byte is the size of the pieces.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sip_message::framing::{Frame, Framer, StreamEnd};
use sip_message::{HeaderId, Limits, Message, ParseError};

/// Small, so that inputs reach it.
const MESSAGE: usize = 1024;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else { return };
    let end = if size & 1 == 0 { StreamEnd::Client } else { StreamEnd::Server };
    let whole = frames(end, stream, stream.len());
    assert_eq!(frames(end, stream, usize::from(*size)), whole);
    assert_eq!(frames(end, stream, 1), whole);
    let mut rest = stream;
    for frame in &whole.0 {
        match frame {
            Frame::Message(bytes) => {
                let lead = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                rest = rest[lead..].strip_prefix(&bytes[..]).expect("messages stand in the stream in order");
                if let Ok(message) = Message::parse(bytes.clone()) {
                    assert!(bytes.ends_with(message.body()) && message.count(HeaderId::ContentLength) == 1);
                    let length = message.first(HeaderId::ContentLength).expect("it is there").parse();
                    assert_eq!(length, Ok(message.body().len()));
                }
            }
            Frame::Ping => assert_eq!(end, StreamEnd::Server),
            Frame::Pong => assert_eq!(end, StreamEnd::Client),
        }
    }
});

fn frames(end: StreamEnd, stream: &[u8], size: usize) -> (Vec<Frame>, Option<ParseError>) {
    let mut framer = Framer::new(end, &Limits { message: MESSAGE, ..Limits::default() });
    let mut received = BytesMut::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        received.extend_from_slice(piece);
        loop {
            match framer.poll_frame(&mut received) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(received.len() < MESSAGE);
    }
    (frames, None)
}
