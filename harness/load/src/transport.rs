//! The bytes below a protocol: [`Transport`], a socket that is never waited for, with TLS on it or without.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use rustls::ClientConnection;

use crate::socket::Socket;
use crate::tls::{self, TlsClient};

/// Where a target is, and how it is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsClient>,
}

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Starts to connect without waiting for it.
    pub(crate) fn connect(destination: &Destination) -> io::Result<Self> {
        let Destination { address, tls } = destination;
        let tls = tls.as_ref().map(TlsClient::connection).transpose()?.map(Box::new);
        Ok(Self { socket: Socket::connect(address)?, tls })
    }

    /// Whether all handshakes are through: an error where one failed, `false` while they go on.
    pub(crate) fn shake_hands(&mut self, destination: &Destination) -> io::Result<bool> {
        if let Some(error) = self.socket.stream().take_error()? {
            return Err(error);
        }
        match self.socket.stream().peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            self.flush()?;
            match self.receive_tls() {
                Ok(0) => {
                    return Err(tls::failure("the server ended the connection during the TLS handshake"));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        if let (Some(connection), Some(client)) = (&self.tls, &destination.tls) {
            client.check_agreement(connection)?;
        }
        self.flush()?;
        Ok(true)
    }

    /// What is below TLS.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Reads what is there; 0 at the end of the stream, [`io::ErrorKind::WouldBlock`] where nothing is.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else {
                return retried(|| self.socket.read(buffer));
            };
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.receive_tls()?,
                read => return read,
            };
        }
    }

    /// Writes as much of `bytes` as is taken now: how much, or [`io::ErrorKind::WouldBlock`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return retried(|| self.socket.write(bytes));
        };
        let taken = tls.writer().write(bytes)?;
        self.flush()?;
        // TLS keeps only so much that the socket has not taken.
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    /// Writes what TLS has kept, as much of it as the socket takes now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            match retried(|| tls.write_tls(&mut self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether TLS has kept something that the socket has not taken.
    pub(crate) fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Whether a read that did not fill its buffer took everything that was there.
    pub(crate) fn short_reads_drain(&self) -> bool {
        // TLS hands out what it has deciphered, record by record.
        self.tls.is_none()
    }

    fn receive_tls(&mut self) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return Ok(0) };
        let received = retried(|| tls.read_tls(&mut self.socket))?;
        if let Err(error) = tls.process_new_packets() {
            // The alert that says why; the peer may be gone already.
            let _ = self.flush();
            return Err(io::Error::other(error));
        }
        Ok(received)
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
