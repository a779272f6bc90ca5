//! WebSocket with the sub-protocol `sip` (RFC 7118), over TCP and over TLS.

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream as Messages, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config, client_async_with_config,
    tungstenite::{
        ClientRequestBuilder, Error, Message, Utf8Bytes,
        handshake::server::{ErrorResponse, Request, Response},
        http::{HeaderValue, StatusCode, Uri, header},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    cause::cause,
    config::SocketConfig,
    connection::{End, LINGER, Wires, until_end},
    inlet::Inlet,
    queue::Exit,
    stream::drain,
};
use crate::boundary::{CloseCause, Connect, MAX_PIECE};

/// A connection by WebSocket.
pub(super) type Stream<S> = WebSocketStream<S>;

/// The sub-protocol (RFC 7118 §4.1).
const SIP: &str = "sip";

/// Longest message, in bytes: what a datagram can hold is enough for SIP by WebSocket too. The handshake's HTTP messages
/// are limited to as much by tungstenite.
const MAX_MESSAGE: usize = 64 << 10;

/// Room for reading, which each connection holds while it is idle: a usual message or two.
const READ_BUFFER: usize = 4 << 10;

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(MAX_PIECE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// The handshake of a server.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: &SocketConfig,
) -> Result<Stream<S>, CloseCause> {
    let origins = config.websocket_origins.as_deref();
    #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
    let answer = |request: &Request, response: Response| answer(request, response, origins);
    accept_hdr_async_with_config(stream, answer, Some(limits())).await.map_err(|error| failed(&error))
}

/// The handshake of a client.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connect: &Connect,
    config: &SocketConfig,
) -> Result<Stream<S>, CloseCause> {
    let uri: Uri = uri(connect, &config.websocket_path).parse().map_err(|_| CloseCause::WebSocket)?;
    // That the answer names the sub-protocol is checked by tungstenite.
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SIP);
    let (stream, _) =
        client_async_with_config(request, stream, Some(limits())).await.map_err(|error| failed(&error))?;
    Ok(stream)
}

fn failed(error: &Error) -> CloseCause {
    tracing::debug!(%error, "the WebSocket handshake failed");
    CloseCause::WebSocket
}

fn uri(connect: &Connect, path: &str) -> String {
    let scheme = if connect.transport.is_secure() { "wss" } else { "ws" };
    let brackets = if connect.name.contains(':') { ("[", "]") } else { ("", "") };
    let port = match connect.remote.port() {
        port if port == connect.transport.default_port() => String::new(),
        port => format!(":{port}"),
    };
    format!("{scheme}://{}{}{}{port}{path}", brackets.0, connect.name, brackets.1)
}

/// The answer to a client's request: it has to offer the sub-protocol, and a browser has to come from an allowed origin.
#[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
fn answer(
    request: &Request,
    mut response: Response,
    origins: Option<&[Box<str>]>,
) -> Result<Response, ErrorResponse> {
    let headers = request.headers();
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if !offered.map(str::trim).any(|protocol| protocol == SIP) {
        return Err(refusal(StatusCode::BAD_REQUEST));
    }
    if let (Some(origins), Some(origin)) = (origins, headers.get(header::ORIGIN))
        && !origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    {
        return Err(refusal(StatusCode::FORBIDDEN));
    }
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
    Ok(response)
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = status;
    refusal
}

/// Carries messages until the connection ends.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(stream: Stream<S>, wires: Wires) {
    let Wires { inlet, mut exit, mut closing } = wires;
    let (mut sink, mut source) = stream.split();
    // Why the other side's messages are taken no more, where it is for a fault of theirs.
    let mut fault = None;
    let reading = read(&mut source, &inlet, &mut fault);
    let writing = async { write(&mut sink, &mut exit).await.map_err(|error| ended(&error)) };
    match until_end(reading, writing, &mut closing).await {
        End::Theirs(cause) | End::Unwritable(cause) => {
            let ending = async {
                match fault {
                    Some(code) => sink.send(farewell(code)).await?,
                    None => sink.close().await?,
                }
                if let Ok(stream) = source.reunite(sink) {
                    drain(&mut stream.into_inner()).await?;
                }
                Ok::<(), Error>(())
            };
            let ((), _) = tokio::join!(inlet.closed(cause), timeout(LINGER, ending));
        }
        End::Ours => {
            let ending = async {
                sink.send(farewell(CloseCode::Normal)).await?;
                while source.next().await.transpose()?.is_some() {}
                Ok::<(), Error>(())
            };
            match timeout(LINGER, ending).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::trace!(%error, flow = %inlet.flow, "closing"),
                Err(_) => tracing::debug!(flow = %inlet.flow, "the other side does not close"),
            }
        }
        End::Overdue => tracing::debug!(flow = %inlet.flow, "closed with something unwritten"),
    }
}

