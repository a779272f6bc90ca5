//! rsipstack's answerer, as its README has it: an endpoint on a transport layer, and a loop over its transactions.

use std::error::Error;

use rsipstack::{
    EndpointBuilder,
    sip::StatusCode,
    transport::{TransportLayer, udp::UdpConnection},
};
use tokio_util::sync::CancellationToken;

use crate::contenders::Tell;

pub(crate) async fn serve(tell: Tell<'_>) -> Result<(), Box<dyn Error>> {
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
    tell(address)?;
    while let Some(mut transaction) = incoming.recv().await {
        transaction.reply(StatusCode::OK).await?;
    }
    Ok(served.await??)
}
