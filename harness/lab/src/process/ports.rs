//! Ports chosen by the kernel and kept ours until the process that needs them listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A loopback TCP port that nobody else is given while this value lives.
///
/// The reservation is a bound socket that never listens. With `SO_REUSEADDR` on
/// both sides Linux lets a second socket bind and listen on the same port, but
/// neither `bind(0)` nor an outgoing connection is ever handed it. That closes
/// the gap between asking the kernel for a free port and a proxy taking it.
#[derive(Debug)]
pub struct ReservedPort {
    port: u16,
    _socket: Socket,
}

impl ReservedPort {
    /// Reserves a free loopback port.
    ///
    /// # Errors
    /// The kernel's, when no port or no file descriptor is left.
    pub fn new() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let port =
            socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("not an IP socket"))?.port();
        Ok(Self { port, _socket: socket })
    }

    /// The port's number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_reserved_port_can_be_listened_on_by_its_owner() {
        let reserved = ReservedPort::new().unwrap();
        // std sets SO_REUSEADDR on Unix, as every proxy does.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, reserved.number())).unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    }

    #[test]
    fn nobody_listens_on_a_port_that_is_only_reserved() {
        let reserved = ReservedPort::new().unwrap();
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, reserved.number())).is_err());
    }

    #[test]
    fn reservations_never_collide() {
        let ports: Vec<_> = (0..500).map(|_| ReservedPort::new().unwrap()).collect();
        let distinct: HashSet<_> = ports.iter().map(ReservedPort::number).collect();
        assert_eq!(distinct.len(), ports.len());
    }
}
