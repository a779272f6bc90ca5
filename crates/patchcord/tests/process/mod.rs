//! A running `patchcord` whose JSON lines can be waited for.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A process, killed if the test ends before it.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    seen: Vec<Value>,
}

impl Running {
    /// Starts the binary.
    pub(crate) fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_patchcord"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, lines, seen: Vec::new() }
    }

    /// Reads until an event of this name; the end of the output before it fails the test.
    pub(crate) fn wait(&mut self, event: &str) -> Value {
        while let Some(line) = self.next() {
            if line["event"] == event {
                return line;
            }
        }
        panic!("the output ended before {event}: {:#?}", self.seen);
    }

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.lines.read_line(&mut line).expect("stdout is UTF-8") == 0 {
            return None;
        }
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.seen.push(line.clone());
        Some(line)
    }

    /// Asks for the end as Ctrl-C does, and gives the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let signalled = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .expect("kill runs")
            .success();
        assert!(signalled, "the process has ended already: {:#?}", self.seen);
        self.end()
    }

    /// Reads to the end of the output, and gives the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        while self.next().is_some() {}
        self.child.wait().expect("the process can be waited for").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors only say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end.
pub(crate) fn run(words: &[&str]) -> (Option<i32>, Vec<Value>) {
    let mut running = Running::start(words);
    let code = running.end();
    (code, std::mem::take(&mut running.seen))
}
