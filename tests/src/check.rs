//! The invariants of the transfer catalogue's §2.7, judged from the wire and the events of a run.

mod calls;
mod conversations;
mod notifications;
mod outcomes;
mod requests;

#[cfg(test)]
mod tests;

use crate::play::Played;

/// Every invariant that a run broke, in words; empty if it kept all.
pub fn broken(played: &Played) -> Vec<String> {
    let mut broken = played.faults.clone();
    let engines = played.names.iter().enumerate().filter(|(node, _)| !played.is_lawless(*node));
    for (node, name) in engines {
        let mut found = Vec::new();
        outcomes::check(played, node, &mut found);
        notifications::check(played, node, &mut found);
        requests::check(played, node, &mut found);
        calls::check(played, node, &mut found);
        conversations::check(played, node, &mut found);
        broken.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    broken
}
