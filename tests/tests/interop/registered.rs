//! Transfers among users of a registrar that is their proxy and records its route. It wants their password for each REFER and
//! each NOTIFY of a call, too.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::Baresip,
    kamailio::Kamailio,
    linphone::Linphone,
    network,
    phone::{Make, Phone},
};

use super::{
    Outcome, address_by_transport, last_outcome,
    over::{Over, Trust},
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases},
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

/// How the first is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blind,
    Attended,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Attended => "attended",
        }
    }

    const fn over(self, over: Over) -> &'static str {
        match (self, over) {
            (Self::Blind, Over::Tls) => "blind over TLS",
            (Self::Blind, _) => "blind over TCP",
            (Self::Attended, Over::Tls) => "attended over TLS",
            (Self::Attended, _) => "attended over TCP",
        }
    }
}

/// Who moves whom to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves the first to the second.
    Ours(Kind, Make, Make),
    /// The first moves the second to the third.
    Theirs(Kind, Make, Make, Make),
    /// `transfer` moves one of this make to another, all by this transport.
    Over(Over, Kind, Make),
}

cases! {
    run;
    we_move_baresip_to_linphonec_by_a_registrar: Case::Ours(Kind::Blind, Make::Baresip, Make::Linphone),
    we_move_linphonec_to_baresip_by_a_registrar: Case::Ours(Kind::Blind, Make::Linphone, Make::Baresip),
    we_move_sipjs_to_answer_by_a_registrar: Case::Ours(Kind::Blind, Make::SipJs, Make::Echo),
    we_join_linphonec_with_sipjs_by_a_registrar: Case::Ours(Kind::Attended, Make::Linphone, Make::SipJs),
    we_join_sipjs_with_linphonec_by_a_registrar: Case::Ours(Kind::Attended, Make::SipJs, Make::Linphone),
    baresip_moves_answer_to_sipjs_by_a_registrar:
        Case::Theirs(Kind::Blind, Make::Baresip, Make::Echo, Make::SipJs),
    linphonec_moves_answer_to_baresip_by_a_registrar:
        Case::Theirs(Kind::Blind, Make::Linphone, Make::Echo, Make::Baresip),
    sipjs_moves_linphonec_to_answer_by_a_registrar:
        Case::Theirs(Kind::Blind, Make::SipJs, Make::Linphone, Make::Echo),
    linphonec_joins_answer_with_sipjs_by_a_registrar:
        Case::Theirs(Kind::Attended, Make::Linphone, Make::Echo, Make::SipJs),
    sipjs_joins_linphonec_with_answer_by_a_registrar:
        Case::Theirs(Kind::Attended, Make::SipJs, Make::Linphone, Make::Echo),
    we_join_linphonec_with_linphonec_by_a_registrar_over_tcp:
        Case::Over(Over::Tcp, Kind::Attended, Make::Linphone),
    we_join_linphonec_with_linphonec_by_a_registrar_over_tls:
        Case::Over(Over::Tls, Kind::Attended, Make::Linphone),
    we_move_linphonec_to_linphonec_by_a_registrar_over_tls:
        Case::Over(Over::Tls, Kind::Blind, Make::Linphone),
    we_move_baresip_to_baresip_by_a_registrar_over_tcp: Case::Over(Over::Tcp, Kind::Blind, Make::Baresip),
    we_move_baresip_to_baresip_by_a_registrar_over_tls: Case::Over(Over::Tls, Kind::Blind, Make::Baresip),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (kind, parties, expected) = match case {
            Case::Ours(kind, first, second) => (kind, vec![(first, "transferee"), (second, "target")], OURS),
            Case::Over(over, kind, make) => {
                rows.extend(["transferee", "target"].map(|role| Row {
                    peer: make.name(),
                    role,
                    kind: kind.over(over),
                    with: format!("{}, kamailio (registrar, proxy)", make.name()),
                    media: "tones of the new pair",
                    expected: OURS.to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                }));
                continue;
            }
            Case::Theirs(kind, first, second, third) => (
                kind,
                vec![(first, "transferor"), (second, "transferee"), (third, "target")],
                "the transferor learns of the success; REFER and NOTIFY by the proxy, with the password",
            ),
        };
        for (make, role) in parties.iter().filter(|(make, _)| !make.is_ours()) {
            let others = parties.iter().filter(|(_, other)| other != role);
            let others = others.map(|(make, role)| format!("{} ({role})", make.name()));
            let others = others.chain(["kamailio (registrar, proxy)".to_owned()]);
            rows.push(Row {
                peer: make.name(),
                role,
                kind: kind.name(),
                with: others.collect::<Vec<_>>().join(", "),
                media: "tones of the new pair",
                expected: expected.to_owned(),
                outcome: table::Outcome::Passes,
                test,
            });
        }
    }
    rows
}

