//! Transfers among users of a registrar that is their proxy and records its route. It wants their password for each REFER and
//! each NOTIFY of a call, too.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    answer::Answer,
    application::Application,
    baresip::Baresip,
    kamailio::Kamailio,
    linphone::Linphone,
    network,
    phone::{Make, Phone},
    sipp::{Plan, Sipp},
};

use super::{
    Outcome, address_by_transport,
    busy::{RECOVERED, recovered},
    last_outcome,
    over::{Over, Trust},
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases},
    transports::{Kind, over_kind},
    uri,
};

/// The first block of addresses of these cases: on a network of their own.
const FIRST_BLOCK: u8 = 192;

/// Everybody's password, and the variable that ours is passed in.
const PASSWORD: &str = "correct-horse";
const VARIABLE: &str = "PATCHCORD_TEST_PASSWORD";

/// What comes of a transfer of ours.
const OURS: &str =
    "`transfer`: Succeeded by notify, 200, exit 0; REFER and NOTIFY by the proxy, with the password";

/// What comes of a peer's.
const THEIRS: &str = "the transferor learns of the success; REFER and NOTIFY by the proxy, with the password";

/// Who moves whom to whom, and what all of them speak.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves the first to the second.
    Ours(Over, Kind, Make, Make),
    /// The first moves the second to the third.
    Theirs(Over, Kind, Make, Make, Make),
    /// sipp moves an `answer --echo` to an `answer`.
    Sipp(Over),
    /// `transfer` moves an `answer --echo` by TLS to a linphonec that is busy, and takes it back.
    BusyLinphone,
}

