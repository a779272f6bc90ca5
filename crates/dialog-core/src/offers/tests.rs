use std::fmt::Write as _;

use super::*;

const STATES: [Offers; 6] =
    [Offers::New, Offers::FirstOurs, Offers::FirstTheirs, Offers::Agreed, Offers::Ours, Offers::Theirs];
const SIDES: [Side; 2] = [Side::Ours, Side::Theirs];
const CARRIERS: [Carrier; 5] =
    [Carrier::Invite, Carrier::Reliable, Carrier::Success, Carrier::Prack, Carrier::Update];

fn events() -> Vec<Event> {
    let offers = SIDES.iter().flat_map(|side| CARRIERS.iter().map(|carrier| Event::Offer(*side, *carrier)));
    offers.chain(SIDES.iter().map(|side| Event::Answer(*side))).chain([Event::Void]).collect()
}

/// The whole machine as text; `UPDATE_SNAPSHOTS=1` writes it anew.
#[test]
fn the_table_is_the_committed_one() {
    let mut table = String::new();
    for state in STATES {
        for event in events() {
            let (to, verdict) = next(state, event);
            writeln!(table, "{state:?} + {event:?} -> {to:?} {verdict:?}").expect("text");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/offers/table.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &table).expect("the snapshot can be written");
    }
    let committed = std::fs::read_to_string(path).expect("the snapshot is there");
    assert_eq!(table, committed);
}

#[test]
fn what_does_not_fit_changes_nothing_and_what_fits_never_leaves_two_offers() {
    for state in STATES {
        for event in events() {
            let (to, verdict) = next(state, event);
            assert!(verdict == Verdict::Go || to == state, "{state:?} {event:?}");
            let waits =
                matches!(state, Offers::FirstOurs | Offers::FirstTheirs | Offers::Ours | Offers::Theirs);
            assert!(
                !(waits && matches!(event, Event::Offer(..)) && verdict == Verdict::Go),
                "{state:?} {event:?}"
            );
        }
    }
}

#[test]
fn an_offer_while_ours_waits_is_491_and_while_theirs_waits_500() {
    // covers: TR-195, TR-232
    for carrier in [Carrier::Invite, Carrier::Prack, Carrier::Update] {
        let offer = Event::Offer(Side::Theirs, carrier);
        for ours in [Offers::FirstOurs, Offers::Ours] {
            assert_eq!(next(ours, offer).1, Verdict::Pending);
        }
        for theirs in [Offers::FirstTheirs, Offers::Theirs] {
            assert_eq!(next(theirs, offer).1, Verdict::Overlap);
        }
    }
}
