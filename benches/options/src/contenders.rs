//! Who answers.

use std::{error::Error, io, net::SocketAddr};

use tokio::runtime::{Builder, Runtime};

use crate::{ours, rsipstack};

/// Tells the driver where a server listens.
pub(crate) type Tell<'a> = &'a dyn Fn(SocketAddr) -> io::Result<()>;

/// One stack, in one way to run it.
pub(crate) struct Contender {
    /// How `serve` calls it.
    pub(crate) name: &'static str,
    /// How the table calls it.
    pub(crate) title: &'static str,
    /// Answers each request with 200, for ever.
    pub(crate) serve: fn(Tell<'_>) -> Result<(), Box<dyn Error>>,
}

/// The place of ours.
pub(crate) const OURS: usize = 0;

/// rsipstack's own programs run on the runtime with several workers, ours on that of one thread; so it runs on both.
pub(crate) const CONTENDERS: [Contender; 3] = [
    Contender {
        name: "ours",
        title: "patchcord-transaction-core",
        serve: |tell| one_thread()?.block_on(ours::serve(tell)),
    },
    Contender {
        name: "rsipstack",
        title: "rsipstack, workers",
        serve: |tell| Runtime::new()?.block_on(rsipstack::serve(tell)),
    },
    Contender {
        name: "rsipstack-one-thread",
        title: "rsipstack, one thread",
        serve: |tell| one_thread()?.block_on(rsipstack::serve(tell)),
    },
];

pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.name == name)
}

fn one_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
