//! Names in a zone that dnsmasq serves: NAPTR, SRV and addresses (RFC 3263), with the first target dead, and the name that
//! a certificate has to show (RFC 5922).

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    authority::Authority,
    dnsmasq::{Dnsmasq, Record},
    sockets::Connections,
};

use super::{
    Outcome, address_by_transport, names,
    over::{Over, tls},
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 21;

/// The domain that is called.
const DOMAIN: &str = "example.test";
const BY_TCP: &str = "_sip._tcp.example.test";
const BY_UDP: &str = "_sip._udp.example.test";
const BY_TLS: &str = "_sips._tcp.example.test";
const ONE: &str = "one.example.test";
const TWO: &str = "two.example.test";

/// What is in the zone, and who is there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// NAPTR prefers TCP to UDP; the first of two SRV targets is dead.
    SecondTarget,
    /// NAPTR prefers TCP to UDP, and there are SRV records for UDP alone.
    SecondService,
    /// No NAPTR, and SRV records for TCP alone.
    ServiceAlone,
    /// Neither NAPTR nor SRV.
    AddressAlone,
    /// A domain by TLS; the SRV target shows a certificate of the domain.
    Certificate,
    /// The same, and the certificate shows the target's own name instead.
    WrongCertificate,
    /// The name is not in the zone.
    Unknown,
}

