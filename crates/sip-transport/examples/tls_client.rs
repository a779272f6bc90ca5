//! Asks a server by TLS and says who it is: `cargo run -p patchcord-sip-transport --example tls_client --
//! sips:example.com [ca.pem]`. Without the file of an authority those of the system are trusted. Without a URI it asks a
//! server of its own once and ends.

mod node;

use std::{env, error::Error};

use node::Node;
use sip_transport::{
    Transport,
    io::{
        SocketConfig,
        tls::{Pem, Roots, TlsConfig, TlsIdentity},
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = env::args().skip(1);
    if let Some(uri) = given.next() {
        let roots = given.next().map_or(Roots::System, |file| Roots::Pinned(vec![Pem::file(file)]));
        return ask(&uri, roots).await;
    }
    // A certificate that is its own authority, for the address that the server listens on.
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let roots = Roots::Pinned(vec![Pem::bytes(own.cert.pem())]);
    let identity = TlsIdentity::new(Pem::bytes(own.cert.pem()), Pem::bytes(own.signing_key.serialize_pem()))?;
    let mut server = Node::new(with(TlsConfig::builder(roots.clone()).identity(identity).build()?));
    let local = server.listen(Transport::Tls, "127.0.0.1:0")?;
    println!("listening on {local}");
    let uri = format!("sips:{local}");
    tokio::select! {
        asked = ask(&uri, roots) => asked,
        failed = server.serve() => failed,
    }
}

fn with(tls: TlsConfig) -> SocketConfig {
    let mut config = SocketConfig::default();
    config.tls = Some(tls);
    config
}

async fn ask(uri: &str, roots: Roots) -> Result<(), Box<dyn Error>> {
    let mut client = Node::client(with(TlsConfig::builder(roots).build()?), Transport::Tls)?;
    let answer = client.ask(uri).await?;
    let peer = answer.origin.peer.as_ref().map_or("nobody", |peer| peer.name());
    println!("{uri} is {peer} and answers {:?}", answer.message.start_line());
    client.shutdown().await;
    Ok(())
}
