//! Answers OPTIONS by UDP: `cargo run -p patchcord-sip-transport --example udp_echo_options -- 127.0.0.1:5060`. Without an
//! address it asks itself once and ends.

mod node;

use std::{env, error::Error};

use node::Node;
use sip_transport::{Transport, io::SocketConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1);
    let mut server = Node::new(SocketConfig::default());
    let local = server.listen(Transport::Udp, given.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("listening on {local}");
    if given.is_some() {
        return server.serve().await;
    }
    let mut client = Node::client(SocketConfig::default(), Transport::Udp)?;
    let uri = format!("sip:{local}");
    let answer = tokio::select! {
        answer = client.ask(&uri) => answer?,
        failed = server.serve() => return failed,
    };
    println!("{uri} answers {:?}", answer.message.start_line());
    client.shutdown().await;
    Ok(())
}
