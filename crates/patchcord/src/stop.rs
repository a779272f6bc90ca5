//! The user's wish to end: Ctrl-C, SIGTERM, or a reader of our output that went away.

use tokio::sync::watch;

use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Becomes true once the process should end its calls and itself.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for signals from now on. The first asks for a clean end, the second ends the process at once.
    pub(crate) fn install(console: &Console) -> Result<Self, Failure> {
        let (tell, told) = watch::channel(false);
        let mut signals = Signals::new()?;
        let mut unread = console.broken();
        tokio::spawn(async move {
            tokio::select! {
                () = signals.next() => {}
                // The console outlives every verb, so an error here is the end of the process.
                Ok(_) = unread.wait_for(|broken| *broken) => {}
            }
            tell.send_replace(true);
            signals.insisted().await;
            std::process::exit(i32::from(Exit::Failed.code()));
        });
        Ok(Self(told))
    }

    /// Waits until the user wants to end.
    pub(crate) async fn wanted(&self) {
        let mut told = self.0.clone();
        if told.wait_for(|stop| *stop).await.is_err() {
            // The task that tells is gone, and with it the runtime: nothing will be told any more.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let refused =
            |error: std::io::Error| Failure::environment(format!("signals cannot be received: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The user is tired of waiting. Only from the keyboard: supervisors send SIGTERM to a process and its group.
    async fn insisted(&mut self) {
        self.interrupt.recv().await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn insisted(&mut self) {
        self.next().await;
    }
}
