//! Answers OPTIONS over UDP with 200 and anything else with 405, by the transaction layer alone:
//! `cargo run -p patchcord-transaction-core --example options_responder -- 192.0.2.10:5060`. Without an address it is asked
//! once, prints its answer and ends.

use std::{env, error::Error, net::SocketAddr, time::Duration};

use sip_message::{HeaderId, Method, Response, StatusCode};
use sip_transport::{
    Inbound, Tick, Transport, UnixTime,
    io::{SocketConfig, Sockets, SystemRandom},
};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep_until},
};
use transaction_core::{Config, Layers, LayersOutput, TxCommand, TxEvent, TxId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1);
    let mut sockets = Sockets::new(SocketConfig::default());
    let address = given.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let local = sockets.listen(Transport::Udp, address)?[0];
    tokio::select! {
        () = serve(sockets) => Ok(()),
        asked = ask(local), if given.is_none() => asked,
    }
}

async fn serve(mut sockets: Sockets) {
    let start = Instant::now();
    let random = Box::new(SystemRandom::default());
    let mut layers = Layers::new(sip_transport::Config::default(), Config::default(), random);
    let mut inputs = Vec::new();
    loop {
        let due = layers.next().map_or(Duration::from_hours(1), |due| due.since(Tick::default()));
        tokio::select! {
            () = sockets.next(&mut inputs) => {}
            () = sleep_until(start + due) => {}
        }
        layers.advance(Tick::from_micros(start.elapsed().as_micros() as u64), UnixTime::default());
        inputs.drain(..).for_each(|input| layers.receive(input));
        while let Some(output) = layers.poll() {
            match output {
                LayersOutput::Transport(output) => {
                    sockets.perform(output).into_iter().for_each(|input| layers.receive(input));
                }
                LayersOutput::Event(TxEvent::Request { tx, inbound }) => {
                    // What cannot be answered is left to the timer.
                    if let Some(answer) = answer(tx, &inbound) {
                        layers.command(answer);
                    }
                }
                LayersOutput::Event(_) => {}
            }
        }
    }
}

fn answer(tx: TxId, inbound: &Inbound) -> Option<TxCommand> {
    let known = inbound.message.method() == Some(Method::Options);
    let status = if known { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
    let response = Response::to(&inbound.message, status)
        .top_via(inbound.via.as_deref()?)
        .to_tag("responder")
        .header(HeaderId::Allow, "OPTIONS");
    Some(TxCommand::Respond { tx, status, wire: response.encode().ok()? })
}

/// Somebody who asks once.
async fn ask(responder: SocketAddr) -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let request = format!(
        "OPTIONS sip:{responder} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:me@example.com>;tag=1\r\nTo: <sip:{responder}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
        socket.local_addr()?
    );
    socket.send_to(request.as_bytes(), responder).await?;
    let mut answer = vec![0; 2048];
    let length = socket.recv(&mut answer).await?;
    print!("{}", String::from_utf8_lossy(&answer[..length]));
    Ok(())
}
