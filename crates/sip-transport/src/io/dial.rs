//! Making a TCP connection.

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
};

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use super::config::SocketConfig;

/// Connects, from the given address of ours where there is one.
pub(super) async fn dial(
    remote: SocketAddr,
    local: Option<IpAddr>,
    config: &SocketConfig,
) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(local) = local {
        socket.bind(in_zone_of(local, remote))?;
    }
    let stream = socket.connect(remote).await?;
    prepare(&stream, remote, config)?;
    Ok(stream)
}

/// A link-local address of ours is in the zone of the other side (RFC 4007 §6).
fn in_zone_of(local: IpAddr, remote: SocketAddr) -> SocketAddr {
    match (local, remote) {
        (IpAddr::V6(ip), SocketAddr::V6(remote)) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, 0, 0, remote.scope_id()).into()
        }
        _ => SocketAddr::new(local, 0),
    }
}

/// Sets what every connection has: messages go out at once, and are marked. The address is either of both ends.
pub(super) fn prepare(stream: &TcpStream, address: SocketAddr, config: &SocketConfig) -> io::Result<()> {
    stream.set_nodelay(true)?;
    config.dscp.map_or(Ok(()), |dscp| dscp.mark(&SockRef::from(stream), address))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::io::Dscp;

    #[tokio::test]
    async fn a_connection_is_marked_and_waits_for_nothing() {
        let config = SocketConfig { dscp: Some(Dscp::CS5), ..SocketConfig::default() };
        for ip in ["127.0.0.1", "::1"] {
            let ip: IpAddr = ip.parse().expect("test address");
            let listener = TcpListener::bind((ip, 0)).await.expect("loopback is there");
            let remote = listener.local_addr().expect("bound");
            let stream = dial(remote, Some(ip), &config).await.expect("it listens");
            assert_eq!(stream.local_addr().expect("connected").ip(), ip);
            assert!(stream.nodelay().expect("connected"));
            let socket = SockRef::from(&stream);
            let mark = if ip.is_ipv4() { socket.tos_v4() } else { socket.tclass_v6() };
            assert_eq!(mark.expect("connected"), 40 << 2);
        }
    }

    #[test]
    fn a_link_local_address_of_ours_takes_the_zone_of_the_other_side() {
        let remote = "[fe80::2%7]:5060".parse().expect("test address");
        let local = in_zone_of("fe80::1".parse().expect("test address"), remote);
        assert_eq!(local, "[fe80::1%7]:0".parse().expect("test address"));
        let global = in_zone_of("2001:db8::1".parse().expect("test address"), remote);
        assert_eq!(global, "[2001:db8::1]:0".parse().expect("test address"));
    }
}
