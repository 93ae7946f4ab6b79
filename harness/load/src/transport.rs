//! The bytes below a protocol: [`Transport`], a socket that is never waited for.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

/// A TCP connection to one server.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: TcpStream,
}

impl Transport {
    /// Starts a handshake without waiting for it.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = TcpStream::from(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?);
        socket.set_nodelay(true)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self { socket }),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the handshake is through: an error where it failed, `false` while it goes on.
    pub(crate) fn shake_hands(&mut self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What epoll watches.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the peer has said something, or ended the stream, that was not read yet.
    pub(crate) fn has_news(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        !matches!(rustix::net::recv(&self.socket, &mut [0_u8; 1][..], flags), Err(Errno::AGAIN))
    }

    /// Reads what is there; 0 at the end of the stream, [`io::ErrorKind::WouldBlock`] where nothing is.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        retried(|| self.socket.read(buffer))
    }

    /// Writes as much of `bytes` as is taken now: how much, or [`io::ErrorKind::WouldBlock`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        retried(|| self.socket.write(bytes))
    }

    /// Whether a read that did not fill its buffer took everything that was there.
    pub(crate) fn short_reads_drain(&self) -> bool {
        true
    }
}

fn retried(mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
