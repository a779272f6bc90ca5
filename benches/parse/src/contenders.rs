//! Who is measured.

use std::hint::black_box;

use bytes::Bytes;
use sip_message::Message;

use crate::messages::{self, Seen};
use crate::{floor, peers};

/// Parses the datagram and drops what came of it. `None` says that it is refused; a head has nothing to tell.
pub(crate) type Parse = fn(&Bytes) -> Option<Seen>;

/// A parser.
pub(crate) struct Contender {
    /// The package, or what stands for one.
    pub(crate) name: &'static str,
    pub(crate) head: Parse,
    pub(crate) full: Parse,
}

/// Where ours stands in [`CONTENDERS`]: what it sees in a message, the others have to see.
pub(crate) const OURS: usize = 0;

/// Where the floor stands in [`CONTENDERS`].
pub(crate) const FLOOR: usize = 1;

pub(crate) const CONTENDERS: [Contender; 6] = [
    Contender {
        name: "patchcord-sip-message",
        // The transport hands its buffer over; here it is needed again, so that the clone is counted too.
        head: |datagram| head(Message::parse(datagram.clone()).ok()),
        full: |datagram| messages::full(datagram.clone()).ok(),
    },
    Contender {
        name: "floor",
        head: |datagram| head(floor::Lines::find(datagram)),
        full: |datagram| floor::full(datagram),
    },
    Contender {
        name: "rsipstack",
        head: |datagram| head(peers::rsipstack::head(datagram)),
        full: |datagram| peers::rsipstack::full(datagram),
    },
    Contender {
        name: "rsip",
        head: |datagram| head(peers::rsip::head(datagram)),
        full: |datagram| peers::rsip::full(datagram),
    },
    Contender {
        name: "ezk-sip-types",
        head: |datagram| head(peers::ezk::head(datagram)),
        full: |datagram| peers::ezk::full(datagram),
    },
    Contender {
        name: "rvoip-sip-core",
        head: |datagram| head(peers::rvoip::head(datagram)),
        full: |datagram| peers::rvoip::full(datagram),
    },
];

fn head<T>(message: Option<T>) -> Option<Seen> {
    black_box(message).map(|_| Seen::default())
}

impl Contender {
    /// The name, with the version that the lock file has; the floor and ours have none to tell.
    pub(crate) fn title(&self) -> String {
        let name = format!("name = \"{}\"", self.name);
        let locked = include_str!("../Cargo.lock")
            .split("[[package]]")
            .find(|package| package.contains("\nsource = ") && package.lines().any(|line| line == name));
        let version = locked.and_then(|package| package.split_once("\nversion = \"")?.1.split('"').next());
        version.map_or_else(|| self.name.to_owned(), |version| format!("{} {version}", self.name))
    }
}