fn farewell(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }))
}

/// Reads messages until the end; says how it came.
async fn read(
    source: &mut (impl Messages<Item = Result<Message, Error>> + Unpin),
    inlet: &Inlet,
    fault: &mut Option<CloseCode>,
) -> CloseCause {
    loop {
        let Ok(turn) = inlet.turn().await else { return CloseCause::Closed };
        let bytes = loop {
            match source.next().await {
                Some(Ok(Message::Text(text))) => break Bytes::from(text),
                Some(Ok(Message::Binary(bytes))) => break bytes,
                // Answered by tungstenite; the end follows a Close.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => {}
                Some(Err(error)) => {
                    *fault = fault_of(&error);
                    return ended(&error);
                }
                None => return CloseCause::Closed,
            }
        };
        if inlet.bring(turn, bytes).await.is_err() {
            return CloseCause::Closed;
        }
    }
}

/// What is told to a peer that does what it must not (RFC 6455 §7.4.1).
const fn fault_of(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}

fn ended(error: &Error) -> CloseCause {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => CloseCause::Closed,
        Error::Io(error) => cause(error),
        _ => CloseCause::Lost,
    }
}

/// Writes what comes out of the queue until its end.
async fn write(sink: &mut (impl Sink<Message, Error = Error> + Unpin), exit: &mut Exit) -> Result<(), Error> {
    let mut batch = Vec::new();
    loop {
        exit.take(&mut batch).await;
        if batch.is_empty() {
            return Ok(());
        }
        for wire in &batch {
            sink.feed(framed(wire)).await?;
        }
        sink.flush().await?;
        exit.written(&batch);
    }
}

/// SIP is text, which browsers like better; a body that is none makes the message binary (RFC 7118 §5.2).
fn framed(wire: &Bytes) -> Message {
    match Utf8Bytes::try_from(wire.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(wire.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{FlowId, Transport};

    #[test]
    fn the_request_is_for_the_name_and_the_port() {
        for (transport, name, remote, expected) in [
            (Transport::Ws, "example.com", "192.0.2.1:80", "ws://example.com/"),
            (Transport::Ws, "example.com", "192.0.2.1:5060", "ws://example.com:5060/"),
            (Transport::Wss, "example.com", "192.0.2.1:443", "wss://example.com/"),
            (Transport::Wss, "192.0.2.1", "192.0.2.1:80", "wss://192.0.2.1:80/"),
            (Transport::Wss, "2001:db8::1", "[2001:db8::1]:443", "wss://[2001:db8::1]/"),
        ] {
            let connect = Connect {
                flow: FlowId::from(1),
                transport,
                remote: remote.parse().expect("test address"),
                local: None,
                name: name.into(),
            };
            let uri = uri(&connect, "/");
            assert_eq!(uri, expected);
            assert!(uri.parse::<Uri>().is_ok(), "{uri}");
        }
    }

    #[test]
    fn a_message_is_text_where_it_can_be() {
        assert!(matches!(framed(&Bytes::from_static(b"OPTIONS")), Message::Text(_)));
        assert!(matches!(framed(&Bytes::from_static(&[0xff])), Message::Binary(_)));
    }

    #[test]
    fn origins_are_compared_where_there_is_a_list_and_an_origin() {
        let origins: [Box<str>; 1] = ["https://phone.example.com".into()];
        for (list, origin, expected) in [
            (Some(&origins[..]), Some("https://phone.example.com"), None),
            (Some(&origins), Some("https://evil.example"), Some(403)),
            (Some(&origins), None, None),
            (None, Some("https://evil.example"), None),
        ] {
            let mut request = Request::new(());
            request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("x, sip"));
            if let Some(origin) = origin {
                request.headers_mut().insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let answer = answer(&request, Response::new(()), list);
            assert_eq!(answer.as_ref().err().map(|refusal| refusal.status().as_u16()), expected);
            if let Ok(response) = answer {
                assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "sip");
            }
        }
    }
}
