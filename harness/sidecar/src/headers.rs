//! Headers that belong to one hop and must not travel further (RFC 9110 §7.6.1).

use hyper::body::Body;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Request, Response, Version};

use crate::config::Protocol;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Makes a received request one that may be sent on.
pub(crate) fn prepare_request<B: Body>(request: &mut Request<B>, protocol: Protocol) {
    // HTTP/2 forbids these headers and hyper refuses them; its one exception, `te: trailers`, is gRPC's.
    if protocol == Protocol::Http2 {
        return;
    }
    *request.version_mut() = Version::HTTP_11;
    remove_hop_by_hop(request.headers_mut());
    // For GET, hyper takes a body of unknown length for none unless told otherwise.
    if !request.body().is_end_stream() && !request.headers().contains_key(CONTENT_LENGTH) {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Makes a received response one that may be sent back.
pub(crate) fn prepare_response<B>(response: &mut Response<B>, protocol: Protocol) {
    if protocol == Protocol::Http1 {
        *response.version_mut() = Version::HTTP_11;
        remove_hop_by_hop(response.headers_mut());
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in names_in_connection(headers) {
        headers.remove(name);
    }
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, UPGRADE] {
        headers.remove(name);
    }
    // A length beside chunks would let two readers disagree on where the message ends (RFC 9112 §6.3).
    if headers.remove(TRANSFER_ENCODING).is_some() {
        headers.remove(CONTENT_LENGTH);
    }
}

/// Headers that the sender itself declares to be for this hop only.
fn names_in_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let listed = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let names = listed.flat_map(|value| value.split(','));
    names.filter_map(|name| name.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[rstest]
    #[case::end_to_end_headers_stay(&[("host", "web"), ("trailer", "x")], &[("host", "web"), ("trailer", "x")])]
    #[case::fixed_names_go(&[("keep-alive", "1"), ("te", "gzip"), ("upgrade", "h2c"), ("proxy-connection", "1")], &[])]
    #[case::listed_names_go(&[("connection", "x-one , x-two"), ("x-one", "1"), ("x-two", "2"), ("x-three", "3")], &[("x-three", "3")])]
    #[case::chunks_win_over_a_length(&[("transfer-encoding", "chunked"), ("content-length", "3")], &[])]
    fn only_this_hops_headers_are_removed(
        #[case] received: &[(&'static str, &'static str)],
        #[case] sent: &[(&'static str, &'static str)],
    ) {
        let mut map = headers(received);
        remove_hop_by_hop(&mut map);
        assert_eq!(map, headers(sent));
    }
}
