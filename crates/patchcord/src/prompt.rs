//! Questions on the terminal, one after the other.

use std::io::{BufRead, IsTerminal, Write};

use session_core::{IncomingTransfer, printable};
use tokio::sync::{mpsc, oneshot};

use crate::exit::Failure;

/// Questions that may wait for the person; a referrer whose question does not fit is refused at once.
const WAITING: usize = 32;

/// Asks the person at the terminal. Questions go to stderr, so that stdout stays a list of events.
pub(crate) struct Prompt {
    questions: mpsc::Sender<IncomingTransfer>,
}

impl Prompt {
    /// Opens the terminal; an error where standard input is none.
    pub(crate) fn open() -> Result<Self, Failure> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "'--refer ask' needs a terminal on standard input; use allow or deny",
            ));
        }
        let (questions, waiting) = mpsc::channel(WAITING);
        tokio::spawn(answer_all(waiting, lines()));
        Ok(Self { questions })
    }

    /// Puts a transfer to the person. Dropping an undecided transfer refuses it.
    pub(crate) fn ask(&self, transfer: IncomingTransfer) {
        if let Err(error) = self.questions.try_send(transfer) {
            tracing::warn!("too many transfers wait for an answer; one was refused");
            drop(error);
        }
    }
}

async fn answer_all(
    mut waiting: mpsc::Receiver<IncomingTransfer>,
    lines: mpsc::Sender<oneshot::Sender<String>>,
) {
    while let Some(transfer) = waiting.recv().await {
        let by = transfer.referred_by().map_or_else(String::new, |by| format!(" (says {by}, unverified)"));
        let asked = format!("{}: call {} instead?{by} [y/N] ", transfer.session(), transfer.target());
        // A person decides by what it says, so that nobody else may write in it (SEC-19).
        question(&printable(&asked));
        let (reply, replied) = oneshot::channel();
        if lines.send(reply).await.is_err() {
            return;
        }
        let Ok(line) = replied.await else { return };
        let yes = matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        let done = if yes { transfer.accept().await } else { transfer.reject().await };
        if let Err(error) = done {
            question(&format!("too late: {error}\n"));
        }
    }
}

fn question(words: &str) {
    let mut stderr = std::io::stderr().lock();
    if let Err(error) = stderr.write_all(words.as_bytes()).and_then(|()| stderr.flush()) {
        tracing::warn!(%error, "the question cannot be shown");
    }
}

/// A thread that reads a line for each request: a blocking read cannot be cancelled, and must not hold up the runtime.
fn lines() -> mpsc::Sender<oneshot::Sender<String>> {
    let (ask, mut asked) = mpsc::channel::<oneshot::Sender<String>>(1);
    std::thread::spawn(move || {
        while let Some(reply) = asked.blocking_recv() {
            let mut line = String::new();
            match std::io::stdin().lock().read_line(&mut line) {
                // The end of the input, or no terminal any more: nobody is there to ask.
                Ok(0) | Err(_) => return,
                // A question whose asker is gone needs no answer.
                Ok(_) => drop(reply.send(line)),
            }
        }
    });
    ask
}
