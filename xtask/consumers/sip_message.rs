//! Takes `sip_message` and nothing else of this repository.

use sip_message::{StatusCode, UriBuf, sipfrag};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(sipfrag::status(None, b"SIP/2.0 486 Busy Here\r\n")?, StatusCode::BUSY_HERE);
    let uri: UriBuf = "sip:carol@192.0.2.3;transport=udp".parse()?;
    assert_eq!(uri.as_uri().user(), Some("carol"));
    Ok(())
}
