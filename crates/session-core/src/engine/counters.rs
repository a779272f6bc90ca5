//! What the lower layers count.

use super::{Engine, Tap};

impl<T: Tap> Engine<T> {
    /// Connections that are open or being opened.
    pub fn connections(&self) -> usize {
        self.transports.connections()
    }

    /// Messages that were dropped and connections that were refused, by reason.
    pub fn transport_counters(&self) -> sip_transport::Counters {
        self.transports.counters()
    }

    /// Messages that were dropped or answered without a call, by reason.
    pub fn transaction_counters(&self) -> transaction_core::Counters {
        self.transactions.counters()
    }

    /// How often the dialogs met one of their bounds.
    pub fn dialog_counters(&self) -> dialog_core::Counters {
        self.dialogs.counters()
    }
}
