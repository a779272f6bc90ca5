//! Client transactions.

use hashbrown::HashMap;
use sip_transport::{FlowId, ids::BuildIdHasher};

use super::{OnFlow, Table, groups::Groups};
use crate::{
    boundary::TxId,
    client::{Client, Role},
};

type Branches = HashMap<u64, TxId, BuildIdHasher>;

/// Client transactions by identifier, branch, flow and peer.
#[derive(Debug)]
pub(crate) struct Clients {
    table: Table<Client>,
    /// By [`Client::peer`].
    peers: Groups<u64>,
    /// Branch numbers that are not their transaction's own number: later hops and superseded attempts.
    aliases: Branches,
    /// CANCEL transactions by the branch that they share with their INVITE.
    cancels: Branches,
}

impl OnFlow for Client {
    fn flow(&self) -> FlowId {
        self.hop.flow
    }
}

impl Clients {
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(),
            peers: Groups::default(),
            aliases: Branches::default(),
            cancels: Branches::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn contains(&self, tx: TxId) -> bool {
        self.table.index(tx).is_some()
    }

    pub(crate) fn get(&self, tx: TxId) -> Option<&Client> {
        self.table.get(tx)
    }

    pub(crate) fn get_mut(&mut self, tx: TxId) -> Option<&mut Client> {
        self.table.get_mut(tx)
    }

    /// Takes a transaction whose identifier is not in the table.
    pub(crate) fn insert(&mut self, tx: TxId, client: Client) {
        let (peer, branch, role) = (client.peer, client.branch, client.role);
        let index = self.table.insert(tx, client);
        self.peers.join(peer, index);
        if role == Role::Cancel {
            self.cancels.insert(branch, tx);
        } else if branch != tx.number() {
            self.aliases.insert(branch, tx);
        }
    }

    pub(crate) fn remove(&mut self, tx: TxId) -> Option<Client> {
        let (index, client) = self.table.remove(tx)?;
        self.peers.leave(client.peer, index);
        let branches = if client.role == Role::Cancel { &mut self.cancels } else { &mut self.aliases };
        if branches.get(&client.branch) == Some(&tx) {
            branches.remove(&client.branch);
        }
        Some(client)
    }

    /// The transaction whose own requests have this branch; CANCELs are apart.
    pub(crate) fn of_branch(&self, branch: u64) -> Option<TxId> {
        let tx = self.aliases.get(&branch).copied().unwrap_or_else(|| TxId::from(branch));
        self.get(tx).is_some_and(|client| client.branch == branch).then_some(tx)
    }

    /// The CANCEL with this branch.
    pub(crate) fn cancel_of_branch(&self, branch: u64) -> Option<TxId> {
        self.cancels.get(&branch).copied()
    }

    /// The transactions on a flow, in the order of their identifiers.
    pub(crate) fn on_flow(&self, flow: FlowId) -> Vec<TxId> {
        self.table.on_flow(flow)
    }

    /// The transactions with a peer, in the order of their identifiers, and perhaps some with another: the digest is short.
    pub(crate) fn with_peer(&self, peer: u64) -> Vec<TxId> {
        self.table.in_order(self.peers.members(&peer))
    }
}
