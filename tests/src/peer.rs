//! Independent programs that patchcord is tested against, and patchcord's own binary, as child processes.
//!
//! Every wait is bounded and ends with the awaited line or event; every process is ended when its handle is dropped.

pub mod answer;
pub mod application;
pub mod authority;
pub mod baresip;
pub mod dnsmasq;
pub mod events;
pub mod kamailio;
pub mod linphone;
pub mod nat;
pub mod network;
pub mod pcap;
pub mod phone;
pub mod process;
pub mod recording;
pub mod sipjs;
pub mod sipp;
pub mod sockets;
pub mod tone;
pub mod wav;

use std::{path::PathBuf, time::Duration};

use thiserror::Error;

/// How long a peer may take to be ready, or to say what is awaited, where the test does not say otherwise. Far longer than
/// it takes; it bounds a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Why a test with a peer cannot go on.
#[derive(Debug, Error)]
pub enum PeerError {
    /// The program is not there or does not start.
    #[error("{program} does not start: {source}")]
    Start {
        /// Its name.
        program: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Something that was awaited did not come.
    #[error("{program}: {what} did not come within {limit:?}; its output:\n{output}")]
    Missing {
        /// Who should have said it.
        program: String,
        /// What was awaited.
        what: String,
        /// How long it was awaited.
        limit: Duration,
        /// What was said instead.
        output: String,
    },
    /// The peer cannot do what is asked of it; the table of cases asks for it all the same.
    #[error("{program} cannot {what}")]
    Unable {
        /// Its name.
        program: String,
        /// What was asked.
        what: String,
    },
    /// Files or sockets of the test itself.
    #[error("{what}: {source}")]
    Environment {
        /// What was tried.
        what: String,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// A folder for the files of one peer, new for this process.
pub fn scratch(name: &str) -> Result<PathBuf, PeerError> {
    let folder = std::env::temp_dir().join(format!("patchcord-interop-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .map_err(|source| PeerError::Environment { what: folder.display().to_string(), source })?;
    Ok(folder)
}
