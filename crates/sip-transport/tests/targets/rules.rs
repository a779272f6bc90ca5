//! URI, what is offered, and zone in; questions and targets out.

use sip_transport::{RouteError, targets::Maddr};

use crate::zone::{Found, Zone, offered};

const ALL: &str = "udp4 tcp4 tls4 ws4 wss4 udp6 tcp6 tls6 ws6 wss6";

fn find(uri: &str, offers: &str, zone: &str) -> Found {
    Zone::of(zone).find(uri, offered(offers), Maddr::Refused, 1)
}

fn error(uri: &str, offers: &str, zone: &str) -> RouteError {
    find(uri, offers, zone).result.expect_err(uri)
}

/// Each row: the URI, what is offered, the targets; nothing may be asked.
#[test]
fn a_numeric_host_is_not_asked_for() {
    for (uri, offers, target) in [
        ("sip:bob@192.0.2.7", ALL, "UDP 192.0.2.7:5060"),
        ("sip:bob@192.0.2.7:5070", ALL, "UDP 192.0.2.7:5070"),
        ("sip:[2001:db8::1]:5062;lr", ALL, "UDP [2001:db8::1]:5062"),
        ("sip:[::ffff:192.0.2.7]", "udp4", "UDP 192.0.2.7:5060"),
        ("sip:192.0.2.7;transport=UDP", ALL, "UDP 192.0.2.7:5060"),
        ("sip:192.0.2.7;transport=tcp", ALL, "TCP 192.0.2.7:5060"),
        ("sip:192.0.2.7;transport=tls", ALL, "TLS 192.0.2.7:5061"),
        ("sip:192.0.2.7;transport=ws", ALL, "WS 192.0.2.7:80"),
        ("sip:192.0.2.7;transport=wss", ALL, "WSS 192.0.2.7:443"),
        ("sips:192.0.2.7", ALL, "TLS 192.0.2.7:5061"),
        ("sips:192.0.2.7;transport=tcp", ALL, "TLS 192.0.2.7:5061"),
        ("sips:192.0.2.7;transport=tls", ALL, "TLS 192.0.2.7:5061"),
        ("sips:192.0.2.7;transport=ws", ALL, "WSS 192.0.2.7:443"),
        ("sips:192.0.2.7;transport=WSS", ALL, "WSS 192.0.2.7:443"),
        ("sip:192.0.2.7", "tcp4 tls4", "TCP 192.0.2.7:5060"),
        ("sip:192.0.2.7", "wss4", "WSS 192.0.2.7:443"),
        ("sips:192.0.2.7", "udp4 tcp4 wss4", "WSS 192.0.2.7:443"),
        ("sip:[2001:db8::1]", "udp4 tcp6", "TCP [2001:db8::1]:5060"),
    ] {
        let found = find(uri, offers, "");
        assert_eq!(found.targets(), [target], "{uri} over {offers}");
        assert!(found.asked.is_empty(), "{uri}");
    }
}

#[test]
fn what_cannot_be_sent_to_is_told_by_reason() {
    for (uri, offers, reason) in [
        ("tel:+15551234", ALL, RouteError::Scheme),
        ("http://example.com", ALL, RouteError::Scheme),
        ("sip:192.0.2.7;transport=sctp", ALL, RouteError::Transport),
        ("sip:192.0.2.7;transport", ALL, RouteError::Transport),
        ("sip:192.0.2.7;transport=tcp", "udp4", RouteError::Transport),
        ("sip:192.0.2.7;transport=tls", "udp4 tcp4", RouteError::Transport),
        ("sips:192.0.2.7", "udp4 tcp4 ws4", RouteError::Transport),
        ("sips:example.com", "udp4 tcp4 ws4", RouteError::Transport),
        ("sips:192.0.2.7;transport=udp", ALL, RouteError::Transport),
        ("sips:192.0.2.7;transport=ws", "tls4 ws4", RouteError::Transport),
        ("sip:192.0.2.7", "", RouteError::Transport),
        ("sip:192.0.2.7", "udp6 tcp6", RouteError::Family),
        ("sip:[2001:db8::1];transport=tcp", "udp6 tcp4", RouteError::Family),
        ("sip:192.0.2.7:0", ALL, RouteError::Unresolved),
        ("sip:example.com:0", ALL, RouteError::Unresolved),
        ("sip:0.0.0.0", ALL, RouteError::Unresolved),
        ("sip:[::]", ALL, RouteError::Unresolved),
        ("sip:224.0.1.75", ALL, RouteError::Unresolved),
        ("sip:255.255.255.255", ALL, RouteError::Unresolved),
        ("sip:[ff02::1]", ALL, RouteError::Unresolved),
        ("sip:192.0.2.7;maddr=192.0.2.8", ALL, RouteError::Maddr),
        ("sip:192.0.2.7;maddr", ALL, RouteError::Maddr),
    ] {
        let found = find(uri, offers, "");
        assert_eq!(found.result, Err(reason), "{uri} over {offers}");
        assert!(found.asked.is_empty(), "{uri}");
    }
}

