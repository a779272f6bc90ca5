//! Parties that stop without a word.

use std::time::Duration;

use patchcord_tests::{kills, matrix::Cell};

fn plain_attended() -> Cell {
    let mut cells = kills::transfers().into_iter();
    cells.find(|cell| cell.values().any(|(_, value)| value.name == "attended")).expect("an attended transfer")
}

#[test]
fn whoever_stops_at_any_step_of_an_attended_transfer_the_others_come_to_rest() {
    let kills = kills::of(&plain_attended()).expect("a scenario");
    for party in 0..3 {
        assert!(kills.iter().filter(|kill| kill.party == party).count() > 10, "steps of {party}");
    }
    let failures = kills::run(&kills);
    let told: Vec<_> = failures.iter().map(|failure| (&failure.broken, &failure.trace)).collect();
    assert!(failures.is_empty(), "{told:#?}");
}

#[test]
fn a_survivor_that_is_not_at_rest_in_time_is_seen() {
    let kills = kills::of(&plain_attended()).expect("a scenario");
    let of_the_transferee = kills.iter().filter(|kill| kill.party == 1);
    let late = of_the_transferee.map(|kill| kill.clone().judged_after(Duration::from_millis(500)));
    assert!(!kills::run(&late.collect::<Vec<_>>()).is_empty());
}
