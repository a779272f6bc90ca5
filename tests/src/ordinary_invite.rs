//! The ordinary INVITE that parsing is measured with: 892 bytes, two Vias, a Record-Route, an offer of three codecs.

/// Its length in bytes; figures are compared by it.
pub const LENGTH: usize = 892;

/// The INVITE.
pub const INVITE: &str = "INVITE sip:bob@192.0.2.2:5060 SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK87asdks7;received=192.0.2.10;rport=5060\r\n\
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n\
Max-Forwards: 69\r\n\
Record-Route: <sip:192.0.2.10;lr>\r\n\
From: \"Alice\" <sip:alice@example.com>;tag=1928301774\r\n\
To: Bob <sip:bob@example.com>\r\n\
Call-ID: a84b4c76e66710@pc33.example.com\r\n\
CSeq: 314159 INVITE\r\n\
Contact: <sip:alice@192.0.2.1:5060>\r\n\
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY\r\n\
Supported: replaces, norefersub\r\n\
Allow-Events: refer\r\n\
Subject: The release of next Monday\r\n\
User-Agent: ordinary/1.0\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 236\r\n\
\r\n\
v=0\r\n\
o=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\n\
s=-\r\n\
c=IN IP4 192.0.2.1\r\n\
t=0 0\r\n\
m=audio 49172 RTP/AVP 0 8 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-15\r\n\
a=ptime:20\r\n\
a=sendrecv\r\n";

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::Message;

    use super::*;

    #[test]
    fn it_is_as_long_as_it_says_and_well_formed() {
        assert_eq!(INVITE.len(), LENGTH);
        let message = Message::parse(Bytes::from_static(INVITE.as_bytes())).expect("well-formed");
        assert_eq!(message.body().len(), INVITE.split("\r\n\r\n").nth(1).map_or(0, str::len));
        assert_eq!(message.vias().count(), 2);
    }
}