#[test]
fn a_port_leaves_the_addresses_to_be_asked_for() {
    let zone = "example.com NAPTR 1 1 SIP+D2T _sip._tcp.example.com
        _sip._tcp.example.com SRV 0 0 5099 a.example.com
        example.com A 192.0.2.1 2001:db8::1";
    for (uri, targets) in [
        ("sip:bob@example.com:5070", ["UDP 192.0.2.1:5070", "UDP [2001:db8::1]:5070"]),
        ("sip:bob@EXAMPLE.com.:5070;transport=tcp", ["TCP 192.0.2.1:5070", "TCP [2001:db8::1]:5070"]),
        ("sips:example.com:5070", ["TLS 192.0.2.1:5070", "TLS [2001:db8::1]:5070"]),
    ] {
        let found = find(uri, ALL, zone);
        assert_eq!(found.asked, ["example.com A/AAAA"], "{uri}");
        assert_eq!(found.targets(), targets, "{uri}");
        assert_eq!(found.name(), "example.com");
    }
}

#[test]
fn a_transport_leaves_its_srv_records_to_be_asked_for() {
    let zone = "example.com NAPTR 1 1 SIP+D2U _sip._udp.example.com
        _sip._udp.example.com SRV 0 0 5099 a.example.com
        _sip._tcp.example.com SRV 0 0 5098 a.example.com
        _sips._tcp.example.com SRV 0 0 5097 a.example.com
        _sip._ws.example.com SRV 0 0 8080 a.example.com
        _sips._ws.example.com SRV 0 0 8443 a.example.com
        a.example.com A 192.0.2.1";
    for (uri, asked, target) in [
        ("sip:example.com;transport=udp", "_sip._udp.example.com SRV", "UDP 192.0.2.1:5099"),
        ("sip:example.com;transport=tcp", "_sip._tcp.example.com SRV", "TCP 192.0.2.1:5098"),
        ("sip:example.com;transport=tls", "_sips._tcp.example.com SRV", "TLS 192.0.2.1:5097"),
        ("sips:example.com;transport=tcp", "_sips._tcp.example.com SRV", "TLS 192.0.2.1:5097"),
        ("sip:example.com;transport=ws", "_sip._ws.example.com SRV", "WS 192.0.2.1:8080"),
        ("sip:example.com;transport=wss", "_sips._ws.example.com SRV", "WSS 192.0.2.1:8443"),
        ("sips:example.com;transport=ws", "_sips._ws.example.com SRV", "WSS 192.0.2.1:8443"),
    ] {
        let found = find(uri, ALL, zone);
        assert_eq!(found.asked, [asked, "a.example.com A/AAAA"], "{uri}");
        assert_eq!(found.targets(), [target], "{uri}");
        assert_eq!(found.name(), "example.com", "TLS verifies the URI's host");
    }
}

#[test]
fn without_srv_records_a_transport_has_its_own_port_at_the_host() {
    for (uri, target) in [
        ("sip:example.com;transport=udp", "UDP 192.0.2.1:5060"),
        ("sip:example.com;transport=tcp", "TCP 192.0.2.1:5060"),
        ("sip:example.com;transport=tls", "TLS 192.0.2.1:5061"),
        ("sip:example.com;transport=ws", "WS 192.0.2.1:80"),
        ("sips:example.com;transport=ws", "WSS 192.0.2.1:443"),
    ] {
        let found = find(uri, ALL, "example.com A 192.0.2.1");
        assert_eq!(found.asked.len(), 2, "{uri}");
        assert_eq!(found.targets(), [target], "{uri}");
    }
}

const EXAMPLE: &str = "
    example.com NAPTR 50 50 SIPS+D2T _sips._tcp.example.com.
    example.com NAPTR 90 50 SIP+D2T _sip._tcp.example.com
    example.com NAPTR 100 50 SIP+D2U _sip._udp.example.com.
    _sip._tcp.example.com SRV 0 1 5060 server1.example.com
    _sip._tcp.example.com SRV 0 2 5060 server2.example.com
    _sips._tcp.example.com SRV 0 1 5061 server1.example.com
    _sip._udp.example.com SRV 0 1 5060 server2.example.com
    server1.example.com A 192.0.2.1
    server2.example.com A 192.0.2.2";

