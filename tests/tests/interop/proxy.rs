//! kamailio as a stateful proxy between two or three of ours: it records its route, so that every request of a dialog goes
//! by it, over the connection that the dialog has.

use std::net::{Ipv4Addr, SocketAddrV4};

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    authority::{Authority, Identity},
    kamailio::{Kamailio, Seen},
    sipp::{Plan, Sipp},
};
use serde_json::Value;

use super::{
    Outcome, address_by_transport, last_outcome, names,
    over::{Over, tls, trust},
    table::{self, Row, cases},
    transports::{Kind, over_kind},
};

/// The first block of addresses of these cases: on a network of their own.
const FIRST_BLOCK: u8 = 96;

/// The options of an `answer` that is moved, and that lets itself be replaced by whom its peer refers.
const MOVED: [&str; 6] = ["--refer", "allow", "--allow-target", "127.0.0.0/8", "--replaces", "referred-by"];

/// What the caller speaks with the proxy, and the proxy with the called party.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `call` calls `answer`, holds, resumes and hangs up.
    Call(Over, Over),
    /// `call` calls `answer`, which hangs up.
    HungUp(Over, Over),
    /// `transfer` moves one `answer` to another.
    Transfer(Over, Over),
    /// `transfer` joins an `answer` with a sipp.
    Join(Over),
}