cases! {
    run;
    we_move_baresip_to_linphonec_by_a_registrar:
        Case::Ours(Over::Udp, Kind::Blind, Make::Baresip, Make::Linphone),
    we_move_linphonec_to_baresip_by_a_registrar:
        Case::Ours(Over::Udp, Kind::Blind, Make::Linphone, Make::Baresip),
    we_move_sipjs_to_answer_by_a_registrar: Case::Ours(Over::Udp, Kind::Blind, Make::SipJs, Make::Echo),
    we_join_linphonec_with_sipjs_by_a_registrar:
        Case::Ours(Over::Udp, Kind::Attended, Make::Linphone, Make::SipJs),
    we_join_sipjs_with_linphonec_by_a_registrar:
        Case::Ours(Over::Udp, Kind::Attended, Make::SipJs, Make::Linphone),
    we_join_linphonec_with_linphonec_by_a_registrar_over_tcp:
        Case::Ours(Over::Tcp, Kind::Attended, Make::Linphone, Make::Linphone),
    we_join_linphonec_with_linphonec_by_a_registrar_over_tls:
        Case::Ours(Over::Tls, Kind::Attended, Make::Linphone, Make::Linphone),
    we_move_linphonec_to_linphonec_by_a_registrar_over_tcp:
        Case::Ours(Over::Tcp, Kind::Blind, Make::Linphone, Make::Linphone),
    we_move_linphonec_to_linphonec_by_a_registrar_over_tls:
        Case::Ours(Over::Tls, Kind::Blind, Make::Linphone, Make::Linphone),
    we_move_baresip_to_baresip_by_a_registrar_over_tcp:
        Case::Ours(Over::Tcp, Kind::Blind, Make::Baresip, Make::Baresip),
    we_move_baresip_to_baresip_by_a_registrar_over_tls:
        Case::Ours(Over::Tls, Kind::Blind, Make::Baresip, Make::Baresip),
    baresip_moves_answer_to_sipjs_by_a_registrar:
        Case::Theirs(Over::Udp, Kind::Blind, Make::Baresip, Make::Echo, Make::SipJs),
    linphonec_moves_answer_to_baresip_by_a_registrar:
        Case::Theirs(Over::Udp, Kind::Blind, Make::Linphone, Make::Echo, Make::Baresip),
    sipjs_moves_linphonec_to_answer_by_a_registrar:
        Case::Theirs(Over::Udp, Kind::Blind, Make::SipJs, Make::Linphone, Make::Echo),
    linphonec_joins_answer_with_sipjs_by_a_registrar:
        Case::Theirs(Over::Udp, Kind::Attended, Make::Linphone, Make::Echo, Make::SipJs),
    sipjs_joins_linphonec_with_answer_by_a_registrar:
        Case::Theirs(Over::Udp, Kind::Attended, Make::SipJs, Make::Linphone, Make::Echo),
    linphonec_moves_answer_to_answer_by_a_registrar_over_tcp:
        Case::Theirs(Over::Tcp, Kind::Blind, Make::Linphone, Make::Echo, Make::Answer),
    linphonec_moves_answer_to_answer_by_a_registrar_over_tls:
        Case::Theirs(Over::Tls, Kind::Blind, Make::Linphone, Make::Echo, Make::Answer),
    baresip_moves_answer_to_answer_by_a_registrar_over_tcp:
        Case::Theirs(Over::Tcp, Kind::Blind, Make::Baresip, Make::Echo, Make::Answer),
    baresip_moves_answer_to_answer_by_a_registrar_over_tls:
        Case::Theirs(Over::Tls, Kind::Blind, Make::Baresip, Make::Echo, Make::Answer),
    sipp_moves_answer_to_answer_by_a_registrar: Case::Sipp(Over::Udp),
    sipp_moves_answer_to_answer_by_a_registrar_over_tcp: Case::Sipp(Over::Tcp),
    answer_comes_back_from_a_busy_linphonec_by_a_registrar_over_tls: Case::BusyLinphone,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (over, kind, parties, expected) = match case {
            Case::Ours(over, kind, first, second) => {
                (over, kind, vec![(first, "transferee"), (second, "target")], OURS)
            }
            Case::Theirs(over, kind, first, second, third) => {
                let parties = vec![(first, "transferor"), (second, "transferee"), (third, "target")];
                (over, kind, parties, THEIRS)
            }
            Case::Sipp(over) => {
                rows.push(Row {
                    peer: "sipp",
                    role: "transferor",
                    kind: over_kind(Kind::Blind, over),
                    with: "`answer --echo` (transferee), `answer` (target), kamailio (registrar, proxy)"
                        .to_owned(),
                    media: "RTP both ways",
                    expected: THEIRS.to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                });
                continue;
            }
            Case::BusyLinphone => {
                rows.push(Row {
                    peer: Make::Linphone.name(),
                    role: "busy target",
                    kind: over_kind(Kind::Blind, Over::Tls),
                    with: "`answer --echo` (transferee), kamailio (registrar, proxy)".to_owned(),
                    media: "not measured",
                    expected: RECOVERED.to_owned(),
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
            let others = others.chain(["kamailio (registrar, proxy)".to_owned()]);
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
    rows
}

/// Who takes part and is no part of ours.
fn makes(case: Case) -> Vec<Make> {
    match case {
        Case::Ours(_, _, first, second) => vec![first, second],
        Case::Theirs(_, _, first, second, third) => vec![first, second, third],
        Case::Sipp(_) => Vec::new(),
        Case::BusyLinphone => vec![Make::Linphone],
    }
}

fn over(case: Case) -> Over {
    match case {
        Case::Ours(over, ..) | Case::Theirs(over, ..) | Case::Sipp(over) => over,
        Case::BusyLinphone => Over::Tls,
    }
}

fn run(place: u8, case: Case) -> Outcome {
    // covers: TR-202
    let over = over(case);
    if over.connects() && makes(case).contains(&Make::Linphone) && !network::is_private() {
        println!("not run: in the host's network linphonec gives its connections up");
        return Ok(());
    }
    let [one, two, three, four] = [1, 2, 3, 4].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let trust = Trust::of(four, &[one, two, three, four])?;
    let mut kamailio = Kamailio::strict_registrar(four, PASSWORD, Some((&trust.authority, &trust.identity)))?;
    match case {
        Case::Ours(_, kind, first, second) => {
            let bob = trust.registered(over, first, "bob", two, FIRST_TONE, &mut kamailio)?;
            let carol = trust.registered(over, second, "carol", three, SECOND_TONE, &mut kamailio)?;
            we_move(over, kind, one, &mut kamailio, &trust, [bob, carol])?;
            went_by_the_proxy(&mut kamailio, one, seen_at(over, first, two))
        }
        Case::Theirs(_, kind, first, second, third) => {
            let mut alice = trust.registered(over, first, "alice", one, FIRST_TONE, &mut kamailio)?;
            let mut bob = trust.registered(over, second, "bob", two, SECOND_TONE, &mut kamailio)?;
            let mut carol = trust.registered(over, third, "carol", three, THIRD_TONE, &mut kamailio)?;
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
            went_by_the_proxy(&mut kamailio, seen_at(over, first, one), seen_at(over, second, two))?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Sipp(_) => {
            let mut bob = trust.registered(over, Make::Echo, "bob", two, FIRST_TONE, &mut kamailio)?;
            let mut carol =
                trust.registered(over, Make::Answer, "carol", three, SECOND_TONE, &mut kamailio)?;
            let target = carol.uri();
            // Its password stands in the scenario: sipp sends broken bytes where a key is to fill it in.
            let keys = [("target_uri", target.as_str())];
            let plan = Plan { keys: &keys, over: over.table(), ..Plan::new("transferor-digest", one, four) };
            let report = Sipp::start(&plan)?.finish(PATIENCE)?;
            assert!(report.log.contains("SIP/2.0 200"), "{}", report.log);
            carol.phone.answered()?;
            bob.phone.moved()?;
            hear_each_other(&mut bob, &mut carol)?;
            went_by_the_proxy(&mut kamailio, one, two)
        }
        Case::BusyLinphone => {
            let mut bob = trust.registered(over, Make::Echo, "bob", two, FIRST_TONE, &mut kamailio)?;
            let (account, trusted) = ((four, PASSWORD), Some(&trust.authority));
            let _carol =
                Linphone::start_busy_registered_by_tcp("carol", three, SECOND_TONE, account, trusted)?;
            kamailio.wait_registered("carol")?;
            let target = uri("carol", four);
            let transfer = transfer(over, Kind::Blind, one, four, &trust, &bob.uri(), &target)?;
            recovered(transfer, &mut bob)
        }
    }
}

/// Where kamailio sees a party: the connections of linphonec and baresip do not come from their addresses.
fn seen_at(over: Over, make: Make, own: Ipv4Addr) -> Ipv4Addr {
    if over.connects() && !make.is_ours() { Ipv4Addr::LOCALHOST } else { own }
}

/// The REFER and the NOTIFYs went by the proxy, and who sent them has proved that it knows the password: at once where it had a
/// challenge that was good still, after a 407 otherwise.
fn went_by_the_proxy(kamailio: &mut Kamailio, transferor: Ipv4Addr, transferee: Ipv4Addr) -> Outcome {
    for (method, party) in [("REFER", transferor), ("NOTIFY", transferee)] {
        kamailio.wait_logged(&format!("PROVED {method} {party}"))?;
    }
    Ok(())
}

/// `patchcord transfer`, a user too, moves the one to the other.
fn we_move(
    over: Over,
    kind: Kind,
    own: Ipv4Addr,
    kamailio: &mut Kamailio,
    trust: &Trust,
    [mut bob, mut carol]: [Seat; 2],
) -> Outcome {
    let transfer = transfer(over, kind, own, kamailio.address(), trust, &bob.uri(), &carol.uri())?;
    bob.phone.answered()?;
    bob.phone.hears(Some(OUR_TONE))?;
    if kind == Kind::Attended {
        carol.phone.answered()?;
    }
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    let trace = format!("{}\n{}", kamailio.output(), bob.phone.output());
    assert_eq!(code, Some(0), "{events:#?}\n{trace}");
    assert_eq!(last_outcome(&events), (Some("Succeeded"), Some("notify"), Some(200)), "{trace}");
    if kind == Kind::Blind {
        carol.phone.answered()?;
    }
    hear_each_other(&mut bob, &mut carol)?;
    hang_up(&mut carol, &mut bob)
}

impl Trust {
    /// Starts a user of the registrar, and waits until that has it.
    fn registered(
        &self,
        over: Over,
        make: Make,
        user: &'static str,
        own: Ipv4Addr,
        tone: u16,
        kamailio: &mut Kamailio,
    ) -> Result<Seat, PeerError> {
        let registrar = kamailio.address();
        let account = (registrar, PASSWORD);
        let tls = (over == Over::Tls).then_some((&self.authority, &self.identity));
        if !over.connects() {
            return Seat::start_registered(make, user, own, tone, (kamailio, PASSWORD));
        }
        let phone: Box<dyn Phone> = match make {
            Make::Linphone => {
                let trusted = tls.map(|(authority, _)| authority);
                Box::new(Linphone::start_registered_by_tcp(user, own, tone, account, trusted)?)
            }
            Make::Baresip => Box::new(Baresip::start_registered_by_tcp(user, own, tone, account, tls)?),
            Make::Answer | Make::Echo => {
                let options = self.account(over, user, registrar);
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                let hz = (make == Make::Answer).then_some(tone);
                Box::new(Answer::start_with(&over.listen(own), hz, &options, &[(VARIABLE, PASSWORD)])?)
            }
            Make::SipJs => {
                let what = format!("register by {}", over.name());
                return Err(PeerError::Unable { program: make.name().to_owned(), what });
            }
        };
        kamailio.wait_registered(user)?;
        Ok(Seat::new(make, user, tone, uri(user, registrar), phone))
    }

    /// The arguments of ours by which it is a user of the registrar.
    fn account(&self, over: Over, user: &str, registrar: Ipv4Addr) -> Vec<String> {
        let proxy = over.uri("x", &registrar.to_string()).replacen("x@", "", 1);
        let account = ["--account".to_owned(), uri(user, registrar), "--proxy".to_owned(), proxy];
        let password = ["--password-env", VARIABLE].map(str::to_owned);
        account.into_iter().chain(password).chain(self.arguments(over)).collect()
    }
}

/// `patchcord transfer` of users of the registrar, as one of them.
fn transfer(
    over: Over,
    kind: Kind,
    own: Ipv4Addr,
    registrar: Ipv4Addr,
    trust: &Trust,
    first: &str,
    target: &str,
) -> Result<Application, PeerError> {
    let listen = over.listen(own);
    let mut words =
        vec!["transfer", first, target, "--kind", kind.name(), "--talk", "2", "--listen", &listen];
    if kind == Kind::Attended {
        // So that the call that replaces ours goes by the proxy, too.
        words.extend(["--refer-to", "aor"]);
    }
    let options = trust.account(over, "alice", registrar);
    words.extend(options.iter().map(String::as_str));
    Application::start_with(&words, &[(VARIABLE, PASSWORD)])
}