/// RFC 3263 §4.1: a client of TCP and UDP takes TCP.
#[test]
fn the_example_of_rfc_3263() {
    let found = find("sip:user@example.com", "udp4 tcp4", EXAMPLE);
    assert_eq!(found.asked[..2], ["example.com NAPTR", "_sip._tcp.example.com SRV"]);
    let mut asked = found.asked[2..].to_vec();
    asked.sort();
    assert_eq!(asked, ["server1.example.com A/AAAA", "server2.example.com A/AAAA"]);
    let mut targets = found.targets();
    targets.sort();
    assert_eq!(targets, ["TCP 192.0.2.1:5060", "TCP 192.0.2.2:5060"]);
    assert_eq!(found.name(), "example.com");
}

#[test]
fn the_server_prefers_and_we_choose_among_what_we_have() {
    for (uri, offers, first) in [
        ("sip:example.com", ALL, "TLS 192.0.2.1:5061"),
        ("sip:example.com", "udp4", "UDP 192.0.2.2:5060"),
        ("sips:example.com", "udp4 tcp4 tls4", "TLS 192.0.2.1:5061"),
    ] {
        assert_eq!(find(uri, offers, EXAMPLE).targets(), [first], "{uri} over {offers}");
    }
}

#[test]
fn order_comes_before_preference_and_foreign_services_are_passed_over() {
    let zone = "example.com NAPTR 20 1 SIP+D2U _sip._udp.example.com
        example.com NAPTR 10 9 sip+d2t _tcp.other.example
        example.com NAPTR 10 5 SIP+D2W _sip._ws.example.com
        example.com NAPTR 1 1 SIP+D2S _sip._sctp.example.com
        example.com NAPTR 1 1 E2U+sip nowhere.example.com
        example.com NAPTR 1 1 SIPS+D2U _sips._udp.example.com
        _tcp.other.example SRV 0 0 5060 host.other.example
        host.other.example A 192.0.2.1";
    let found = find("sip:example.com", "udp4 tcp4", zone);
    assert_eq!(found.asked, ["example.com NAPTR", "_tcp.other.example SRV", "host.other.example A/AAAA"]);
    assert_eq!(found.targets(), ["TCP 192.0.2.1:5060"]);
    assert_eq!(found.name(), "example.com");
}

#[test]
fn sips_takes_no_plain_service() {
    let plain = "example.com NAPTR 1 1 SIP+D2T _sip._tcp.example.com
        example.com NAPTR 1 1 SIP+D2W _sip._ws.example.com
        _sip._tcp.example.com SRV 0 0 5060 a.example.com
        a.example.com A 192.0.2.1
        example.com A 192.0.2.2";
    let found = find("sips:example.com", ALL, plain);
    assert_eq!(found.asked, ["example.com NAPTR", "_sips._tcp.example.com SRV", "example.com A/AAAA"]);
    assert_eq!(found.targets(), ["TLS 192.0.2.2:5061"]);
    let websocket = "example.com NAPTR 1 1 SIPS+D2W _sips._ws.example.com
        _sips._ws.example.com SRV 0 0 443 a.example.com
        a.example.com A 192.0.2.1";
    assert_eq!(find("sips:example.com", ALL, websocket).targets(), ["WSS 192.0.2.1:443"]);
}

#[test]
fn without_naptr_records_each_transport_is_looked_for() {
    let found = find("sip:example.com", ALL, "example.com A 192.0.2.1");
    assert_eq!(
        found.asked,
        [
            "example.com NAPTR",
            "_sip._udp.example.com SRV",
            "_sip._tcp.example.com SRV",
            "_sips._tcp.example.com SRV",
            "example.com A/AAAA"
        ]
    );
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
    let only = find("sip:example.com", "tcp4", "example.com A 192.0.2.1");
    assert_eq!(only.asked, ["example.com NAPTR", "_sip._tcp.example.com SRV", "example.com A/AAAA"]);
    assert_eq!(only.targets(), ["TCP 192.0.2.1:5060"]);
    let second = "_sip._tcp.example.com SRV 0 0 5070 a.example.com
        a.example.com A 192.0.2.1";
    assert_eq!(find("sip:example.com", ALL, second).targets(), ["TCP 192.0.2.1:5070"]);
}

