//! A phone that registers with digest, keeps registered, and takes the registration back when it ends. The registrar is
//! played here, by a thread with a UDP socket.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the registrar of the example is a thread with a socket of its own"
)]

use std::{
    net::{SocketAddr, UdpSocket},
    thread,
};

use session_core::{
    Account, Credential, Keyring, MediaMode, Secret, SessionManager,
    message::{HeaderId, Message, Response, StatusCode},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let registrar = socket.local_addr()?;
    let played = thread::spawn(move || play(&socket));

    let record = "sip:alice@example.com".parse::<session_core::UriBuf>()?;
    let mut keys = Keyring::new();
    keys.add(Credential::of_account(record.clone(), "alice", Secret::password("secret")))?;
    let (phone, _incoming) = SessionManager::builder().media(MediaMode::Off).keys(keys).start().await?;

    let mut account = Account::new(record.into())?;
    account.registrars = vec![format!("sip:{registrar}").parse()?];
    let registration = phone.register(account).await?;
    let active = registration.active().await?;
    let expires = active.registered.ok_or("no binding")?.expires;
    println!("{} is registered for {} s", active.account, expires.as_secs());
    registration.refresh().await?;

    // The refresh is answered first, and then everything is taken back.
    phone.shutdown().await;
    let seen = played.join().map_err(|_| "the registrar broke")??;
    for line in &seen {
        println!("{line}");
    }
    // Challenged once; the refresh and the end are let in by the same nonce.
    let answers: Vec<&str> = seen.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    if answers != ["401", "200", "200", "200"] {
        return Err(format!("the registrar saw something else: {answers:?}").into());
    }
    Ok(())
}

/// Answers until a REGISTER with `Expires: 0` is accepted: 401 without credentials, else 200 with the Contact that came.
fn play(socket: &UdpSocket) -> Result<Vec<String>, std::io::Error> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let (length, from): (usize, SocketAddr) = socket.recv_from(&mut buffer)?;
        let request = Message::parse(buffer[..length].to_vec().into()).map_err(std::io::Error::other)?;
        let expires = request.first(HeaderId::Expires).unwrap_or_default().to_owned();
        let known =
            request.first(HeaderId::Authorization).is_some_and(|it| it.contains("username=\"alice\""));
        let response = if known {
            let contact = request.first(HeaderId::Contact).unwrap_or_default();
            Response::to(&request, StatusCode::OK).to_tag("registrar").header(HeaderId::Contact, contact)
        } else {
            let challenge = "Digest realm=\"example.com\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"";
            Response::to(&request, StatusCode::UNAUTHORIZED)
                .to_tag("registrar")
                .header(HeaderId::WwwAuthenticate, challenge)
        };
        socket.send_to(&response.encode().map_err(std::io::Error::other)?, from)?;
        let status = if known { 200 } else { 401 };
        seen.push(format!("REGISTER with Expires {expires}: {status}"));
        if known && expires == "0" {
            return Ok(seen);
        }
    }
}
