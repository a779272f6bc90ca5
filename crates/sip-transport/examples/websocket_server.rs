//! Answers OPTIONS by WebSocket (RFC 7118), as a browser sends it: `cargo run -p patchcord-sip-transport --example
//! websocket_server -- 127.0.0.1:8080`. Without an address it asks itself once and ends.

mod node;

use std::{env, error::Error};

use node::Node;
use sip_transport::{Transport, io::SocketConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1);
    let mut server = Node::new(SocketConfig::default());
    let local = server.listen(Transport::Ws, given.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("listening on ws://{local}");
    if given.is_some() {
        return server.serve().await;
    }
    let mut client = Node::client(SocketConfig::default(), Transport::Ws)?;
    let uri = format!("sip:{local};transport=ws");
    let answer = tokio::select! {
        answer = client.ask(&uri) => answer?,
        failed = server.serve() => return failed,
    };
    println!("{uri} answers {:?}", answer.message.start_line());
    client.shutdown().await;
    Ok(())
}