#[test]
fn the_targets_are_those_of_one_service() {
    let zone = "_sip._udp.example.com SRV 0 0 5060 a.example.com
        _sip._tcp.example.com SRV 0 0 5060 a.example.com
        a.example.com A 192.0.2.1";
    let found = find("sip:example.com", ALL, zone);
    assert_eq!(found.asked, ["example.com NAPTR", "_sip._udp.example.com SRV", "a.example.com A/AAAA"]);
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
}

#[test]
fn a_service_without_addresses_gives_way_to_the_next() {
    let zone = "example.com NAPTR 1 1 SIPS+D2T _sips._tcp.example.com
        example.com NAPTR 2 1 SIP+D2T _sip._tcp.example.com
        example.com NAPTR 3 1 SIP+D2U _sip._udp.example.com
        _sip._tcp.example.com SRV 0 0 5060 gone.example.com
        _sip._udp.example.com SRV 0 0 5060 a.example.com
        a.example.com A 192.0.2.1
        example.com A 192.0.2.2";
    let found = find("sip:example.com", ALL, zone);
    assert_eq!(
        found.asked,
        [
            "example.com NAPTR",
            "_sips._tcp.example.com SRV",
            "_sip._tcp.example.com SRV",
            "gone.example.com A/AAAA",
            "_sip._udp.example.com SRV",
            "a.example.com A/AAAA"
        ]
    );
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
}

#[test]
fn a_naptr_record_without_srv_records_still_says_the_transport() {
    let zone = "example.com NAPTR 1 1 SIPS+D2T _sips._tcp.example.com
        example.com A 192.0.2.2";
    assert_eq!(find("sip:example.com", ALL, zone).targets(), ["TLS 192.0.2.2:5061"]);
}

#[test]
fn a_dot_says_that_the_service_is_not_offered() {
    let tcp = "_sip._tcp.example.com SRV 0 0 5060 a.example.com\n a.example.com A 192.0.2.1\n";
    let dot = "_sip._udp.example.com SRV 0 0 5060 .\n example.com A 192.0.2.2\n";
    let found = find("sip:example.com", "udp4 tcp4", &[dot, tcp].concat());
    assert_eq!(found.targets(), ["TCP 192.0.2.1:5060"]);
    assert_eq!(error("sip:example.com", "udp4 tcp4", dot), RouteError::Unresolved);
    assert_eq!(error("sip:example.com;transport=udp", ALL, dot), RouteError::Unresolved);
}

#[test]
fn a_service_at_port_0_is_none() {
    let zone = "_sip._udp.example.com SRV 0 0 0 a.example.com
        _sip._udp.example.com SRV 1 0 5060 b.example.com
        a.example.com A 192.0.2.1
        b.example.com A 192.0.2.2";
    assert_eq!(find("sip:example.com;transport=udp", ALL, zone).targets(), ["UDP 192.0.2.2:5060"]);
}

#[test]
fn priorities_are_kept_and_each_server_is_asked_for() {
    let zone = "_sip._udp.example.com SRV 20 0 5060 c.example.com
        _sip._udp.example.com SRV 1 0 5062 A.example.com.
        _sip._udp.example.com SRV 10 0 5061 b.example.com
        a.example.com A 192.0.2.1 192.0.2.9
        b.example.com A 192.0.2.1
        c.example.com A 192.0.2.3";
    let found = find("sip:example.com;transport=udp", ALL, zone);
    assert_eq!(found.asked[1..], ["a.example.com A/AAAA", "b.example.com A/AAAA", "c.example.com A/AAAA"]);
    let expected = ["UDP 192.0.2.1:5062", "UDP 192.0.2.9:5062", "UDP 192.0.2.1:5061", "UDP 192.0.2.3:5060"];
    assert_eq!(found.targets(), expected);
}

#[test]
fn a_resolver_that_does_not_answer_is_no_end() {
    let zone = "example.com NAPTR timeout
        _sip._udp.example.com SRV timeout
        example.com A 192.0.2.1";
    assert_eq!(find("sip:example.com", ALL, zone).targets(), ["UDP 192.0.2.1:5060"]);
    let zone = "_sip._udp.example.com SRV timeout
        _sip._tcp.example.com SRV 0 0 5060 a.example.com
        a.example.com A 192.0.2.1";
    assert_eq!(find("sip:example.com", ALL, zone).targets(), ["TCP 192.0.2.1:5060"]);
    let silent = "example.com NAPTR timeout
        _sip._udp.example.com SRV timeout
        _sip._tcp.example.com SRV timeout
        _sips._tcp.example.com SRV timeout
        example.com A timeout";
    let found = find("sip:example.com", ALL, silent);
    assert_eq!(found.result, Err(RouteError::Unresolved));
    assert_eq!(found.asked, ["example.com NAPTR", "_sip._udp.example.com SRV", "example.com A/AAAA"]);
}

