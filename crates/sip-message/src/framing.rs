//! Messages and keep-alives out of a stream (RFC 3261 §7.5, §18.3; RFC 5626 §4.4.1).

use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use crate::{HeaderId, Limits, ParseError, ParseErrorKind};

/// What stands on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One message, from its start line to the end of its body: what [`Message::parse_with`](crate::Message::parse_with)
    /// reads. It shares the memory of the receive buffer.
    Message(Bytes),
    /// The client's keep-alive, two CRLF in a row; answered with one CRLF. Comes at the server's end only.
    Ping,
    /// The server's answer to a keep-alive, one CRLF. Comes at the client's end only.
    Pong,
}

/// Which end of the connection reads: a CRLF means one thing to the client and another to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// Opened the connection and sends the pings.
    Client,
    /// Accepted the connection and answers the pings.
    Server,
}

/// Cuts one direction of a TCP or TLS connection into frames.
///
/// The split of the bytes over the reads makes no difference to the frames, and the search for the end of a message goes
/// on where it stopped, so that single bytes cost no more than linear time in all. The head is not parsed here: only line
/// ends and the lines that may be Content-Length are looked at. So a message that is framed well but cannot be parsed is
/// handed out too, the stream goes on behind it, and it is answered as one that came in a datagram.
///
/// An error ends the stream, as nobody can say where the next message starts: every later call fails with the same
/// error, and the connection is to be closed. Offsets in it count from the first byte of the message.
///
/// - [`MessageTooLarge`](ParseErrorKind::MessageTooLarge): the head exceeds [`Limits::message`].
/// - [`BodyTooLarge`](ParseErrorKind::BodyTooLarge): head and body by its Content-Length exceed it; found before the body is
///   waited for.
/// - [`Missing`](ParseErrorKind::Missing), in Content-Length: it is mandatory on streams (RFC 3261 §20.14).
/// - [`Duplicate`](ParseErrorKind::Duplicate), in Content-Length: a second one, even of the same value, as the next
///   element may believe the other one.
/// - [`ContentLength`](ParseErrorKind::ContentLength): the value is no number, is negative, or exceeds `u32::MAX`.
///
/// ```
/// use bytes::BytesMut;
/// use sip_message::framing::{Frame, Framer, StreamEnd};
/// use sip_message::{Limits, Message, ParseError};
///
/// let mut framer = Framer::new(StreamEnd::Server, &Limits::default());
/// let mut received = BytesMut::from("\r\n\r\nOPTIONS sip:bob@192.0.2.4 SIP/2.0\r\nl: 2");
/// assert_eq!(framer.poll_frame(&mut received)?, Some(Frame::Ping));
/// assert_eq!(framer.poll_frame(&mut received)?, None);
/// received.extend_from_slice(b"\r\n\r\nhi\r\n");
/// if let Some(Frame::Message(bytes)) = framer.poll_frame(&mut received)? {
///     assert_eq!(Message::parse(bytes)?.body(), b"hi");
/// }
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Debug)]
pub struct Framer {
    end: StreamEnd,
    limit: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Before a start line; whether the last thing read was a CRLF that may be half of a ping.
    Between { half_ping: bool },
    /// In a head, which starts at the first byte of the buffer.
    Head(Head),
    /// Behind the head; how long the message is.
    Body(usize),
    /// Behind an error.
    Dead(ParseError),
}

/// How far a head has been read; offsets from its first byte.
#[derive(Debug, Default)]
struct Head {
    /// Where the line starts whose end is searched for.
    line: usize,
    /// Where the search for its end goes on.
    scanned: usize,
    /// The value of Content-Length, continuation lines included.
    length: Option<Range<usize>>,
    /// Whether a continuation line would belong to that value.
    open: bool,
}

impl Framer {
    /// Starts before the first message. Of `limits`, [`Limits::message`] counts here and the others in the parser.
    pub const fn new(end: StreamEnd, limits: &Limits) -> Framer {
        Framer { end, limit: limits.message, state: State::Between { half_ping: false } }
    }

    /// Takes the next frame from the front of `received`; `None` asks for more bytes.
    ///
    /// The caller appends what it reads to `received` and changes nothing else in it. After `None` it holds at most
    /// [`Limits::message`] bytes, after an error none.
    pub fn poll_frame(&mut self, received: &mut BytesMut) -> Result<Option<Frame>, ParseError> {
        self.advance(received).inspect_err(|error| {
            received.clear();
            self.state = State::Dead(*error);
        })
    }