cases! {
    run;
    the_second_srv_target_is_called_when_the_first_is_dead: Case::SecondTarget,
    the_second_naptr_service_is_called_when_the_first_has_no_srv: Case::SecondService,
    srv_without_naptr_is_called: Case::ServiceAlone,
    a_name_without_srv_is_called_at_its_address: Case::AddressAlone,
    a_srv_target_shows_the_certificate_of_the_domain: Case::Certificate,
    a_srv_target_with_a_certificate_of_its_own_name_is_refused: Case::WrongCertificate,
    a_name_that_is_not_there_cannot_be_called: Case::Unknown,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (kind, with, expected) = match case {
            Case::SecondTarget => (
                "NAPTR prefers TCP; the first SRV target is dead",
                "`call`, `answer` (second target)",
                "exit 0; NAPTR is asked for first, SRV of TCP next; the call goes by TCP to the second target",
            ),
            Case::SecondService => (
                "NAPTR prefers TCP, which has no SRV records",
                "`call`, `answer` (UDP)",
                "exit 0; the call goes by UDP, the second service",
            ),
            Case::ServiceAlone => {
                ("SRV without NAPTR", "`call`, `answer` (TCP)", "exit 0; the call goes by TCP")
            }
            Case::AddressAlone => {
                ("an address alone", "`call`, `answer` (UDP)", "exit 0; the call goes by UDP")
            }
            Case::Certificate => (
                "SRV of a domain by TLS",
                "`call`, `answer` (TLS, certificate of the domain)",
                "exit 0; the certificate is compared with the domain, not with the target",
            ),
            Case::WrongCertificate => (
                "SRV of a domain by TLS",
                "`call`, `answer` (TLS, certificate of the target)",
                "exit 1; nothing is sent",
            ),
            Case::Unknown => ("NXDOMAIN", "`call`", "exit 1"),
        };
        Row {
            peer: "dnsmasq",
            role: "name server",
            kind,
            with: with.to_owned(),
            media: if matches!(case, Case::WrongCertificate | Case::Unknown) {
                "–"
            } else {
                "RTP both ways"
            },
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn run(place: u8, case: Case) -> Outcome {
    let [ours, one, two, server] = [1, 2, 3, 4].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let [to_one, to_two] = [Connections::of(one)?, Connections::of(two)?];
    let (a_one, a_two) = (Record::A(ONE, one), Record::A(TWO, two));
    let naptr = [Record::Naptr(DOMAIN, 10, "SIP+D2T", BY_TCP), Record::Naptr(DOMAIN, 20, "SIP+D2U", BY_UDP)];
    let sip = format!("sip:bob@{DOMAIN}");
    let listen = [Over::Udp.listen(ours), Over::Tcp.listen(ours)];
    match case {
        Case::SecondTarget => {
            let srv = [
                Record::Srv(BY_TCP, ONE, 5060, 10, 0),
                Record::Srv(BY_TCP, TWO, 5060, 20, 0),
                Record::Srv(BY_UDP, ONE, 5060, 10, 0),
            ];
            let mut zone = Dnsmasq::start(server, &[&naptr[..], &srv, &[a_one, a_two]].concat())?;
            let mut bob = answer(&[Over::Tcp.listen(two)], &[])?;
            called(&zone, &sip, &listen, &[])?;
            flowed(&mut bob)?;
            assert_eq!(to_two.since()?.len(), 1, "it is called by TCP");
            zone.asked(&format!("SRV {BY_TCP}"))?;
            let questions = zone.questions();
            assert_eq!(questions.first(), Some(&format!("NAPTR {DOMAIN}")), "{questions:#?}");
            assert_eq!(questions.get(1), Some(&format!("SRV {BY_TCP}")), "{questions:#?}");
        }
        Case::SecondService => {
            let srv = [Record::Srv(BY_UDP, TWO, 5060, 10, 0)];
            let zone = Dnsmasq::start(server, &[&naptr[..], &srv, &[a_one, a_two]].concat())?;
            let mut bob = answer(&[Over::Udp.listen(two)], &[])?;
            called(&zone, &sip, &listen, &[])?;
            flowed(&mut bob)?;
        }
        Case::ServiceAlone => {
            // The port is not the default one, so that only the SRV record can tell it.
            let zone = Dnsmasq::start(server, &[Record::Srv(BY_TCP, ONE, 5070, 10, 0), a_one])?;
            let mut bob = answer(&[format!("tcp:{one}:5070")], &[])?;
            called(&zone, &sip, &listen, &[])?;
            flowed(&mut bob)?;
            assert_eq!(to_one.since()?.len(), 1, "it is called by TCP");
        }
        Case::AddressAlone => {
            let zone = Dnsmasq::start(server, &[Record::A(DOMAIN, one)])?;
            let mut bob = answer(&[Over::Udp.listen(one)], &[])?;
            called(&zone, &sip, &listen, &[])?;
            flowed(&mut bob)?;
        }
        Case::Certificate | Case::WrongCertificate => {
            let authority = Authority::new(&server.to_string())?;
            let right = matches!(case, Case::Certificate);
            let identity = authority.issue("bob", &[if right { DOMAIN } else { TWO }])?;
            let zone = Dnsmasq::start(server, &[Record::Srv(BY_TLS, TWO, 5061, 10, 0), a_two])?;
            let mut bob = answer(&[Over::Tls.listen(two)], &tls(&identity, &authority.roots()))?;
            let caller = authority.issue("alice", &[&ours.to_string()])?;
            let options = tls(&caller, &authority.roots());
            let by_tls = format!("sip:bob@{DOMAIN};transport=tls");
            let listen = [Over::Tls.listen(ours)];
            if right {
                called(&zone, &by_tls, &listen, &options)?;
                flowed(&mut bob)?;
            } else {
                let (code, events) = call(&zone, &by_tls, &listen, &options)?.finish(PATIENCE)?;
                assert_eq!(code, Some(1), "{events:#?}");
                assert_eq!(to_two.since()?.len(), 1, "it was asked for its certificate");
                assert!(!names(&bob.events()).contains(&"incoming_call"), "{}", bob.output());
            }
        }
        Case::Unknown => {
            let zone = Dnsmasq::start(server, &[a_one])?;
            let (code, events) = call(&zone, &sip, &listen, &[])?.finish(PATIENCE)?;
            assert_eq!(code, Some(1), "{events:#?}");
        }
    }
    Ok(())
}

fn answer(listen: &[String], options: &[String]) -> Result<Application, PeerError> {
    let listen = listen.iter().flat_map(|address| ["--listen", address]);
    let arguments: Vec<&str> =
        std::iter::once("answer").chain(listen).chain(options.iter().map(String::as_str)).collect();
    Application::start(&arguments)
}

fn call(zone: &Dnsmasq, uri: &str, listen: &[String], options: &[String]) -> Result<Application, PeerError> {
    let server = zone.address();
    let listen = listen.iter().flat_map(|address| ["--listen", address]);
    let arguments: Vec<&str> = ["call", uri, "--duration", "1", "--dns", &server]
        .into_iter()
        .chain(listen)
        .chain(options.iter().map(String::as_str))
        .collect();
    Application::start(&arguments)
}

/// The call is answered and ends well.
fn called(zone: &Dnsmasq, uri: &str, listen: &[String], options: &[String]) -> Outcome {
    let (code, events) = call(zone, uri, listen, options)?.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    Ok(())
}

fn flowed(answer: &mut Application) -> Outcome {
    answer.wait_for("media_flowing", PATIENCE)?;
    answer.wait_for("call_ended", PATIENCE).map(drop)
}
