//! What waits to be written to one connection.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Most messages that are written at once. It bounds the list of them; their bytes are bounded by the queue.
const BATCH: usize = 64;

/// Makes the queue of one connection, of so many bytes and so many messages.
pub(super) fn queue(bytes: usize, messages: usize) -> (Entrance, Exit) {
    let (sender, receiver) = mpsc::channel(messages.max(1));
    let waiting = Arc::new(AtomicUsize::new(0));
    let entrance = Entrance { sender, waiting: Arc::clone(&waiting), bytes };
    (entrance, Exit { receiver, waiting, wrote: false })
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// More waits than may wait.
    Full,
    /// The connection is over.
    Over,
}

/// Where messages go in; when it is dropped, the exit ends behind the last of them.
#[derive(Debug)]
pub(super) struct Entrance {
    sender: mpsc::Sender<Bytes>,
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl Entrance {
    pub(super) fn push(&self, wire: Bytes) -> Result<(), NotTaken> {
        let length = wire.len();
        // This is the only place where it grows, so that it cannot pass the limit between the two lines.
        if self.waiting.load(Ordering::Relaxed) + length > self.bytes {
            return Err(NotTaken::Full);
        }
        self.waiting.fetch_add(length, Ordering::Relaxed);
        self.sender.try_send(wire).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Closed(_) => NotTaken::Over,
        })
    }
}

/// Where messages come out.
#[derive(Debug)]
pub(super) struct Exit {
    receiver: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    wrote: bool,
}

impl Exit {
    /// Waits for messages and takes those that are there, at most 64; none at the end of the queue.
    pub(super) async fn take(&mut self, batch: &mut Vec<Bytes>) {
        batch.clear();
        self.receiver.recv_many(batch, BATCH).await;
    }

    /// What was taken is written, and counts no more.
    pub(super) fn written(&mut self, batch: &[Bytes]) {
        self.wrote = true;
        self.waiting.fetch_sub(batch.iter().map(Bytes::len).sum(), Ordering::Relaxed);
    }

    /// Whether anything was ever written.
    pub(super) const fn wrote(&self) -> bool {
        self.wrote
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_bytes_may_wait_and_not_one_more() {
        let (entrance, mut exit) = queue(10, 64);
        entrance.push(Bytes::from_static(b"123456")).expect("room");
        entrance.push(Bytes::from_static(b"1234")).expect("room to the last byte");
        assert_eq!(entrance.push(Bytes::from_static(b"1")), Err(NotTaken::Full));
        let mut batch = Vec::new();
        exit.take(&mut batch).await;
        // What is being written still waits.
        assert_eq!(entrance.push(Bytes::from_static(b"1")), Err(NotTaken::Full));
        exit.written(&batch);
        entrance.push(Bytes::from_static(b"1234567890")).expect("room again");
    }

    #[test]
    fn so_many_messages_may_wait_and_not_one_more() {
        let (entrance, exit) = queue(1000, 3);
        for _ in 0..3 {
            entrance.push(Bytes::from_static(b"1")).expect("room");
        }
        assert_eq!(entrance.push(Bytes::from_static(b"1")), Err(NotTaken::Full));
        drop(exit);
        assert_eq!(entrance.push(Bytes::from_static(b"1")), Err(NotTaken::Over));
    }

    #[tokio::test]
    async fn the_exit_ends_behind_the_last_message() {
        let (entrance, mut exit) = queue(1000, 100);
        for _ in 0..=BATCH {
            entrance.push(Bytes::from_static(b"1")).expect("room");
        }
        drop(entrance);
        let mut batch = Vec::new();
        for expected in [BATCH, 1, 0] {
            exit.take(&mut batch).await;
            assert_eq!(batch.len(), expected);
        }
    }
}
