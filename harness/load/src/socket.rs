//! A TCP socket that knows when its bytes came: [`Socket`].

use std::io::{self, IoSliceMut, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

use crate::clock::MonotonicNs;

/// A connection whose bytes the kernel stamps as they come in: how long this process takes to wake up and read them is
/// then no part of what it measures (`SO_TIMESTAMPNS`, see the kernel's `Documentation/networking/timestamping.rst`).
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// Where the kernel puts the stamp.
    control: Vec<u8>,
    arrived: Option<MonotonicNs>,
}

impl Socket {
    /// Starts to connect without waiting for it.
    pub(crate) fn connect(address: &SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = TcpStream::from(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?);
        stream.set_nodelay(true)?;
        // Where it is refused, answers are stamped when they are read.
        let _ = setsockopt(&stream, ReceiveTimestampns, &true);
        match rustix::net::connect(&stream, address) {
            Ok(()) | Err(Errno::INPROGRESS) => {
                Ok(Self { stream, control: nix::cmsg_space!(TimeSpec), arrived: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What epoll watches.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// When the last bytes that were read came in; none where the kernel did not say, as it does of no stream's end.
    pub(crate) fn arrived(&self) -> Option<MonotonicNs> {
        self.arrived
    }

    /// Whether the peer has said something, or ended the stream, that was not read yet.
    pub(crate) fn has_news(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        !matches!(rustix::net::recv(&self.stream, &mut [0_u8; 1][..], flags), Err(Errno::AGAIN))
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffers = [IoSliceMut::new(buffer)];
        let (descriptor, control) = (self.stream.as_raw_fd(), Some(self.control.as_mut_slice()));
        let message = recvmsg::<()>(descriptor, &mut buffers, control, MsgFlags::empty())?;
        self.arrived = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(stamp) => MonotonicNs::of_past_unix_time(stamp.into()),
            _ => None,
        });
        Ok(message.bytes)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    /// The two clocks are not read in the same nanosecond, least of all on a busy machine.
    const UNCERTAIN_NS: u64 = 25_000_000;

    /// What is written to `peer` now, as `socket` reads it at the instant `read_at` makes of the one it was written by: when
    /// it was written at the earliest and at the latest, and the stamp.
    fn exchange(
        peer: &mut impl Write,
        socket: &mut Socket,
        read_at: impl FnOnce(MonotonicNs) -> MonotonicNs,
    ) -> (MonotonicNs, MonotonicNs, Option<MonotonicNs>) {
        let before = MonotonicNs::now();
        peer.write_all(b"ping").unwrap();
        let after = MonotonicNs::now();
        poll(&mut [PollFd::new(socket.stream(), PollFlags::IN)], None).unwrap();
        read_at(after).wait();
        assert_eq!(socket.read(&mut [0; 8]).unwrap(), 4);
        (before, after, socket.arrived())
    }

    #[test]
    fn bytes_are_stamped_when_they_come_however_late_they_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = Socket::connect(&listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        // The kernel starts to stamp a little after it is first asked to.
        let limit = MonotonicNs::now().plus_ns(5_000_000_000);
        while exchange(&mut peer, &mut socket, |now| now).2.is_none() {
            assert!(MonotonicNs::now() < limit, "no stamp within five seconds");
        }
        let (before, after, arrived) = exchange(&mut peer, &mut socket, |now| now.plus_ns(2 * UNCERTAIN_NS));
        let (earliest, latest) = (before.minus_ns(UNCERTAIN_NS), after.plus_ns(UNCERTAIN_NS));
        assert!((earliest..=latest).contains(&arrived.unwrap()), "{before:?} {arrived:?} {after:?}");
        drop(peer);
        poll(&mut [PollFd::new(socket.stream(), PollFlags::IN)], None).unwrap();
        assert_eq!(socket.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(socket.arrived(), None, "the end of the stream has no stamp");
    }
}
