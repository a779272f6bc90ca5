use super::*;

fn message(first_line: &str, method: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{first_line}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
         Call-ID: c@h\r\nCSeq: 1 {method}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn labels_say_what_matters() {
    let sdp = "Content-Type: application/sdp\r\n";
    let refer = "Refer-To: <sip:carol@192.0.2.3:5070>\r\n";
    let instead = "Refer-To: <sip:carol@192.0.2.3:5070?Replaces=c%40h%3Bto-tag%3D2%3Bfrom-tag%3D1>\r\n";
    let replaces = "Replaces: c@h;to-tag=2;from-tag=1\r\n";
    let notify = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n";
    for (bytes, label) in [
        (message("INVITE sip:b@h SIP/2.0", "INVITE", sdp, "v=0\r\na=sendrecv\r\n"), "INVITE"),
        (message("INVITE sip:b@h SIP/2.0", "INVITE", sdp, "v=0\r\na=sendonly\r\n"), "INVITE: sendonly"),
        (message("SIP/2.0 200 Fine", "INVITE", sdp, "v=0\r\na=recvonly\r\n"), "200 OK (INVITE): recvonly"),
        (message("SIP/2.0 486 Busy Here", "INVITE", "", ""), "486 Busy Here (INVITE)"),
        (message("REFER sip:b@h SIP/2.0", "REFER", refer, ""), "REFER: call carol"),
        (message("REFER sip:b@h SIP/2.0", "REFER", instead, ""), "REFER (Replaces): call carol"),
        (message("INVITE sip:c@h SIP/2.0", "INVITE", replaces, ""), "INVITE (Replaces)"),
        (message("NOTIFY sip:b@h SIP/2.0", "NOTIFY", notify, "SIP/2.0 200 OK\r\n"), "NOTIFY 200 OK, final"),
        (message("BYE sip:b@h SIP/2.0", "BYE", "", ""), "BYE"),
    ] {
        assert_eq!(of(&bytes, "summary"), label);
    }
}

#[test]
fn what_is_no_message_keeps_its_summary() {
    assert_eq!(of(b"noise", "noise of 5 bytes"), "noise of 5 bytes");
}
