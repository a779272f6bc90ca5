//! The examples of RFC 5589 that hang together, and corrected copies of those that do not.
//!
//! The RFC's own text is no vector as it stands. What was corrected, by section and message:
//!
//! - §6.1 F5 and §6.2 F5: `CSeq` of an INVITE names the method REFER.
//! - §7.3 F5: `from-tag3D763231` in Refer-To lacks the `%` before `3D`; Target-Dialog names the consultation call, which
//!   the recipient has no part in, and not its own call with the sender.
//! - §7.5 (figure 9) F5: the id of Event is the `CSeq` number of no REFER.
//! - §8 F5 and F6: Target-Dialog and Replaces name two different dialogs for one and the same call; the from-tag of the
//!   Replaces lacks its last digit; the Refer-To in the token of F6 lacks its `?`.

use sip_message::{Message, ParseErrorKind, ReferTo, Replaces, TargetDialog, UriBuf};

use crate::{message, request_with, try_message};

/// The transferee's call with the transferor, F1 and F2 of §7.2 and §7.3: who called, its tag, and the other tag.
const FIRST: (&str, &str, &str) = ("090459243588173445", "7553452", "31431");

/// The transferor's call to the target, F3 and F4.
const CONSULTATION: (&str, &str, &str) = ("592435881734450904", "9m2n3wq", "763231");

fn replaces((call_id, theirs, ours): (&str, &str, &str)) -> Replaces {
    Replaces::new(call_id, theirs, ours).unwrap()
}

fn refer(cseq: u32, lines: &str) -> Message {
    message(&format!(
        "REFER sips:3ld812adkjw@biloxi.example.com;gr=3413kj2ha SIP/2.0\n\
         Via: SIP/2.0/TLS pc33.atlanta.example.com;branch=z9hG4bKnashds9\n\
         Max-Forwards: 70\n\
         To: <sips:3ld812adkjw@biloxi.example.com;gr=3413kj2ha>\n\
         From: <sips:transferor@atlanta.example.com>;tag=1928301774\n\
         Call-ID: a84b4c76e66710\n\
         CSeq: {cseq} REFER\n\
         {lines}\
         Contact: <sips:4889445d8kjtk3@atlanta.example.com;gr=723jd2d>\n\
         Content-Length: 0\n\n"
    ))
}

/// What a Refer-To says, and that it is written so from its parts.
fn assert_refers(refer: &Message, target: &str, named: &Replaces, required: bool) {
    let refer_to = refer.refer_to().unwrap();
    assert_eq!(refer_to.target().as_str(), target);
    assert_eq!(refer_to.replaces.as_ref(), Some(named));
    let value = named.to_string();
    let headers =
        [("Replaces", value.as_str())].into_iter().chain(required.then_some(("Require", "replaces")));
    let uri: UriBuf = target.parse().unwrap();
    let made = uri.with_headers(headers).unwrap();
    assert_eq!(refer_to.name_addr.uri.as_str(), made.as_str());
}

#[test]
fn an_invite_has_a_cseq_of_its_own_method() {
    // covers: TR-176
    let invite = |method: &str| {
        try_message(&format!(
            "INVITE sips:transfertarget@chicago.example.com SIP/2.0\n\
             Via: SIP/2.0/TLS 192.0.2.4;branch=z9hG4bKnas41234\n\
             Max-Forwards: 70\n\
             To: <sips:transfertarget@chicago.example.com>\n\
             From: <sips:transferee@biloxi.example.com>;tag=j3kso3iqhq\n\
             Call-ID: 90422f3sd23m4g56832034\n\
             CSeq: 521 {method}\n\
             Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\n\
             Supported: replaces, gruu, tdialog\n\
             Contact: <sips:3ld812adkjw@biloxi.example.com;gr=3413kj2ha>\n\
             Content-Length: 0\n\n"
        ))
        .unwrap()
    };
    assert!(invite("REFER").check().is_err(), "§6.1 F5 as it is printed");
    let corrected = invite("INVITE");
    assert_eq!(corrected.check(), Ok(()));
    assert_eq!(corrected.supported().collect::<Vec<_>>(), ["replaces", "gruu", "tdialog"]);
}

#[test]
fn a_protected_target_is_referred_to_the_transferee() {
    // covers: TR-176
    // §7.2 F5, as it is printed: it goes to the target, whose own tag is 9m2n3wq.
    let refer = refer(
        314_159,
        "Require: tdialog\n\
         Refer-To: <sips:3ld812adkjw@biloxi.example.com;gr=3413kj2ha\
         ?Replaces=090459243588173445%3Bto-tag%3D7553452%3Bfrom-tag%3D31431>\n\
         Target-Dialog: 592435881734450904;local-tag=9m2n3wq\n ;remote-tag=763231\n",
    );
    let target = "sips:3ld812adkjw@biloxi.example.com;gr=3413kj2ha";
    assert_refers(&refer, target, &replaces(FIRST), false);
    let (call_id, theirs, ours) = CONSULTATION;
    assert_eq!(refer.target_dialog(), Ok(Some(TargetDialog::new(call_id, theirs, ours).unwrap())));
    // F6.
    let invite = request_with("INVITE", "Replaces: 090459243588173445;to-tag=7553452;from-tag=31431\n");
    assert_eq!(invite.replaces(), Ok(Some(replaces(FIRST))));
}