cases! {
    requests_go_by_the_proxy_over_connections_that_are_there;
    a_call_by_a_proxy_over_udp: Case::Call(Over::Udp, Over::Udp),
    a_call_by_a_proxy_over_tcp: Case::Call(Over::Tcp, Over::Tcp),
    a_call_by_a_proxy_over_tls: Case::Call(Over::Tls, Over::Tls),
    a_call_by_a_proxy_from_tcp_to_udp: Case::Call(Over::Tcp, Over::Udp),
    a_call_by_a_proxy_from_udp_to_tls: Case::Call(Over::Udp, Over::Tls),
    a_call_by_a_proxy_from_ws_to_udp: Case::Call(Over::Ws, Over::Udp),
    a_call_by_a_proxy_from_wss_to_tls: Case::Call(Over::Wss, Over::Tls),
    a_call_that_a_proxy_ends_over_tcp: Case::HungUp(Over::Udp, Over::Tcp),
    a_call_that_a_proxy_ends_over_ws: Case::HungUp(Over::Ws, Over::Udp),
    a_transfer_by_a_proxy_over_udp: Case::Transfer(Over::Udp, Over::Udp),
    a_transfer_by_a_proxy_over_tcp: Case::Transfer(Over::Tcp, Over::Tcp),
    a_transfer_by_a_proxy_over_tls: Case::Transfer(Over::Tls, Over::Tls),
    a_transfer_by_a_proxy_from_tcp_to_udp: Case::Transfer(Over::Tcp, Over::Udp),
    we_join_answer_with_sipp_by_a_proxy: Case::Join(Over::Udp),
    we_join_answer_with_sipp_by_a_proxy_over_tcp: Case::Join(Over::Tcp),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (kind, with, expected) = match case {
            Case::Call(one, other) => (
                "call, hold, resume, BYE",
                format!("`call` ({}), `answer` ({})", one.name(), other.name()),
                if one.connects() {
                    "exit 0; all requests by the proxy, over one connection"
                } else {
                    "exit 0; all requests by the proxy"
                },
            ),
            Case::HungUp(one, other) => (
                "call, BYE by the called party",
                format!("`call` ({}), `answer` ({})", one.name(), other.name()),
                if other.connects() {
                    "both exit 0; the BYE by the proxy, over the connection of the INVITE"
                } else {
                    "both exit 0; the BYE by the proxy, and from it over our connection"
                },
            ),
            Case::Transfer(one, other) => (
                "blind",
                format!("`transfer` ({}), two `answer` ({})", one.name(), other.name()),
                if one.connects() {
                    "Succeeded by notify, 200, exit 0; REFER, NOTIFY and BYE by the proxy, over connections that are there"
                } else {
                    "Succeeded by notify, 200, exit 0; REFER, NOTIFY and BYE by the proxy"
                },
            ),
            Case::Join(over) => {
                return Row {
                    peer: "sipp",
                    role: "target",
                    kind: over_kind(Kind::Attended, over),
                    with: "`answer` (transferee), kamailio (proxy)".to_owned(),
                    media: "signalling only",
                    expected: "`transfer`: Succeeded by notify, 200, exit 0; Replaces at the target; REFER and the new \
                               call by the proxy"
                        .to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                };
            }
        };
        Row {
            peer: "kamailio",
            role: "proxy",
            kind,
            with,
            media: "RTP both ways",
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

/// Everybody's address, the proxy, and what all of them trust.
struct Network {
    alice: Ipv4Addr,
    bob: Ipv4Addr,
    carol: Ipv4Addr,
    proxy: Ipv4Addr,
    kamailio: Kamailio,
    authority: Authority,
    /// One certificate that is everybody's: what is verified is that it is the authority's and shows the address.
    identity: Identity,
}

impl Network {
    fn start(block: u8, second: Over) -> Result<Self, PeerError> {
        let [alice, bob, carol, proxy] = [1, 2, 3, 4].map(|peer| address_by_transport(block, peer));
        let authority = Authority::new(&proxy.to_string())?;
        let names = [bob, carol, proxy].map(|address| address.to_string());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let identity = authority.issue("all", &names)?;
        let (to_bob, to_carol) = (second.uri("bob", names[0]), second.uri("carol", names[1]));
        let kamailio =
            Kamailio::start(proxy, &authority, &identity, &[("bob", &to_bob), ("carol", &to_carol)])?;
        Ok(Self { alice, bob, carol, proxy, kamailio, authority, identity })
    }

    fn answer(&self, own: Ipv4Addr, over: Over, options: &[&str]) -> Result<Application, PeerError> {
        let mut arguments = words(&["answer", "--listen", &over.listen(own), "--tone", "800"]);
        if over == Over::Tls {
            arguments.extend(tls(&self.identity, &self.authority.roots()));
        }
        arguments.extend(words(options));
        start(&arguments)
    }

    /// `call` or `transfer` of users behind the proxy.
    fn caller(
        &self,
        verb: &str,
        users: &[String],
        over: Over,
        options: &[&str],
    ) -> Result<Application, PeerError> {
        let mut arguments = words(&[verb]);
        arguments.extend_from_slice(users);
        // A client of a WebSocket has no server of its own.
        let listens = match over {
            Over::Udp | Over::Tcp | Over::Tls => over,
            Over::Ws | Over::Wss => Over::Udp,
        };
        arguments.extend(words(&["--listen", &listens.listen(self.alice)]));
        match over {
            Over::Tls => arguments.extend(tls(&self.identity, &self.authority.roots())),
            Over::Wss => arguments.extend(trust(&self.authority.roots())),
            Over::Udp | Over::Tcp | Over::Ws => {}
        }
        arguments.extend(words(options));
        start(&arguments)
    }

    fn user(&self, user: &str, over: Over) -> String {
        over.uri(user, &self.proxy.to_string())
    }

    /// The requests of a call that came from somebody, in order.
    fn seen(&mut self, call: &str, source: Ipv4Addr) -> Vec<Seen> {
        let mut seen = self.kamailio.seen();
        seen.retain(|request| request.call == call && *request.source.ip() == source);
        seen
    }

    /// The Call-ID of the first INVITE that came from somebody.
    fn call_of(&mut self, source: Ipv4Addr) -> String {
        let seen = self.kamailio.seen();
        let first = seen.iter().find(|request| *request.source.ip() == source && !request.in_dialog);
        first.map(|request| request.call.clone()).unwrap_or_default()
    }
}

fn requests_go_by_the_proxy_over_connections_that_are_there(place: u8, case: Case) -> Outcome {
    // covers: TR-202, EC-57
    let block = FIRST_BLOCK + place;
    match case {
        Case::Call(one, other) => {
            let mut network = Network::start(block, other)?;
            let mut bob = network.answer(network.bob, other, &[])?;
            let user = network.user("bob", one);
            let call = network.caller("call", &[user], one, &["--duration", "1.5", "--hold-after", "0.5"])?;
            ends_well(call)?;
            bob.wait_for("call_ended", PATIENCE)?;
            flowed(&bob.events());
            network.kamailio.wait_seen("BYE", 1)?;
            let call = network.call_of(network.alice);
            let requests = network.seen(&call, network.alice);
            let expected = ["INVITE", "ACK", "INVITE", "ACK", "INVITE", "ACK", "BYE"];
            assert_eq!(methods(&requests), expected, "{requests:#?}");
            over_one_connection(&requests, one);
            // Nobody opened a second connection, neither we nor the proxy.
            for (party, over) in [(network.alice, one), (network.bob, other)] {
                let connections = network.kamailio.connections_with(party)?;
                assert_eq!(connections.len(), usize::from(over.connects()), "{party}: {connections:?}");
            }
        }
        Case::HungUp(one, other) => {
            let mut network = Network::start(block, other)?;
            let mut bob = network.answer(network.bob, other, &[])?;
            let user = network.user("bob", one);
            let mut call = network.caller("call", &[user], one, &["--duration", "60"])?;
            call.wait_for("media_flowing", PATIENCE)?;
            bob.wait_for("media_flowing", PATIENCE)?;
            bob.interrupt()?;
            let (code, events) = bob.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
            assert!(names(&events).contains(&"call_ended"), "{events:#?}");
            network.kamailio.wait_seen("BYE", 1)?;
            let call = network.call_of(network.alice);
            let requests = network.seen(&call, network.bob);
            assert_eq!(methods(&requests), ["BYE"], "{requests:#?}");
            over_one_connection(&requests, other);
            assert_eq!(
                requests[0].source.port(),
                other.port(),
                "the connection that the proxy made: {requests:#?}"
            );
        }
        Case::Transfer(one, other) => {
            let mut network = Network::start(block, other)?;
            let mut bob = network.answer(network.bob, other, &MOVED)?;
            let mut carol = network.answer(network.carol, other, &[])?;
            let users = [network.user("bob", one), network.user("carol", other)];
            let transfer = network.caller("transfer", &users, one, &["--talk", "0.5"])?;
            let (code, events) = transfer.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", network.kamailio.output());
            assert_eq!(last_outcome(&events), (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
            bob.wait_for("transfer_succeeded", PATIENCE)?;
            carol.wait_for("media_flowing", PATIENCE)?;
            bob.wait_for("call_ended", PATIENCE)?;
            network.kamailio.wait_seen("BYE", 1)?;
            let first = network.call_of(network.alice);
            let ours = network.seen(&first, network.alice);
            assert_eq!(methods(&ours), ["INVITE", "ACK", "INVITE", "ACK", "REFER", "BYE"], "{ours:#?}");
            over_connections_that_are_there(&ours, one, network.alice);
            let theirs = network.seen(&first, network.bob);
            assert!(
                theirs.len() >= 2 && theirs.iter().all(|request| request.method == "NOTIFY"),
                "{theirs:#?}"
            );
            over_one_connection(&theirs, other);
            assert_eq!(theirs[0].source.port(), other.port(), "the connection of the INVITE: {theirs:#?}");
            let second = network.call_of(network.bob);
            assert_ne!(first, second);
            let moved = network.seen(&second, network.bob);
            assert_eq!(methods(&moved), ["INVITE", "ACK"], "{moved:#?}");
            over_one_connection(&moved, other);
        }
        Case::Join(over) => {
            let mut network = Network::start(block, over)?;
            let mut bob = network.answer(network.bob, over, &MOVED)?;
            let plan = Plan::new("target-replaces", network.carol, network.proxy);
            let plan = Plan { user: "carol", calls: 2, over: over.table(), ..plan };
            let mut sipp = Sipp::start(&plan)?;
            let users = [network.user("bob", over), network.user("carol", over)];
            let join = ["--kind", "attended", "--talk", "0.5", "--refer-to", "aor"];
            let (code, events) = network.caller("transfer", &users, over, &join)?.finish(2 * PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", network.kamailio.output());
            assert_eq!(last_outcome(&events), (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
            bob.wait_for("transfer_succeeded", PATIENCE)?;
            sipp.wait_logged(";to-tag=")?;
            let first = network.call_of(network.alice);
            let ours = network.seen(&first, network.alice);
            assert!(methods(&ours).contains(&"REFER"), "{ours:#?}");
            let second = network.call_of(network.bob);
            let moved = network.seen(&second, network.bob);
            assert_eq!(methods(&moved), ["INVITE", "ACK"], "{moved:#?}");
            over_one_connection(&moved, over);
            // Neither of the two can be asked to hang up; both end with the test.
            sipp.stop();
        }
    }
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn start(arguments: &[String]) -> Result<Application, PeerError> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Application::start(&arguments)
}

fn ends_well(call: Application) -> Outcome {
    let (code, events) = call.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    flowed(&events);
    assert_eq!(names(&events).iter().filter(|name| **name == "hold_changed").count(), 2, "{events:#?}");
    Ok(())
}

fn flowed(events: &[Value]) {
    assert!(names(events).contains(&"media_flowing"), "{events:#?}");
}

fn methods(requests: &[Seen]) -> Vec<&str> {
    requests.iter().map(|request| request.method.as_str()).collect()
}

/// All came by this transport; over the connection of the first, or over one that the proxy made to where we listen. It
/// makes one for the NOTIFY to our Contact, and the dialog goes on over that.
fn over_connections_that_are_there(requests: &[Seen], over: Over, own: Ipv4Addr) {
    let (made_by_the_proxy, ours): (Vec<Seen>, Vec<Seen>) =
        requests.iter().cloned().partition(|request| request.source == SocketAddrV4::new(own, over.port()));
    if over.connects() {
        over_one_connection(&ours, over);
        assert_eq!(methods(&ours).last(), Some(&"REFER"), "nothing has come to us before: {requests:#?}");
    } else {
        over_one_connection(&made_by_the_proxy, over);
    }
}

/// All came by this transport, and from one place over one connection if it has connections.
fn over_one_connection(requests: &[Seen], over: Over) {
    let first = requests.first().expect("a request came");
    assert_eq!(first.connection.is_some(), over.connects(), "{requests:#?}");
    for request in requests {
        assert_eq!(request.transport, over.token(), "{requests:#?}");
        assert_eq!((request.connection, request.source), (first.connection, first.source), "{requests:#?}");
    }
}
