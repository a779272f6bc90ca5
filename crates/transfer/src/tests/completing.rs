//! A fallback that comes with the command to complete: it counts if that is followed, and only then.

use super::{
    rig::wrong,
    two_calls::{CAROL, Party, TwoCalls},
};
use crate::{AttendedPolicy, Fallback, SemiAttendedPolicy, TransferCommand};

fn complete(calls: &mut TwoCalls, fallback: Option<Fallback>) -> String {
    let transfer = calls.transfer;
    calls.rig.command(TransferCommand::Complete { transfer, fallback })
}

#[test]
fn a_fallback_that_comes_with_the_completion_counts_from_then_on() {
    // covers: TR-170
    for (fallback, then) in [(Some(Fallback::Bridge), "[bridging]"), (None, "[recovering]")] {
        let mut calls = TwoCalls::talking(AttendedPolicy::default());
        assert_eq!(complete(&mut calls, fallback), "ok; disarm Talk; hold d2 10s; arm Hold 12s");
        calls.done(calls.d2);
        let refused = calls.rig.refused(calls.rig.subscription(), 603, None);
        assert!(refused.contains(then), "{refused}");
    }
}

#[test]
fn a_completion_that_is_refused_leaves_the_fallback_as_it_was() {
    let semi_attended = SemiAttendedPolicy::Refuse;
    let mut calls = TwoCalls::ringing(AttendedPolicy { semi_attended, ..AttendedPolicy::default() });
    assert_eq!(complete(&mut calls, Some(Fallback::Bridge)), wrong("ConsultEarly", "ConsultTalk"));
    calls.answer(&Party { replaces: false, ..CAROL });
    assert_eq!(complete(&mut calls, None), "no: NoReplaces");
    assert!(complete(&mut calls, Some(Fallback::Bridge)).contains("[bridging]"));
}