    fn advance(&mut self, received: &mut BytesMut) -> Result<Option<Frame>, ParseError> {
        loop {
            match &mut self.state {
                State::Between { half_ping } => match received[..] {
                    [] | [b'\r'] => return Ok(None),
                    [b'\r', b'\n', ..] => {
                        received.advance(2);
                        *half_ping = self.end == StreamEnd::Server && !*half_ping;
                        match self.end {
                            StreamEnd::Client => return Ok(Some(Frame::Pong)),
                            StreamEnd::Server if !*half_ping => return Ok(Some(Frame::Ping)),
                            StreamEnd::Server => {}
                        }
                    }
                    // Half a line end keeps nothing alive, but harms nothing either: a datagram may start with it too.
                    [b'\r' | b'\n', ..] => {
                        received.advance(1);
                        *half_ping = false;
                    }
                    _ => self.state = State::Head(Head::default()),
                },
                State::Head(head) => match head.read(received, self.limit)? {
                    Some(length) => self.state = State::Body(length),
                    None => return Ok(None),
                },
                State::Body(length) if received.len() < *length => return Ok(None),
                State::Body(length) => {
                    let message = received.split_to(*length).freeze();
                    self.state = State::Between { half_ping: false };
                    return Ok(Some(Frame::Message(message)));
                }
                State::Dead(error) => return Err(*error),
            }
        }
    }
}

impl Head {
    /// Reads on; the result is the length of the whole message, once the head is there.
    ///
    /// A line ends with LF, and the CR before it may be missing, as in [`Message::parse`](crate::Message::parse): a
    /// different view of where the head ends would let a message hide in another.
    fn read(&mut self, received: &[u8], limit: usize) -> Result<Option<usize>, ParseError> {
        let window = &received[..received.len().min(limit)];
        while let Some(offset) = memchr(b'\n', &window[self.scanned..]) {
            let newline = self.scanned + offset;
            self.scanned = newline + 1;
            match &window[self.line..newline] {
                [] | [b'\r'] => return self.message_length(window, limit).map(Some),
                // The start line is no header, whatever it looks like.
                _ if self.line == 0 => {}
                line => self.header_line(line)?,
            }
            self.line = self.scanned;
        }
        self.scanned = window.len();
        if window.len() == limit { Err(too_large(limit)) } else { Ok(None) }
    }

    fn header_line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        let end = self.line + line.len();
        if let [b' ' | b'\t', ..] = line {
            if let Some(value) = self.length.as_mut().filter(|_| self.open) {
                value.end = end;
            }
            return Ok(());
        }
        let value = content_length_value(line);
        self.open = value.is_some();
        if let Some(start) = value {
            if self.length.is_some() {
                return Err(of_content_length(ParseErrorKind::Duplicate, self.line));
            }
            self.length = Some(self.line + start..end);
        }
        Ok(())
    }

    /// The length of head and body; the head ends where the search stands.
    fn message_length(&self, head: &[u8], limit: usize) -> Result<usize, ParseError> {
        let Some(value) = self.length.clone() else {
            return Err(of_content_length(ParseErrorKind::Missing, 0));
        };
        // Blanks and folds are taken off as the parser does.
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let text = &head[value.clone()];
        let blanks = text.iter().take_while(blank).count();
        let digits = &text[blanks..];
        let digits = &digits[..digits.len() - digits.iter().rev().take_while(blank).count()];
        let body = Some(digits)
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| core::str::from_utf8(digits).ok()?.parse::<u32>().ok())
            .ok_or_else(|| of_content_length(ParseErrorKind::ContentLength, value.start + blanks))?;
        let length = self.scanned.saturating_add(body as usize);
        if length > limit {
            return Err(
                ParseError::new(ParseErrorKind::BodyTooLarge, limit).of_header(HeaderId::ContentLength)
            );
        }
        Ok(length)
    }
}

/// Where the value starts, if the line is a Content-Length: either name, any case, blanks before the colon.
fn content_length_value(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"Content-Length";
    let name = match line {
        [b'L' | b'l', ..] => 1,
        // Most lines are told from it by their first letter.
        [b'C' | b'c', ..] if line.get(..NAME.len())?.eq_ignore_ascii_case(NAME) => NAME.len(),
        _ => return None,
    };
    let colon = name + line[name..].iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
    (line[colon] == b':').then_some(colon + 1)
}

fn too_large(limit: usize) -> ParseError {
    ParseError::new(ParseErrorKind::MessageTooLarge, limit)
}

fn of_content_length(kind: ParseErrorKind, offset: usize) -> ParseError {
    ParseError::new(kind, offset).of_header(HeaderId::ContentLength)
}
