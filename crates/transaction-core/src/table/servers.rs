//! Server transactions.

use hashbrown::HashTable;
use sip_transport::FlowId;

use super::{OnFlow, Table};
use crate::{boundary::TxId, server::Server};

/// Server transactions by identifier, key and flow.
#[derive(Debug)]
pub(crate) struct Servers {
    table: Table<Server>,
    /// By [`Server::key`].
    keys: HashTable<u32>,
    /// By [`Server::merge`].
    merges: HashTable<u32>,
}

impl OnFlow for Server {
    fn flow(&self) -> FlowId {
        self.reply.flow
    }
}

impl Servers {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), keys: HashTable::new(), merges: HashTable::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn contains(&self, tx: TxId) -> bool {
        self.table.index(tx).is_some()
    }

    pub(crate) fn get_mut(&mut self, tx: TxId) -> Option<&mut Server> {
        self.table.get_mut(tx)
    }

    /// Takes a transaction whose identifier and keys are not in the table.
    pub(crate) fn insert(&mut self, tx: TxId, server: Server) {
        let (key, merge) = (server.key, server.merge);
        let index = self.table.insert(tx, server);
        let table = &self.table;
        self.keys.insert_unique(hash(key), index, |index| hash(table.at(*index).1.key));
        if let Some(merge) = merge {
            let rehash = |index: &u32| table.at(*index).1.merge.map_or(0, hash);
            self.merges.insert_unique(hash(merge), index, rehash);
        }
    }

    pub(crate) fn remove(&mut self, tx: TxId) {
        let Some((removed, server)) = self.table.remove(tx) else { return };
        let forget = |indices: &mut HashTable<u32>, key| {
            if let Ok(found) = indices.find_entry(hash(key), |index| *index == removed) {
                found.remove();
            }
        };
        forget(&mut self.keys, server.key);
        if let Some(merge) = server.merge {
            forget(&mut self.merges, merge);
        }
    }

    /// The transaction of a request with this key.
    pub(crate) fn find(&self, key: u128) -> Option<(TxId, &Server)> {
        let index = self.keys.find(hash(key), |index| self.table.at(*index).1.key == key)?;
        let (tx, server) = self.table.at(*index);
        Some((*tx, server))
    }

    /// Whether the same request has come on another path.
    pub(crate) fn is_merged(&self, merge: u128) -> bool {
        let same = |index: &u32| self.table.at(*index).1.merge == Some(merge);
        self.merges.find(hash(merge), same).is_some()
    }

    /// The transactions on a flow, in the order of their identifiers.
    pub(crate) fn on_flow(&self, flow: FlowId) -> Vec<TxId> {
        self.table.on_flow(flow)
    }
}

/// The low half of a digest, which is distributed uniformly.
fn hash(digest: u128) -> u64 {
    digest as u64
}
