//! Offers that are refused as a whole.

use super::*;

#[test]
fn every_stream_of_an_offer_that_nobody_wants_is_refused() {
    let offer = foreign(
        "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\nm=video 4002 RTP/SAVP 99\r\na=rtpmap:99 h264/90000\r\n",
    );
    for (address, c) in [("192.0.2.1", "c=IN IP4 192.0.2.1\r\n"), ("2001:db8::1", "c=IN IP6 2001:db8::1\r\n")]
    {
        let answer = refusal(&offer, address.parse().expect("an address")).expect("an answer");
        let ports: Vec<(String, u16, String)> =
            lines_of(&answer).into_iter().map(|(kind, port, profile, _)| (kind, port, profile)).collect();
        let expected = [("audio", 0, "RTP/AVP"), ("video", 0, "RTP/SAVP")];
        assert_eq!(ports, expected.map(|(kind, port, profile)| (kind.to_owned(), port, profile.to_owned())));
        assert!(text(answer).contains(c));
    }
}

#[test]
fn what_is_no_description_is_not_refused_by_one() {
    assert!(refusal(b"hello", IpAddr::from([192, 0, 2, 1])).is_err());
}
