//! Transfers over TCP and TLS: each peer in each role that it can have there.

use std::net::Ipv4Addr;

use patchcord_tests::{
    party::{Calls, Party, Setup},
    peer::{
        PATIENCE, PeerError,
        answer::Answer,
        application::Application,
        authority::Identity,
        baresip::Baresip,
        linphone::Linphone,
        phone::{Make, Phone},
        sipp::{Plan, Sipp},
        sockets::{Connections, Table},
    },
};
use session_core::{
    AttendedOptions, Completion, OutcomeKind, Session,
    tls::{Pem, Roots, TlsConfig, TlsIdentity},
};
use tokio::{task::block_in_place, time::timeout};

use super::{
    Outcome, address_by_transport, enabled, last_outcome,
    over::{Over, Trust},
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases, test_name},
};

/// The first block of addresses of these cases, on a network of their own.
const FIRST_BLOCK: u8 = 224;

/// How the first is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blind,
    Attended,
}

impl Kind {
    /// Its name in `--kind`, and in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Attended => "attended",
        }
    }
}

/// Who moves whom to whom, and what all of them speak.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves the first to the second.
    Ours(Over, Kind, Make, Make),
    /// The first moves the second to the third.
    Theirs(Over, Kind, Make, Make, Make),
    /// It calls `answer --echo`, holds and resumes it.
    Holds(Over, Make),
    /// `call --echo` calls it, holds and resumes it.
    Held(Over, Make),
    /// `transfer` moves an `answer --echo` to a sipp by TCP.
    ToSipp(Kind),
}

cases! {
    run;
    we_move_baresip_to_baresip_over_tcp: Case::Ours(Over::Tcp, Kind::Blind, Make::Baresip, Make::Baresip),
    we_move_baresip_to_baresip_over_tls: Case::Ours(Over::Tls, Kind::Blind, Make::Baresip, Make::Baresip),
    we_move_linphonec_to_linphonec_over_tcp: Case::Ours(Over::Tcp, Kind::Blind, Make::Linphone, Make::Linphone),
    we_join_linphonec_with_linphonec_over_tcp:
        Case::Ours(Over::Tcp, Kind::Attended, Make::Linphone, Make::Linphone),
    baresip_moves_answer_to_answer_over_tcp:
        Case::Theirs(Over::Tcp, Kind::Blind, Make::Baresip, Make::Echo, Make::Answer),
    baresip_moves_answer_to_answer_over_tls:
        Case::Theirs(Over::Tls, Kind::Blind, Make::Baresip, Make::Echo, Make::Answer),
    linphonec_moves_answer_to_linphonec_over_tcp:
        Case::Theirs(Over::Tcp, Kind::Blind, Make::Linphone, Make::Echo, Make::Linphone),
    linphonec_joins_linphonec_with_answer_over_tcp:
        Case::Theirs(Over::Tcp, Kind::Attended, Make::Linphone, Make::Linphone, Make::Echo),
    linphonec_moves_answer_to_answer_over_tls:
        Case::Theirs(Over::Tls, Kind::Blind, Make::Linphone, Make::Echo, Make::Answer),
    linphonec_joins_answer_with_answer_over_tls:
        Case::Theirs(Over::Tls, Kind::Attended, Make::Linphone, Make::Echo, Make::Answer),
    baresip_calls_holds_and_resumes_us_over_tcp: Case::Holds(Over::Tcp, Make::Baresip),
    baresip_is_called_held_and_resumed_over_tcp: Case::Held(Over::Tcp, Make::Baresip),
    we_move_answer_to_sipp_over_tcp: Case::ToSipp(Kind::Blind),
    we_join_answer_with_sipp_over_tcp: Case::ToSipp(Kind::Attended),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (over, kind, parties, expected) = match case {
            Case::Ours(over, kind, first, second) => (
                over,
                kind,
                vec![(first, "transferee"), (second, "target")],
                "`transfer`: Succeeded by notify, 200, exit 0",
            ),
            Case::Theirs(over, kind, first, second, third) => (
                over,
                kind,
                vec![(first, "transferor"), (second, "transferee"), (third, "target")],
                "the transferor learns of the success and its calls end",
            ),
            Case::Holds(_, make) | Case::Held(_, make) => {
                let holds = matches!(case, Case::Holds(..));
                rows.push(Row {
                    peer: make.name(),
                    role: if holds { "caller" } else { "called" },
                    kind: "call, hold, resume, BYE over TCP",
                    with: if holds { "`answer`" } else { "`call`" }.to_owned(),
                    media: "tone there and back, before the hold",
                    expected: if holds { "each hold is told" } else { "exit 0" }.to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                });
                continue;
            }
            Case::ToSipp(kind) => {
                let expected = match kind {
                    Kind::Blind => "`transfer`: Succeeded by notify, 200, exit 0",
                    Kind::Attended => {
                        "`transfer`: Succeeded by notify, 200, exit 0; Replaces and Referred-By at the target"
                    }
                };
                rows.push(Row {
                    peer: "sipp",
                    role: "target",
                    kind: over_kind(kind, Over::Tcp),
                    with: "`answer --echo` (transferee)".to_owned(),
                    media: "signalling only",
                    expected: expected.to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                });
                continue;
            }
        };
        let target = parties.last().map(|(make, _)| *make);
        for (make, role) in parties.iter().filter(|(make, _)| !make.is_ours()) {
            let others = parties.iter().filter(|(_, other)| other != role);
            let others = others.map(|(make, role)| format!("{} ({role})", make.name()));
            rows.push(Row {
                peer: make.name(),
                role,
                kind: over_kind(kind, over),
                with: others.collect::<Vec<_>>().join(", "),
                media: if target == Some(Make::Answer) { "RTP both ways" } else { "tones of the new pair" },
                expected: expected.to_owned(),
                outcome: table::Outcome::Passes,
                test,
            });
        }
    }
    for (kind, test) in [
        (Kind::Blind, test_name!(linphonec_calls_us_over_tls_and_is_moved)),
        (Kind::Attended, test_name!(linphonec_calls_us_over_tls_and_is_joined)),
    ] {
        rows.push(Row {
            peer: "linphonec",
            role: "transferee",
            kind: over_kind(kind, Over::Tls),
            with: "`SessionManager`, which it has called, `answer --echo` (target)".to_owned(),
            media: "its own tone, echoed",
            expected: "Succeeded".to_owned(),
            outcome: table::Outcome::Passes,
            test,
        });
    }
    rows.push(Row {
        peer: "linphonec",
        role: "caller",
        kind: "call, hold and resume by us, BYE by us over TLS",
        with: "`SessionManager`".to_owned(),
        media: "our tone; silence on hold",
        expected: "all over its one connection".to_owned(),
        outcome: table::Outcome::Passes,
        test: test_name!(linphonec_calls_us_over_tls_and_is_held_and_resumed),
    });
    rows
}

