//! `--pcap FILE`: what is sent and received, for tshark, Wireshark and sngrep.

use std::io;
use std::path::{Path, PathBuf};

use session_core::{Builder, Capture};

use crate::exit::{self, Failure};

/// The capture of this process, if one is wanted.
#[derive(Debug)]
pub(crate) struct Recording(Option<(PathBuf, Capture)>);

impl Recording {
    /// Creates the file.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(Self(None)) };
        match Capture::create(file) {
            Ok(capture) => Ok(Self(Some((file.to_owned(), capture)))),
            Err(error) => {
                Err(Failure::environment(format!("cannot write packets to {}: {error}", file.display())))
            }
        }
    }

    /// Records what a user agent sends and receives.
    pub(crate) fn of(&self, builder: Builder) -> Builder {
        match &self.0 {
            Some((_, capture)) => builder.capture(capture.clone()),
            None => builder,
        }
    }

    /// Records one of several user agents that talk with each other only: each packet once, where it is sent.
    pub(crate) fn of_one_among_us(&self, builder: Builder) -> Builder {
        match &self.0 {
            Some((_, capture)) => builder.capture(capture.sent_only()),
            None => builder,
        }
    }

    /// Ends the file, and says on stderr what is missing in it. Calls do not fail for it.
    pub(crate) fn close(self) {
        let Some((file, capture)) = self.0 else { return };
        let report = capture.finish();
        if let Some(line) = loss(&file, report.written, report.missing(), report.failure.as_deref()) {
            exit::say(&line);
        }
    }
}

fn loss(file: &Path, written: u64, missing: u64, failure: Option<&io::Error>) -> Option<String> {
    if missing == 0 {
        return None;
    }
    let why = failure.map_or_else(|| "the disk is too slow".to_owned(), ToString::to_string);
    let all = written + missing;
    Some(format!("{}: {missing} of {all} packets are missing: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_with_its_reason() {
        let file = Path::new("call.pcap");
        assert_eq!(loss(file, 10, 0, None), None);
        assert_eq!(
            loss(file, 9, 1, None).as_deref(),
            Some("call.pcap: 1 of 10 packets are missing: the disk is too slow")
        );
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(
            loss(file, 0, 10, Some(&full)).as_deref(),
            Some("call.pcap: 10 of 10 packets are missing: no storage space")
        );
    }
}
