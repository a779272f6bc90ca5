//! rsipstack's answerer: an endpoint, its dialog layer, 200 with a fixed answer to each INVITE.

use std::{error::Error, io::Write as _, sync::Arc};

use rsipstack::{
    EndpointBuilder,
    dialog::{dialog::DialogState, dialog_layer::DialogLayer},
    sip::{Header, Method, StatusCode},
    transport::{TransportLayer, udp::UdpConnection},
};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// The answer to every offer.
const ANSWER: &str = "v=0\r\no=bench 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 6002 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\na=sendrecv\r\n";

/// Its own programs run on the runtime with several workers, ours on that of one thread; so it runs on both.
pub(crate) fn serve(name: &str) -> Result<(), Box<dyn Error>> {
    let runtime = match name {
        "rsipstack" => Runtime::new()?,
        "rsipstack-one-thread" => Builder::new_current_thread().enable_all().build()?,
        _ => return Err(format!("there is no `{name}`").into()),
    };
    runtime.block_on(answer())
}

async fn answer() -> Result<(), Box<dyn Error>> {
    let cancel = CancellationToken::new();
    let transports = TransportLayer::new(cancel.clone());
    let socket =
        UdpConnection::create_connection("127.0.0.1:0".parse()?, None, Some(cancel.child_token())).await?;
    let address = socket.get_addr().get_socketaddr()?;
    transports.add_transport(socket.into());
    let endpoint = EndpointBuilder::new().with_cancel_token(cancel).with_transport_layer(transports).build();
    let mut incoming = endpoint.incoming_transactions()?;
    let inner = endpoint.inner.clone();
    let served = tokio::spawn(async move { inner.serve().await });
    let dialogs = Arc::new(DialogLayer::new(endpoint.inner.clone()));
    let (states, mut seen) = dialogs.new_dialog_state_channel();
    let ended = dialogs.clone();
    tokio::spawn(async move {
        while let Some(state) = seen.recv().await {
            if let DialogState::Terminated(id, _) = state {
                ended.remove_dialog(&id);
            }
        }
    });
    let mut out = std::io::stdout();
    writeln!(out, "{address}").and_then(|()| out.flush())?;
    while let Some(mut transaction) = incoming.recv().await {
        if let Some(mut dialog) = dialogs.match_dialog(&transaction) {
            tokio::spawn(async move { dialog.handle(&mut transaction).await });
        } else if transaction.original.method == Method::Invite {
            let mut dialog = dialogs.get_or_create_server_invite(&transaction, states.clone(), None, None)?;
            let kind = Header::ContentType("application/sdp".into());
            dialog.accept(Some(vec![kind]), Some(ANSWER.into()))?;
            tokio::spawn(async move { dialog.handle(&mut transaction).await });
        } else if transaction.original.method != Method::Ack {
            transaction.reply(StatusCode::CallTransactionDoesNotExist).await?;
        }
    }
    Ok(served.await??)
}
