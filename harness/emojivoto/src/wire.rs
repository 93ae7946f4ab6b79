//! What `build.rs` made of the contracts under `proto/`.

#![allow(unreachable_pub, reason = "generated code is public whether or not its module is")]
#![allow(clippy::pedantic, clippy::doc_markdown, clippy::must_use_candidate, reason = "generated code")]

/// `proto/Emoji.proto`: messages, client and server.
pub(crate) mod emoji {
    include!(concat!(env!("OUT_DIR"), "/emoji/emojivoto.v1.rs"));
}

/// `proto/Voting.proto`: messages only; [`crate::catalog`] names the methods.
pub(crate) mod voting {
    include!(concat!(env!("OUT_DIR"), "/voting/emojivoto.v1.rs"));

    /// The service's full name, as in request paths and health checks.
    pub(crate) const SERVICE: &str = "emojivoto.v1.VotingService";
}