/// What it is called in the table.
pub(crate) const fn over_kind(kind: Kind, over: Over) -> &'static str {
    match (kind, over) {
        (_, Over::Udp) => kind.name(),
        (Kind::Blind, Over::Tcp) => "blind over TCP",
        (Kind::Blind, _) => "blind over TLS",
        (Kind::Attended, Over::Tcp) => "attended over TCP",
        (Kind::Attended, _) => "attended over TLS",
    }
}

impl Trust {
    /// Starts a telephone that speaks this.
    pub(crate) fn seat(
        &self,
        over: Over,
        make: Make,
        user: &'static str,
        own: Ipv4Addr,
        tone: u16,
    ) -> Result<Seat, PeerError> {
        if over == Over::Udp {
            return Seat::start(make, user, own, tone);
        }
        let phone: Box<dyn Phone> = match (make, over) {
            (Make::Baresip, Over::Tcp) => Box::new(Baresip::start_by_tcp(user, own, tone)?),
            (Make::Baresip, _) => {
                Box::new(Baresip::start_secure(user, own, tone, &self.authority, &self.identity)?)
            }
            (Make::Linphone, _) => Box::new(Linphone::start_by_tcp(user, own, tone, &self.authority)?),
            (Make::Answer, _) => Box::new(self.answer(over, own, Some(tone))?),
            (Make::Echo, _) => Box::new(self.answer(over, own, None)?),
            (Make::SipJs, _) => {
                let what = "speak TCP or TLS".to_owned();
                return Err(PeerError::Unable { program: "SIP.js".to_owned(), what });
            }
        };
        Ok(Seat::new(make, user, tone, over.uri(user, &own.to_string()), phone))
    }

