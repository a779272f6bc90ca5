//! Reads a REFER, from a file if one is named, and prints what a transferee has to know.
//!
//! `cargo run -p patchcord-sip-message --example read_refer [file]`

use std::error::Error;

use bytes::Bytes;
use sip_message::Message;

const SAMPLE: &str = "REFER sip:bob@192.0.2.4 SIP/2.0\r\n\
    v: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-77;rport\r\n\
    Max-Forwards: 70\r\n\
    f: \"Alice\" <sip:alice@example.net>;tag=a1\r\n\
    t: <sip:bob@example.net>;tag=b1\r\n\
    i: 77@192.0.2.7\r\n\
    CSeq: 2 REFER\r\n\
    m: <sip:alice@192.0.2.7>\r\n\
    r: <sip:carol@198.51.100.9:5062;transport=tcp?Replaces=9f2c%40192.0.2.7%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8>\r\n\
    b: <sip:alice@example.net>\r\n\
    l: 0\r\n\
    \r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let bytes = match std::env::args_os().nth(1) {
        Some(path) => Bytes::from(std::fs::read(path)?),
        None => Bytes::from_static(SAMPLE.as_bytes()),
    };
    let message = Message::parse(bytes)?;
    message.check()?;
    println!("from       {}", message.from()?.uri);
    println!("call-id    {}", message.call_id()?);
    let refer_to = message.refer_to()?;
    println!("target     {}", refer_to.target());
    println!("method     {}", refer_to.method.as_deref().unwrap_or("INVITE"));
    if let Some(replaces) = &refer_to.replaces {
        println!("replaces   {replaces}");
    }
    for (name, value) in refer_to.uri_headers() {
        println!("uri header {name}: {value}");
    }
    if let Some(referred_by) = message.referred_by()? {
        println!("referred by {}", referred_by.uri);
    }
    Ok(())
}