fn run(place: u8, case: Case) -> Outcome {
    // covers: TR-202
    let [one, two, three, four] = [1, 2, 3, 4].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let trust = Trust::of(four, &[one, two, three, four])?;
    let mut kamailio = Kamailio::strict_registrar(four, PASSWORD, Some((&trust.authority, &trust.identity)))?;
    match case {
        Case::Ours(kind, first, second) => {
            let bob = Seat::start_registered(first, "bob", two, FIRST_TONE, (&mut kamailio, PASSWORD))?;
            let carol =
                Seat::start_registered(second, "carol", three, SECOND_TONE, (&mut kamailio, PASSWORD))?;
            we_move(Over::Udp, kind, one, &mut kamailio, &trust, [bob, carol])?;
            went_by_the_proxy(&mut kamailio, one, two)
        }
        Case::Over(_, _, Make::Linphone) if !network::is_private() => {
            println!("not run: in the host's network linphonec gives its connections up");
            Ok(())
        }
        Case::Over(over, kind, make) => {
            let bob = trust.registered(over, make, "bob", two, FIRST_TONE, &mut kamailio)?;
            let carol = trust.registered(over, make, "carol", three, SECOND_TONE, &mut kamailio)?;
            we_move(over, kind, one, &mut kamailio, &trust, [bob, carol])?;
            // Their connections do not come from their addresses.
            went_by_the_proxy(&mut kamailio, one, Ipv4Addr::LOCALHOST)
        }
        Case::Theirs(kind, first, second, third) => {
            let mut alice =
                Seat::start_registered(first, "alice", one, FIRST_TONE, (&mut kamailio, PASSWORD))?;
            let mut bob = Seat::start_registered(second, "bob", two, SECOND_TONE, (&mut kamailio, PASSWORD))?;
            let mut carol =
                Seat::start_registered(third, "carol", three, THIRD_TONE, (&mut kamailio, PASSWORD))?;
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
            went_by_the_proxy(&mut kamailio, one, two)?;
            hang_up(&mut carol, &mut bob)
        }
    }
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
    /// Starts a user of the registrar by TCP or TLS, and waits until that has it.
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
        let phone: Box<dyn Phone> = match make {
            Make::Linphone => {
                let trusted = tls.map(|(authority, _)| authority);
                Box::new(Linphone::start_registered_by_tcp(user, own, tone, account, trusted)?)
            }
            Make::Baresip => Box::new(Baresip::start_registered_by_tcp(user, own, tone, account, tls)?),
            Make::SipJs | Make::Answer | Make::Echo => {
                let what = format!("register by {}", over.name());
                return Err(PeerError::Unable { program: make.name().to_owned(), what });
            }
        };
        kamailio.wait_registered(user)?;
        Ok(Seat::new(make, user, tone, uri(user, registrar), phone))
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
    let (listen, account) = (over.listen(own), uri("alice", registrar));
    let proxy = over.uri("x", &registrar.to_string()).replacen("x@", "", 1);
    let mut words = vec!["transfer", first, target, "--kind", kind.name(), "--talk", "2"];
    words.extend(["--listen", &listen, "--account", &account, "--proxy", &proxy]);
    words.extend(["--password-env", VARIABLE]);
    if kind == Kind::Attended {
        // So that the call that replaces ours goes by the proxy, too.
        words.extend(["--refer-to", "aor"]);
    }
    let options = trust.arguments(over);
    words.extend(options.iter().map(String::as_str));
    Application::start_with(&words, &[(VARIABLE, PASSWORD)])
}
