//! What is put on a server: different OPTIONS by UDP, and their answers.

use std::{
    collections::BTreeMap,
    error::Error,
    io,
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

/// How many OPTIONS are under way at a time.
const WINDOW: usize = 64;

/// What is not answered in this time is sent again.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often that is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// How often one may be sent again: after 64*T1 of RFC 3261 a client gives up.
const TRIES: u32 = 32;

/// What precedes the number in the branch.
const BRANCH: &[u8] = b";branch=z9hG4bK";
const DIGITS: usize = 16;

/// How the answering went, as seen from here.
pub(crate) struct Load {
    pub(crate) wall: Duration,
    /// OPTIONS that were sent again.
    pub(crate) resent: u64,
}

/// One that waits for its answer.
struct Sent {
    at: Instant,
    tries: u32,
}

/// Sends so many OPTIONS and waits for a 200 to each; any other final answer is an error, and so is none.
pub(crate) fn put_on(server: SocketAddr, count: u64) -> Result<Load, Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(LOOK))?;
    let local = socket.local_addr()?;
    let mut under_way: BTreeMap<u64, Sent> = BTreeMap::new();
    let (mut next, mut resent) = (0, 0);
    let mut datagram = [0; 2048];
    let start = Instant::now();
    let mut looked = start;
    while next < count || !under_way.is_empty() {
        while next < count && under_way.len() < WINDOW {
            socket.send(options(next, local, server).as_bytes())?;
            under_way.insert(next, Sent { at: Instant::now(), tries: 0 });
            next += 1;
        }
        match socket.recv(&mut datagram) {
            Ok(length) => {
                // A second answer to the same request, where it was sent twice, finds nothing.
                if let Some(number) = answered(&datagram[..length])? {
                    under_way.remove(&number);
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.into()),
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            for (number, sent) in under_way.iter_mut().filter(|(_, sent)| sent.at.elapsed() >= PATIENCE) {
                if sent.tries == TRIES {
                    return Err(format!("no answer to OPTIONS {number}").into());
                }
                socket.send(options(*number, local, server).as_bytes())?;
                resent += 1;
                *sent = Sent { at: Instant::now(), tries: sent.tries + 1 };
            }
        }
    }
    Ok(Load { wall: start.elapsed(), resent })
}

fn options(number: u64, local: SocketAddr, server: SocketAddr) -> String {
    format!(
        "OPTIONS sip:answerer@{server} SIP/2.0\r\n\
        Via: SIP/2.0/UDP {local};branch=z9hG4bK{number:016x};rport\r\n\
        Max-Forwards: 70\r\n\
        From: <sip:asker@{local}>;tag={number:x}\r\n\
        To: <sip:answerer@{server}>\r\n\
        Call-ID: {number:016x}@{local}\r\n\
        CSeq: 1 OPTIONS\r\n\
        Contact: <sip:asker@{local}>\r\n\
        Accept: application/sdp\r\n\
        Content-Length: 0\r\n\r\n"
    )
}

/// The number of the OPTIONS that is answered with 200; `None` for a provisional response.
fn answered(datagram: &[u8]) -> Result<Option<u64>, Box<dyn Error>> {
    let strange = || format!("a strange answer:\n{}", datagram.escape_ascii());
    if datagram.starts_with(b"SIP/2.0 1") {
        return Ok(None);
    }
    if !datagram.starts_with(b"SIP/2.0 200 ") {
        return Err(strange().into());
    }
    let branch = datagram.windows(BRANCH.len()).position(|bytes| bytes == BRANCH).ok_or_else(strange)?;
    let digits = datagram.get(branch + BRANCH.len()..).and_then(|rest| rest.get(..DIGITS));
    let text = std::str::from_utf8(digits.ok_or_else(strange)?)?;
    Ok(Some(u64::from_str_radix(text, 16)?))
}
