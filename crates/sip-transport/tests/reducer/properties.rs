//! Whatever arrives, nothing panics, and each datagram is counted once.

use proptest::prelude::*;
use sip_message::Via;
use sip_transport::{FlowId, TransportInput};

use crate::bench::{Bench, address};

const MESSAGE: &str = "OPTIONS sip:alice@192.0.2.10 SIP/2.0\r\n\
    Via: SIP/2.0/UDP pc.example.com:5070;branch=z9hG4bKa;rport;x=\"a;b\"\r\n\
    Via: SIP/2.0/UDP 192.0.2.30\r\nMax-Forwards: 70\r\nFrom: <sip:bob@192.0.2.20>;tag=b\r\n\
    To: <sip:alice@192.0.2.10>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nhi";

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_datagram_is_counted_once(
        edits in proptest::collection::vec((0..MESSAGE.len(), any::<u8>()), 0..6),
        cut in 0..=MESSAGE.len(),
        flow in 1_u64..3,
    ) {
        let mut bench = Bench::on(&["192.0.2.10:5060"]);
        let mut bytes = MESSAGE.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        if cut % 3 == 0 {
            bytes.truncate(cut);
        }
        let source = address("192.0.2.20:40000");
        bench.receive(TransportInput::Bytes { flow: FlowId::from(flow), source, bytes: bytes.into() });
        let c = bench.transports.counters();
        let counted = c.passed + c.malformed + c.keep_alive + c.too_large + c.unknown_flow + c.foreign_response;
        prop_assert_eq!(counted, 1);
    }

    #[test]
    fn the_stamped_via_can_be_read_and_tells_the_source(
        port in proptest::option::of(1_u16..),
        rport in any::<bool>(),
        source in any::<[u8; 4]>(),
        source_port in 1_u16..,
    ) {
        let mut bench = Bench::on(&["192.0.2.10:5060"]);
        let sent_by = port.map_or_else(|| "pc.example.com".to_owned(), |port| format!("pc.example.com:{port}"));
        let rport = if rport { ";rport" } else { "" };
        let text = MESSAGE.replacen("pc.example.com:5070", &sent_by, 1).replacen(";rport", rport, 1);
        let [a, b, c, d] = source;
        let inbound = bench.arrive(&format!("{a}.{b}.{c}.{d}:{source_port}"), text).expect("passed up");
        let stamped = inbound.via.expect("a request");
        let via = Via::parse(&stamped).expect("it can be read");
        prop_assert_eq!(via.received(), Some(source.into()));
        prop_assert_eq!(via.rport(), (!rport.is_empty()).then_some(Some(source_port)));
        prop_assert_eq!(via.branch(), Some("z9hG4bKa"));
        let back = if rport.is_empty() { port.unwrap_or(5060) } else { source_port };
        prop_assert_eq!(inbound.reply.remote, (source, back).into());
    }
}
