//! A child process whose output is read line by line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::PeerError;

/// A running child. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The process group that it leads, if it leads one.
    group: Option<Pid>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts a program; its standard output and error are read.
    pub fn spawn(name: &str, command: &mut Command) -> Result<Self, PeerError> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| PeerError::Start { program: name.to_owned(), source })?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, sender);
        }
        Ok(Self { name: name.to_owned(), child, group: None, lines, seen: Vec::new() })
    }

    /// Starts a program that has processes of its own: all of them end with it.
    pub fn spawn_group(name: &str, command: &mut Command) -> Result<Self, PeerError> {
        let mut process = Self::spawn(name, command.process_group(0))?;
        process.group = Some(Pid::from_child(&process.child));
        Ok(process)
    }

    /// Waits for a line; gives it back. Lines that came before are not looked at again.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, PeerError> {
        let deadline = Instant::now() + limit;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if fits(&line) {
                return Ok(line);
            }
        }
        Err(self.missing(what, limit))
    }

    /// The next line, if one comes within the limit.
    pub fn next_line(&mut self, limit: Duration) -> Option<String> {
        let line = self.lines.recv_timeout(limit).ok()?;
        self.seen.push(line.clone());
        Some(line)
    }

    /// Reads on for a short time; whether the program still runs.
    pub fn runs(&mut self, pause: Duration) -> bool {
        match self.lines.recv_timeout(pause) {
            Ok(line) => {
                self.seen.push(line);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Waits until the program has ended by itself.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<ExitStatus, PeerError> {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                // Both outputs are closed: it has ended, or is about to.
                Err(RecvTimeoutError::Disconnected) => {
                    return self
                        .child
                        .wait()
                        .map_err(|source| PeerError::Start { program: self.name.clone(), source });
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.missing("its end", limit)),
            }
        }
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) -> Result<(), PeerError> {
        let Some(stdin) = &mut self.child.stdin else { return Ok(()) };
        let written = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        written.map_err(|source| PeerError::Environment { what: format!("input of {}", self.name), source })
    }

    /// All lines so far.
    pub fn output(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.seen.push(line);
        }
        self.seen.join("\n")
    }

    /// The lines that were read so far.
    pub fn lines(&self) -> &[String] {
        &self.seen
    }

    /// Interrupts it as Ctrl-C does.
    pub fn interrupt(&self) -> Result<(), PeerError> {
        kill_process(Pid::from_child(&self.child), Signal::INT).map_err(|error| PeerError::Environment {
            what: format!("interrupting {}", self.name),
            source: error.into(),
        })
    }

    /// Ends it; afterwards it writes no file any more.
    pub fn end(&mut self) {
        if let Some(group) = self.group.take() {
            // Not there any more if it has ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        // It may have ended by itself.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }

    pub(crate) fn missing(&mut self, what: &str, limit: Duration) -> PeerError {
        PeerError::Missing { program: self.name.clone(), what: what.to_owned(), limit, output: self.output() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_lines(output: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
}
