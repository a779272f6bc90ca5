//! The order of SRV records (RFC 2782).

use std::cmp::Reverse;

use crate::{question::Srv, step::Random};

/// The records by priority, and among equals by lot in proportion to their weights.
///
/// A record of weight 0 is rarely drawn before one that has a weight. The lot goes from 0 to the sum inclusively, which
/// gives the first record one chance more than its weight: where none has weight 0, that is the heaviest one, whose share it
/// changes least.
pub(super) fn sorted<'a>(records: &'a [Srv], random: &mut dyn Random) -> Vec<&'a Srv> {
    let mut left: Vec<&Srv> = records.iter().collect();
    left.sort_by_key(|srv| (srv.priority, srv.weight != 0, Reverse(srv.weight)));
    let mut sorted = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let equals = left.iter().take_while(|srv| srv.priority == first.priority);
        let lot = random.up_to(equals.clone().map(|srv| u32::from(srv.weight)).sum());
        let mut sum = 0;
        let drawn = equals.take_while(|srv| {
            sum += u32::from(srv.weight);
            sum < lot
        });
        let drawn = drawn.count();
        sorted.push(left.remove(drawn));
    }
    sorted
}
