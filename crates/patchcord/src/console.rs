//! What goes to stdout: events as JSON or as text, one line each, flushed as soon as nothing more is to be told.

use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use session_core::{SessionEvent, printable};
use tokio::sync::watch;

use crate::exit::Exit;
use crate::json::Line;
use crate::text;

/// The process's stdout and its clock.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    started: Instant,
    broken: watch::Sender<bool>,
}

impl Console {
    /// Starts the clock of `at_ms`.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, started: Instant::now(), broken: watch::channel(false).0 }
    }

    /// Whether events are JSON.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Time since the process's start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// When the process started.
    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    /// Becomes true once nobody reads stdout any more.
    pub(crate) fn broken(&self) -> watch::Receiver<bool> {
        self.broken.subscribe()
    }

    /// The line of an event of the bus; `at` is on this console's clock. `None` where there is nothing to say.
    pub(crate) fn line_of(&self, at: Duration, event: &SessionEvent) -> Option<String> {
        if self.json {
            Some(Line::of(event, at).to_json())
        } else {
            text::of(event).map(|words| timed(at, &words))
        }
    }

    /// The line of an event of the application itself: as JSON, or in these words.
    pub(crate) fn line_of_own(&self, line: &Line, words: &str) -> String {
        if self.json { line.to_json() } else { timed(self.now(), words) }
    }

    /// Tells an event of the application itself.
    pub(crate) fn own(&self, line: &Line, words: &str) {
        self.line(&self.line_of_own(line, words));
    }

    /// Tells what only programs want to know.
    pub(crate) fn json_line(&self, line: &Line) {
        if self.json {
            self.line(&line.to_json());
        }
    }

    /// Tells what only people want to know.
    pub(crate) fn say(&self, words: &str) {
        if !self.json {
            self.line(words);
        }
    }

    /// Tells the end of the process: the last JSON line. People are told by stderr and the exit code.
    pub(crate) fn finished(&self, exit: Exit, reason: Option<&str>) {
        self.json_line(&Line::own("finished", self.now()).with_reason(reason).with("exit_code", exit.code()));
    }

    /// Writes one line.
    pub(crate) fn line(&self, line: &str) {
        self.lines([line]);
    }

    /// Writes lines, which leave together.
    pub(crate) fn lines<'a>(&self, lines: impl IntoIterator<Item = &'a str>) {
        if *self.broken.borrow() {
            return;
        }
        let mut stdout = BufWriter::new(io::stdout().lock());
        let written = lines.into_iter().try_for_each(|line| writeln!(stdout, "{line}"));
        if let Err(error) = written.and_then(|()| stdout.flush()) {
            tracing::warn!(%error, "stdout cannot be written; ending");
            self.broken.send_replace(true);
        }
    }
}

/// A line of text with the time of what it tells, in seconds.
fn timed(at: Duration, words: &str) -> String {
    format!("{:>9.3}  {}", at.as_secs_f64(), printable(words))
}

#[cfg(test)]
mod tests {
    use session_core::{EventKind, SessionEvent};

    use super::*;

    #[test]
    fn what_a_peer_calls_itself_stays_on_one_line() {
        // covers: SEC-19
        let kind = EventKind::IncomingCall {
            from: "sip:x@h\r\n    0.000  forged\u{1b}[2J".into(),
            to: "sip:us@h".into(),
        };
        let event = SessionEvent { seq: 0, at: Duration::ZERO, session: None, transfer: None, kind };
        for json in [false, true] {
            let line = Console::new(json).line_of(Duration::ZERO, &event).expect("a line");
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(line.contains("forged"));
        }
    }
}
