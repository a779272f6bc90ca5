//! Takes `session_core` and nothing else of this repository.

use session_core::{SessionManager, StartError};

fn main() -> Result<(), StartError> {
    let _builder = SessionManager::builder().listen("udp:127.0.0.1:0")?.identity("sip:alice@example.org");
    Ok(())
}
