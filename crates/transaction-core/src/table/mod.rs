//! The tables of transactions. Whatever one is looked up by, the cost is the same however many there are.

mod clients;
mod groups;
mod servers;

use std::hash::BuildHasher;

use hashbrown::HashTable;
use sip_transport::{FlowId, ids::BuildIdHasher};
use slab::Slab;

use self::groups::Groups;
use crate::boundary::TxId;

pub(crate) use self::{clients::Clients, servers::Servers};

/// Something that uses one flow as long as it stands in a table.
pub(crate) trait OnFlow {
    /// The flow.
    fn flow(&self) -> FlowId;
}

/// Transactions of one kind, by identifier and by flow. An index names a place in it until the transaction is removed.
#[derive(Debug)]
pub(crate) struct Table<T> {
    entries: Slab<(TxId, T)>,
    ids: HashTable<u32>,
    flows: Groups<FlowId>,
}

impl<T: OnFlow> Table<T> {
    fn new() -> Self {
        Self { entries: Slab::new(), ids: HashTable::new(), flows: Groups::default() }
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn index(&self, tx: TxId) -> Option<u32> {
        self.ids.find(hash(tx), |index| self.entries[*index as usize].0 == tx).copied()
    }

    fn at(&self, index: u32) -> &(TxId, T) {
        &self.entries[index as usize]
    }

    fn get(&self, tx: TxId) -> Option<&T> {
        self.index(tx).map(|index| &self.entries[index as usize].1)
    }

    fn get_mut(&mut self, tx: TxId) -> Option<&mut T> {
        self.index(tx).map(|index| &mut self.entries[index as usize].1)
    }

    /// Takes a transaction whose identifier is not in the table.
    fn insert(&mut self, tx: TxId, value: T) -> u32 {
        let flow = value.flow();
        let index = self.entries.insert((tx, value)) as u32;
        let entries = &self.entries;
        self.ids.insert_unique(hash(tx), index, |index| hash(entries[*index as usize].0));
        self.flows.join(flow, index);
        index
    }

    fn remove(&mut self, tx: TxId) -> Option<(u32, T)> {
        let found = self.ids.find_entry(hash(tx), |index| self.entries[*index as usize].0 == tx);
        let (index, _) = found.ok()?.remove();
        let (_, value) = self.entries.remove(index as usize);
        self.flows.leave(value.flow(), index);
        Some((index, value))
    }

    /// The transactions on a flow, in the order of their identifiers.
    fn on_flow(&self, flow: FlowId) -> Vec<TxId> {
        self.in_order(self.flows.members(&flow))
    }

    fn in_order(&self, indices: impl Iterator<Item = u32>) -> Vec<TxId> {
        let mut found: Vec<TxId> = indices.map(|index| self.at(index).0).collect();
        found.sort_unstable();
        found
    }
}

fn hash(tx: TxId) -> u64 {
    BuildIdHasher::default().hash_one(tx)
}