    /// It listens by UDP, too: linphonec leaves the transport out of a Refer-To with Replaces, so that the new call goes by
    /// UDP whatever the other two went by.
    fn answer(&self, over: Over, own: Ipv4Addr, hz: Option<u16>) -> Result<Answer, PeerError> {
        let mut options = self.arguments(over);
        options.extend(["--listen".to_owned(), Over::Udp.listen(own)]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        Answer::start_with(&over.listen(own), hz, &options, &[])
    }

    /// `patchcord transfer` that speaks this.
    pub(crate) fn transfer(
        &self,
        over: Over,
        kind: Kind,
        own: Ipv4Addr,
        first: &str,
        target: &str,
    ) -> Result<Application, PeerError> {
        let listen = over.listen(own);
        let words = ["transfer", first, target, "--kind", kind.name(), "--talk", "2", "--listen", &listen];
        let options = self.arguments(over);
        let words: Vec<&str> = words.into_iter().chain(options.iter().map(String::as_str)).collect();
        Application::start(&words)
    }
}

fn run(place: u8, case: Case) -> Outcome {
    // covers: TR-202
    let addresses = [1, 2, 3].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let [one, two, three] = addresses;
    let trust = Trust::of(addresses[0], &addresses)?;
    match case {
        Case::Ours(over, kind, first, second) => {
            let mut bob = trust.seat(over, first, "bob", two, FIRST_TONE)?;
            let mut carol = trust.seat(over, second, "carol", three, SECOND_TONE)?;
            let transfer = trust.transfer(over, kind, one, &bob.uri(), &carol.uri())?;
            bob.phone.answered()?;
            bob.phone.hears(Some(OUR_TONE))?;
            if kind == Kind::Attended {
                carol.phone.answered()?;
            }
            succeeds(transfer, &mut bob)?;
            if kind == Kind::Blind {
                carol.phone.answered()?;
            }
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Theirs(over, kind, first, second, third) => {
            let mut alice = trust.seat(over, first, "alice", one, FIRST_TONE)?;
            let mut bob = trust.seat(over, second, "bob", two, SECOND_TONE)?;
            let mut carol = trust.seat(over, third, "carol", three, THIRD_TONE)?;
            alice.phone.call(&bob.uri())?;
            bob.phone.answered()?;
            hear_each_other(&mut alice, &mut bob)?;
            match kind {
                Kind::Blind => {
                    alice.phone.blind(&carol.uri())?;
                    carol.phone.answered()?;
                }
                Kind::Attended => {
                    alice.phone.hold()?;
                    alice.phone.call(&carol.uri())?;
                    carol.phone.answered()?;
                    hear_each_other(&mut alice, &mut carol)?;
                    alice.phone.attended()?;
                }
            }
            bob.phone.moved()?;
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Holds(over, make) => {
            let mut alice = trust.seat(over, make, "alice", one, FIRST_TONE)?;
            let mut answer = Application::start(&["answer", "--listen", &over.listen(two), "--echo"])?;
            alice.phone.call(&over.uri("bob", &two.to_string()))?;
            alice.hears_itself()?;
            alice.phone.hold()?;
            answer.wait_for_event("a hold", |event| event["remote_hold"] == true)?;
            alice.phone.resume()?;
            answer.wait_for_event("its end", |event| event["remote_hold"] == false)?;
            alice.phone.hang_up()?;
            answer.wait_for("call_ended", PATIENCE).map(drop)
        }
        Case::Held(over, make) => {
            let mut bob = trust.seat(over, make, "bob", two, FIRST_TONE)?;
            let (uri, listen) = (bob.uri(), over.listen(one));
            let call = ["call", &uri, "--listen", &listen, "--echo", "--duration", "4", "--hold-after", "2"];
            let call = Application::start(&call)?;
            bob.phone.answered()?;
            bob.hears_itself()?;
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", bob.phone.output());
            let held: Vec<bool> = events.iter().filter_map(|event| event["local_hold"].as_bool()).collect();
            assert_eq!(held, [true, false], "{events:#?}");
            bob.phone.ended()
        }
        Case::ToSipp(kind) => {
            let over = Over::Tcp;
            let mut bob = trust.seat(over, Make::Echo, "bob", two, FIRST_TONE)?;
            let (scenario, calls) = match kind {
                Kind::Blind => ("uas", 1),
                Kind::Attended => ("target-replaces", 2),
            };
            let plan = Plan { user: "carol", calls, over: Table::Tcp, ..Plan::new(scenario, three, two) };
            let mut sipp = Sipp::start(&plan)?;
            let target = over.uri("carol", &three.to_string());
            let transfer = trust.transfer(over, kind, one, &bob.uri(), &target)?;
            succeeds(transfer, &mut bob)?;
            bob.phone.moved()?;
            if kind == Kind::Attended {
                sipp.wait_logged(";to-tag=")?;
            }
            let log = sipp.log();
            assert!(log.contains(&format!("@{one}")), "Referred-By names us: {log}");
            // Neither of the two can be asked to hang up; both end with the test.
            sipp.stop();
            Ok(())
        }
    }
}

fn succeeds(transfer: Application, transferee: &mut Seat) -> Outcome {
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}\n{}", transferee.phone.output());
    assert_eq!(last_outcome(&events), (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn linphonec_calls_us_over_tls_and_is_moved() -> Outcome {
    if !enabled("linphonec calls us over TLS and is moved") {
        return Ok(());
    }
    moved_over_its_own_connection(20, Kind::Blind).await
}

#[tokio::test(flavor = "multi_thread")]
async fn linphonec_calls_us_over_tls_and_is_joined() -> Outcome {
    if !enabled("linphonec calls us over TLS and is joined") {
        return Ok(());
    }
    moved_over_its_own_connection(21, Kind::Attended).await
}

#[tokio::test(flavor = "multi_thread")]
async fn linphonec_calls_us_over_tls_and_is_held_and_resumed() -> Outcome {
    if !enabled("linphonec calls us over TLS and is held") {
        return Ok(());
    }
    let addresses = [1, 2].map(|peer| address_by_transport(FIRST_BLOCK + 22, peer));
    let trust = Trust::of(addresses[0], &addresses)?;
    let connections = Connections::of(addresses[0])?;
    let (alice, mut bob, session) = called_by_linphonec(&trust, addresses).await?;
    session.hold().await.expect("held");
    block_in_place(|| bob.hears(None))?;
    session.resume().await.expect("resumed");
    block_in_place(|| bob.hears(Some(OUR_TONE)))?;
    session.hang_up().await.expect("hung up");
    block_in_place(|| bob.ended())?;
    assert_eq!(connections.since()?.len(), 1, "{}", Phone::output(&mut bob));
    alice.manager.shutdown().await;
    Ok(())
}

/// linphonec accepts no connection by TLS: it calls us, and our requests go by the connection of its INVITE.
async fn called_by_linphonec(
    trust: &Trust,
    [ours, first]: [Ipv4Addr; 2],
) -> Result<(Party, Linphone, Session), PeerError> {
    let mut alice = party(trust, ours).await;
    let mut bob = block_in_place(|| Linphone::start_by_tcp("bob", first, FIRST_TONE, &trust.authority))?;
    block_in_place(|| bob.call(&Over::Tls.uri("alice", &ours.to_string())))?;
    let session = alice.established().await;
    let session = alice.manager.session(&session).await.expect("its call");
    block_in_place(|| bob.hears(Some(OUR_TONE)))?;
    Ok((alice, bob, session))
}

async fn moved_over_its_own_connection(place: u8, kind: Kind) -> Outcome {
    let addresses = [1, 2, 3].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let [ours, first, target] = addresses;
    let trust = Trust::of(addresses[0], &addresses)?;
    let mut carol = block_in_place(|| trust.answer(Over::Tls, target, None))?;
    let (alice, mut bob, session) = called_by_linphonec(&trust, [ours, first]).await?;
    let kind = move_to(&session, kind, &Over::Tls.uri("carol", &target.to_string())).await;
    assert_eq!(kind, OutcomeKind::Succeeded, "{}", Phone::output(&mut bob));
    block_in_place(|| -> Result<(), PeerError> {
        carol.answered()?;
        bob.hears(Some(FIRST_TONE))?;
        bob.hang_up()
    })?;
    alice.manager.shutdown().await;
    Ok(())
}

async fn party(trust: &Trust, own: Ipv4Addr) -> Party {
    let Identity { certificate, key, .. } = &trust.identity;
    let identity = TlsIdentity::new(Pem::file(certificate), Pem::file(key)).expect("a certificate");
    let roots = Roots::Pinned(vec![Pem::file(trust.authority.roots())]);
    let config = TlsConfig::builder(roots).identity(identity).build().expect("TLS");
    let listen = format!("{own}:5061");
    let setup = Setup { listen, tls: Some(config), ..Setup::new("alice", OUR_TONE, Calls::Answer) };
    setup.start().await.expect("a party on its own address")
}

async fn move_to(session: &Session, kind: Kind, target: &str) -> OutcomeKind {
    let waited = async {
        match kind {
            Kind::Blind => session.blind(target).await?.outcome().await,
            Kind::Attended => {
                let consultation =
                    session.consult_with(target, AttendedOptions::default(), Completion::OnAnswer);
                consultation.await?.outcome().await
            }
        }
    };
    timeout(PATIENCE, waited).await.expect("in time").expect("an outcome").kind
}
