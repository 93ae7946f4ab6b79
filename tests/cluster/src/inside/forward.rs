//! The only way into a cluster: connections to a listener on the machine's loopback, carried to the API server.

use std::convert::Infallible;
use std::net::TcpListener;
use std::os::fd::AsFd;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::components::note;
use crate::api;
use crate::error::{Error, Result};

/// Carries connections to the listener on standard input, for ever.
pub(super) fn run(to: &str) -> Result<Infallible> {
    let failed = || Error::file("listen on", "standard input");
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().map_err(failed())?;
    let listener = TcpListener::from(descriptor);
    listener.set_nonblocking(true).map_err(failed())?;
    api::block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed())?;
        loop {
            let (mut outside, _) = listener.accept().await.map_err(failed())?;
            let to = to.to_owned();
            tokio::spawn(async move {
                let carried = async {
                    let mut inside = TcpStream::connect(&to).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                };
                // Told to the log alone: the client sees its connection end, and asks again.
                if let Err(error) = carried.await {
                    note(&format!("a connection to {to} ended: {error}"));
                }
            });
        }
    })
}
