//! Everything that happened in a run, in order.

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::Bytes;
use session_core::SessionEvent;
use sip_message::{Message, Method, StartLine, StatusCode};
use sip_transport::{CloseCause, Transport};

/// One thing that happened.
#[derive(Debug)]
pub struct Entry {
    /// Since the start of the world.
    pub at: Duration,
    /// The party it happened to.
    pub node: usize,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// The party sent a SIP message.
    Sent {
        /// To which party; `None` if nobody has the address.
        to: Option<usize>,
        /// The address.
        address: SocketAddr,
        /// The message.
        message: Bytes,
        /// How many copies arrive.
        copies: usize,
        /// On which connection, by its number, from 1; `None` for a datagram.
        connection: Option<usize>,
    },
    /// A SIP message arrived at the party.
    Received {
        /// From which party.
        from: usize,
        /// The message.
        message: Bytes,
        /// On which connection, as with [`What::Sent`].
        connection: Option<usize>,
    },
    /// Something happened to the party's end of a connection.
    Stream {
        /// The connection's number, from 1.
        connection: usize,
        /// Its transport.
        transport: Transport,
        /// The party at the other end.
        with: usize,
        /// What happened.
        news: StreamNews,
    },
    /// The party's engine told an event.
    Event(Box<SessionEvent>),
    /// The party's application asked for something.
    Asked(String),
    /// A command of the party's application was refused.
    Refused(String),
}

/// What happens to a party's end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamNews {
    /// The party begins to open it.
    Opens,
    /// It is there.
    IsThere,
    /// The party closes it.
    Closes,
    /// The party is told that it is over.
    Over(CloseCause),
}

impl StreamNews {
    /// Whether the party has the connection no more.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Closes | Self::Over(_))
    }
}

impl fmt::Display for StreamNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opens => f.write_str("opens"),
            Self::IsThere => f.write_str("has"),
            Self::Closes => f.write_str("closes"),
            Self::Over(cause) => write!(f, "is told that {cause}:"),
        }
    }
}

/// The journal of a run.
#[derive(Debug, Default)]
pub struct Journal {
    /// In the order in which it happened.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// The events of one party.
    pub fn events(&self, node: usize) -> impl Iterator<Item = &SessionEvent> {
        self.entries.iter().filter_map(move |entry| match &entry.what {
            What::Event(event) if entry.node == node => Some(&**event),
            _ => None,
        })
    }

    /// The SIP messages that a party sent and received, in order, with the direction.
    pub fn messages(&self, node: usize) -> impl Iterator<Item = (Duration, Way, Message)> {
        self.entries.iter().filter(move |entry| entry.node == node).filter_map(|entry| {
            let (way, bytes) = match &entry.what {
                What::Sent { message, .. } => (Way::Out, message),
                What::Received { message, .. } => (Way::In, message),
                What::Stream { .. } | What::Event(_) | What::Asked(_) | What::Refused(_) => return None,
            };
            Message::parse(bytes.clone()).ok().map(|message| (entry.at, way, message))
        })
    }
}

/// The direction of a message as a party sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// The kind of a message: `NOTIFY` for a request, `202/REFER` for a response; `?` if it cannot be told.
pub fn kind(bytes: &Bytes) -> String {
    let Ok(message) = Message::parse(bytes.clone()) else { return "?".to_owned() };
    match message.start_line() {
        StartLine::Request { method, .. } => method.to_string(),
        StartLine::Status { code, .. } => match message.cseq() {
            Ok(cseq) => format!("{}/{}", code.as_u16(), cseq.method),
            Err(_) => format!("{}/?", code.as_u16()),
        },
    }
}

/// Whether a message is a request of this method.
pub fn is_request(message: &Message, method: &Method) -> bool {
    message.method().as_ref() == Some(method)
}

/// The status and method of a response.
pub fn response(message: &Message) -> Option<(StatusCode, Method)> {
    Some((message.status()?, message.cseq().ok()?.method))
}
