//! What a transfer may touch besides itself during one step.

use std::collections::BTreeMap;

use dialog_core::SubscriptionId;
use sip_transport::Cx;

use crate::{TransferId, TransferPolicy, legs::Legs};

/// The rest of the layer, lent for a step.
pub(crate) struct Surroundings<'a, 'c> {
    pub(crate) cx: &'a mut Cx<'c>,
    pub(crate) policy: &'a TransferPolicy,
    pub(crate) legs: &'a mut Legs,
    /// The owner of each subscription.
    pub(crate) subscriptions: &'a mut BTreeMap<SubscriptionId, TransferId>,
}
