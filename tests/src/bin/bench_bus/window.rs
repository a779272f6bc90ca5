//! The flow control that all contenders share: so many events under way and no more.

use std::sync::{Condvar, Mutex, PoisonError};

/// Events that may be under way.
pub(crate) const WINDOW: usize = 1024;

/// Readers report once for so many events, and the publisher stays at most two of these ahead.
pub(crate) const HALF: u64 = WINDOW as u64 / 2;

/// Which reader has read how many halves of the window.
pub(crate) struct Window {
    read: Mutex<Vec<u64>>,
    moved: Condvar,
}

impl Window {
    pub(crate) fn new(readers: usize) -> Self {
        Self { read: Mutex::new(vec![0; readers]), moved: Condvar::new() }
    }

    /// Waits until every reader has read so many halves.
    pub(crate) fn wait_for(&self, halves: u64) {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |read: &mut Vec<u64>| read.iter().any(|read| *read < halves);
        drop(self.moved.wait_while(read, behind).unwrap_or_else(PoisonError::into_inner));
    }

    fn advance(&self, reader: usize) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read[reader] += 1;
        // The last one to read this half lets the publisher go on; the others need not wake it.
        let last = read.iter().all(|other| *other >= read[reader]);
        drop(read);
        if last {
            self.moved.notify_one();
        }
    }
}

/// Counts what one reader reads.
pub(crate) struct Reading<'a> {
    window: &'a Window,
    reader: usize,
    next: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(window: &'a Window, reader: usize) -> Self {
        Self { window, reader, next: 0 }
    }

    /// Takes event `number`, which must be the next: nothing may be lost or overtake.
    pub(crate) fn read(&mut self, number: u64) {
        assert_eq!(number, self.next, "an event was lost");
        self.next += 1;
        if self.next.is_multiple_of(HALF) {
            self.window.advance(self.reader);
        }
    }
}
