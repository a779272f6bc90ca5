//! Blind transfers to a target that is busy: the call comes back.

use patchcord_tests::peer::{
    PATIENCE,
    application::Application,
    baresip::Baresip,
    linphone::Linphone,
    phone::{Make, Phone},
    sipjs::{Incoming, SipJs},
    sipp::{Plan, Sipp},
};

use super::{
    Outcome, address_by_transport, last_outcome,
    over::{Over, Trust},
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat},
    table::{self, Row, cases},
    transports::{Kind, over_kind},
    uri,
};

/// The first block of addresses of these cases: on a network of their own.
const FIRST_BLOCK: u8 = 64;

/// What comes of a busy target.
pub(crate) const RECOVERED: &str = "`transfer`: Recovered, 486, exit 1; the call is back";

/// Who is moved, or who is busy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves it to a SIP.js that is busy, and takes it back.
    Back(Make),
    /// `transfer` moves an `answer --echo` to one that is busy, and takes it back.
    Target(Over, Busy),
}

/// A telephone that takes no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    Linphone,
    Baresip,
    Sipp,
}

impl Busy {
    const fn name(self) -> &'static str {
        match self {
            Self::Linphone => "linphonec",
            Self::Baresip => "baresip",
            Self::Sipp => "sipp",
        }
    }
}

cases! {
    run;
    sipjs_comes_back_from_a_busy_target: Case::Back(Make::SipJs),
    linphonec_comes_back_from_a_busy_target: Case::Back(Make::Linphone),
    baresip_comes_back_from_a_busy_target: Case::Back(Make::Baresip),
    answer_comes_back_from_a_busy_linphonec: Case::Target(Over::Udp, Busy::Linphone),
    answer_comes_back_from_a_busy_baresip: Case::Target(Over::Udp, Busy::Baresip),
    answer_comes_back_from_a_busy_sipp: Case::Target(Over::Udp, Busy::Sipp),
    answer_comes_back_from_a_busy_linphonec_over_tcp: Case::Target(Over::Tcp, Busy::Linphone),
    answer_comes_back_from_a_busy_baresip_over_tcp: Case::Target(Over::Tcp, Busy::Baresip),
    answer_comes_back_from_a_busy_sipp_over_tcp: Case::Target(Over::Tcp, Busy::Sipp),
    answer_comes_back_from_a_busy_baresip_over_tls: Case::Target(Over::Tls, Busy::Baresip),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |peer, role, over, with: String, media, test| Row {
        peer,
        role,
        kind: over_kind(Kind::Blind, over),
        with,
        media,
        expected: RECOVERED.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        match case {
            Case::Back(make) => {
                let media = if make.hears_after_hold() { "our tone again" } else { "not measured" };
                let [transferee, target] = ["transferee", "busy target"];
                let busy = format!("{} ({target})", Make::SipJs.name());
                let moved = format!("{} ({transferee})", make.name());
                rows.push(row(make.name(), transferee, Over::Udp, busy, media, test));
                rows.push(row(Make::SipJs.name(), target, Over::Udp, moved, media, test));
            }
            Case::Target(over, busy) => {
                let with = "`answer --echo` (transferee)".to_owned();
                rows.push(row(busy.name(), "busy target", over, with, "not measured", test));
            }
        }
    }
    rows
}

fn run(place: u8, case: Case) -> Outcome {
    let addresses = [1, 2, 3, 4].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let [one, two, three, other] = addresses;
    let trust = Trust::of(one, &addresses)?;
    match case {
        Case::Back(transferee) => {
            let mut bob = Seat::start(transferee, "bob", two, FIRST_TONE)?;
            let _carol = SipJs::start_with("carol", three, SECOND_TONE, Incoming::Busy)?;
            let target = uri("carol", three);
            let mut transfer = trust.transfer(Over::Udp, Kind::Blind, one, &bob.uri(), &target)?;
            bob.phone.answered()?;
            transfer.wait_for("transfer_recovered", PATIENCE)?;
            if transferee.hears_after_hold() {
                bob.phone.hears(Some(OUR_TONE))?;
            }
            recovered(transfer, &mut bob)
        }
        Case::Target(over, busy) => {
            let mut bob = trust.seat(over, Make::Echo, "bob", two, FIRST_TONE)?;
            let (first, target) = (bob.uri(), over.uri("carol", &three.to_string()));
            let start = || trust.transfer(over, Kind::Blind, one, &first, &target);
            match busy {
                Busy::Linphone => {
                    let _carol = Linphone::start_busy("carol", three, SECOND_TONE, over.table())?;
                    recovered(start()?, &mut bob)
                }
                Busy::Baresip => {
                    let tls = (over == Over::Tls).then_some((&trust.authority, &trust.identity));
                    let mut carol = Baresip::start_single("carol", three, SECOND_TONE, over.table(), tls)?;
                    // The call that it has meanwhile.
                    let listen = over.listen(other);
                    let options = trust.arguments(over);
                    let call = ["call", &target, "--listen", &listen, "--duration", "60"];
                    let call = call.into_iter().chain(options.iter().map(String::as_str));
                    let _call = Application::start(&call.collect::<Vec<_>>())?;
                    carol.answered()?;
                    recovered(start()?, &mut bob)
                }
                Busy::Sipp => {
                    let plan = Plan { over: over.table(), ..Plan::new("uas-busy", three, two) };
                    let sipp = Sipp::start(&plan)?;
                    recovered(start()?, &mut bob)?;
                    sipp.finish(PATIENCE).map(drop)
                }
            }
        }
    }
}

/// The transfer ends because the target is busy, and its call goes on.
pub(crate) fn recovered(transfer: Application, transferee: &mut Seat) -> Outcome {
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    assert_eq!(code, Some(1), "{events:#?}\n{}", transferee.phone.output());
    let (outcome, _, status) = last_outcome(&events);
    assert_eq!((outcome, status), (Some("Recovered"), Some(486)), "{events:#?}");
    Ok(())
}