#[test]
fn a_resolver_of_addresses_only_is_soon_asked_for_these() {
    let zone = "example.com NAPTR unsupported
        _sip._udp.example.com SRV unsupported
        example.com A 192.0.2.1";
    let found = find("sip:example.com", ALL, zone);
    assert_eq!(found.asked, ["example.com NAPTR", "_sip._udp.example.com SRV", "example.com A/AAAA"]);
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
}

#[test]
fn families_that_are_not_offered_are_left_out() {
    let zone = "example.com A 2001:db8::1 192.0.2.1\n six.example.com A 2001:db8::1";
    assert_eq!(find("sip:example.com:5060", "udp4", zone).targets(), ["UDP 192.0.2.1:5060"]);
    assert_eq!(error("sip:six.example.com:5060", "udp4", zone), RouteError::Family);
    // The preferred transport of each family.
    let found = find("sip:example.com:5060", "udp4 tcp6", zone);
    assert_eq!(found.targets(), ["TCP [2001:db8::1]:5060", "UDP 192.0.2.1:5060"]);
}

#[test]
fn addresses_that_are_no_hosts_are_left_out() {
    let zone = "example.com A 0.0.0.0 224.0.1.75 255.255.255.255 ff02::1 :: ::ffff:224.0.0.1";
    assert_eq!(error("sip:example.com:5060", ALL, zone), RouteError::Unresolved);
    let zone = "example.com A 224.0.1.75 ::ffff:192.0.2.1 192.0.2.1";
    assert_eq!(find("sip:example.com:5060", ALL, zone).targets(), ["UDP 192.0.2.1:5060"]);
}

#[test]
fn maddr_is_followed_by_policy_only_and_the_host_is_verified() {
    let zone = Zone::of("proxy.example.com A 192.0.2.9");
    let followed = |uri: &str| zone.find(uri, offered(ALL), Maddr::Followed, 1);
    let found = followed("sips:Example.com:5070;maddr=192.0.2.9");
    assert_eq!((found.targets(), found.name()), (vec!["TLS 192.0.2.9:5070".to_owned()], "example.com"));
    let found = followed("sip:192.0.2.7:5060;maddr=Proxy.example.com");
    assert_eq!((found.targets(), found.name()), (vec!["UDP 192.0.2.9:5060".to_owned()], "192.0.2.7"));
    let found = followed("sip:example.com;maddr=[2001:db8::9]");
    assert_eq!(found.targets(), ["UDP [2001:db8::9]:5060"]);
    for uri in
        ["sip:192.0.2.7;maddr", "sip:192.0.2.7;maddr=224.0.1.75", "sip:192.0.2.7;maddr=[::ffff:224.0.1.75]"]
    {
        assert_eq!(followed(uri).result, Err(RouteError::Unresolved), "{uri}");
    }
    assert_eq!(
        zone.find("sip:example.com;maddr=192.0.2.9", offered(ALL), Maddr::Refused, 1).result,
        Err(RouteError::Maddr)
    );
}

#[test]
fn the_name_to_verify_is_the_host_of_the_uri() {
    assert_eq!(find("sips:[2001:DB8::1]", ALL, "").name(), "2001:db8::1");
    assert_eq!(find("sips:bob@192.0.2.7", ALL, "").name(), "192.0.2.7");
    assert_eq!(find("sips:Example.COM.:5061", ALL, "example.com A 192.0.2.7").name(), "example.com");
}

#[test]
fn records_of_another_kind_are_none() {
    let mut zone = Zone::of("example.com A 192.0.2.1");
    let addresses = zone.0.values().next().cloned().expect("one record");
    for question in ["example.com NAPTR", "_sip._udp.example.com SRV"] {
        let (name, kind) = question.split_once(' ').expect("two words");
        let question = match kind {
            "NAPTR" => sip_transport::Question::Naptr(name.into()),
            _ => sip_transport::Question::Srv(name.into()),
        };
        zone.0.insert(question, addresses.clone());
    }
    let found = zone.find("sip:example.com", offered(ALL), Maddr::Refused, 1);
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
}
