//! NOTIFYs of manual transfers on their way to whoever asked for them. One that nobody takes, because its future was
//! dropped, stays for whoever asks next.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use transfer::{TransferId, TransferProgress};

/// NOTIFYs that wait for a next call; the oldest is forgotten beyond that. A transfer has one at most, and only that of a
/// transfer about which nobody asks any more stays for long.
const UNTAKEN: usize = 256;

/// A NOTIFY that was asked for, until it is taken.
#[derive(Debug, Clone)]
pub(crate) struct Notified(Arc<Mutex<Option<TransferProgress>>>);

impl Notified {
    /// Takes it; `None` if another task was first.
    pub(crate) fn take(&self) -> Option<TransferProgress> {
        self.slot().take()
    }

    fn is_taken(&self) -> bool {
        self.slot().is_none()
    }

    /// Whoever panicked with it cannot have left it half taken.
    fn slot(&self) -> MutexGuard<'_, Option<TransferProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The NOTIFYs that were handed over and perhaps not taken, oldest first.
#[derive(Debug, Default)]
pub(super) struct Untaken(VecDeque<(TransferId, Notified)>);

impl Untaken {
    /// Hands a NOTIFY to whoever waits for it, and keeps it until it is taken.
    pub(super) fn hand_over(&mut self, transfer: TransferId, progress: TransferProgress) -> Notified {
        self.0.retain(|(_, notified)| !notified.is_taken());
        if self.0.len() == UNTAKEN {
            self.0.pop_front();
        }
        let notified = Notified(Arc::new(Mutex::new(Some(progress))));
        self.0.push_back((transfer, notified.clone()));
        notified
    }

    /// The NOTIFY of a transfer that was handed over and not taken.
    pub(super) fn of(&self, transfer: TransferId) -> Option<Notified> {
        let mut untaken = self.0.iter().filter(|(of, notified)| *of == transfer && !notified.is_taken());
        untaken.next().map(|(_, notified)| notified.clone())
    }
}

#[cfg(test)]
mod tests {
    use sip_message::StatusCode;

    use super::*;

    fn progress(status: StatusCode) -> TransferProgress {
        TransferProgress { status: Some(status), terminated: false, sipfrag: bytes::Bytes::new() }
    }

    #[test]
    fn a_notify_is_taken_once_by_whoever_comes_first() {
        let (mut untaken, transfer) = (Untaken::default(), TransferId::from(1));
        let dropped = untaken.hand_over(transfer, progress(StatusCode::RINGING));
        drop(dropped);
        let next = untaken.of(transfer).expect("it was not taken");
        let other = untaken.of(transfer).expect("it was not taken");
        assert_eq!(next.take(), Some(progress(StatusCode::RINGING)));
        assert_eq!(other.take(), None);
        assert!(untaken.of(transfer).is_none());
    }

    #[test]
    fn as_many_wait_as_the_bound_says_and_the_oldest_makes_room() {
        let mut untaken = Untaken::default();
        let ids: Vec<TransferId> = (0..).take(UNTAKEN).map(TransferId::from).collect();
        for id in &ids {
            untaken.hand_over(*id, progress(StatusCode::TRYING));
        }
        assert!(ids.iter().all(|id| untaken.of(*id).is_some()));
        let beyond = TransferId::from(9999);
        untaken.hand_over(beyond, progress(StatusCode::TRYING));
        assert!(untaken.of(ids[0]).is_none());
        assert!(untaken.of(ids[1]).is_some() && untaken.of(beyond).is_some());
    }

    #[test]
    fn what_was_taken_takes_no_room() {
        let mut untaken = Untaken::default();
        for id in 0..2 {
            untaken.hand_over(TransferId::from(id), progress(StatusCode::TRYING)).take();
        }
        untaken.hand_over(TransferId::from(2), progress(StatusCode::TRYING));
        assert_eq!(untaken.0.len(), 1);
    }
}