#[test]
fn an_attended_transfer_names_both_dialogs_from_the_right_side() {
    // covers: TR-176
    let target = "sips:482n4z24kdg@chicago.example.com;gr=8594958";
    // §7.3 F5, corrected: the recipient is the transferee, and its call is the first one.
    let corrected = refer(
        314_159,
        "Require: tdialog\n\
         Refer-To: <sips:482n4z24kdg@chicago.example.com;gr=8594958\
         ?Replaces=592435881734450904%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D763231>\n\
         Target-Dialog: 090459243588173445;local-tag=7553452;remote-tag=31431\n",
    );
    assert_eq!(corrected.check(), Ok(()));
    assert_refers(&corrected, target, &replaces(CONSULTATION), false);
    let (call_id, theirs, ours) = FIRST;
    assert_eq!(corrected.target_dialog(), Ok(Some(TargetDialog::new(call_id, theirs, ours).unwrap())));
    // F6.
    let invite = request_with("INVITE", "Replaces: 592435881734450904;to-tag=9m2n3wq;from-tag=763231\n");
    assert_eq!(invite.replaces(), Ok(Some(replaces(CONSULTATION))));
    // As it is printed it has no from-tag.
    let printed = format!("<{target}?Replaces=592435881734450904%3Bto-tag%3D9m2n3wq%3Bfrom-tag3D763231>");
    assert_eq!(ReferTo::parse(&printed).unwrap_err().kind(), ParseErrorKind::Missing);
}

#[test]
fn an_address_of_record_is_tried_and_then_the_contact() {
    // covers: TR-176
    let named = replaces(("090459243588173445", "9m2n3wq", "763231"));
    // §7.5, figure 10: F3 and F5 as they are printed, each a REFER with a number of its own.
    let first = refer(
        314_159,
        "Refer-To: <sips:transfertarget@chicago.example.com?Replaces=\
         090459243588173445%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D763231&Require=replaces>\n",
    );
    assert_refers(&first, "sips:transfertarget@chicago.example.com", &named, true);
    let second = refer(
        314_160,
        "Refer-To: <sips:transfertarget@client.chicago.example.com\
         ?Replaces=090459243588173445%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D763231>\n",
    );
    assert_refers(&second, "sips:transfertarget@client.chicago.example.com", &named, false);
    // F4 and F7 name them by those numbers; so does, corrected, F5 of figure 9.
    for refer in [first, second] {
        let number = refer.cseq().unwrap().number.to_string();
        let notify = request_with("NOTIFY", &format!("Event: refer;id={number}\n"));
        let event = notify.event().unwrap().unwrap();
        assert_eq!((event.package, event.id), ("refer", Some(number.as_str())));
    }
}

#[test]
fn a_transfer_with_referred_by_names_one_dialog_throughout() {
    // covers: TR-176
    // §8 F5, corrected: Replaces names the consultation call, Target-Dialog the first one.
    let refer = refer(
        314_160,
        "Refer-To: <sips:482n4z24kdg@chicago.example.com;gr=8594958\
         ?Replaces=592435881734450904%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D763231&Require=replaces>\n\
         Supported: gruu, replaces, tdialog\n\
         Require: tdialog\n\
         Referred-By: <sips:transferor@atlanta.example.com>\n ;cid=\"20398823.2UWQFN309shb3@atlanta.example.com\"\n\
         Target-Dialog: 090459243588173445;local-tag=7553452;remote-tag=31431\n",
    );
    let target = "sips:482n4z24kdg@chicago.example.com;gr=8594958";
    assert_refers(&refer, target, &replaces(CONSULTATION), true);
    let referred_by = refer.referred_by().unwrap().unwrap();
    assert_eq!(referred_by.uri.as_str(), "sips:transferor@atlanta.example.com");
    assert_eq!(
        referred_by.params.unquoted("cid").as_deref(),
        Some("20398823.2UWQFN309shb3@atlanta.example.com")
    );
    // F6, corrected; without a blank after the colon, and folded before a parameter as a line may be.
    let invite = request_with(
        "INVITE",
        "Replaces:592435881734450904;to-tag=9m2n3wq;\n from-tag=763231\nRequire: replaces\n",
    );
    assert_eq!(invite.replaces(), Ok(Some(replaces(CONSULTATION))));
    // As it is printed the tag is broken over two lines.
    let printed = request_with("INVITE", "Replaces:090459243588173445;to-tag=9m2n3wq;from-\n tag=76323\n");
    assert!(printed.replaces().is_err());
    // The token's Refer-To, as it is printed, has a parameter where the header should be.
    let token = "<sips:transfertarget@chicago.example.com;Replaces=090459243588173445%3Bto-tag%3D9m2n3wq>";
    assert_eq!(ReferTo::parse(token).unwrap().replaces, None);
}
