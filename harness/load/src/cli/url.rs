//! URLs as given on the command line become targets: [`targets`].

use meshbench_core::load_plan::{PlannedRequest, Target, TlsSettings};

const DEFAULT_PORT: u16 = 80;
const DEFAULT_TLS_PORT: u16 = 443;

/// Why a text is no URL that can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error(
        "`{url}` asks for TLS, and nothing says whom to trust: give --cacert with the CA that signed the server's certificate"
    )]
    NoAuthority { url: String },
    #[error("`{url}` has the scheme `{scheme}`: expected a URL such as http://127.0.0.1:8080/path")]
    Scheme { url: String, scheme: String },
    #[error("`{url}` has no scheme: did you mean http://{url}?")]
    NoScheme { url: String },
    #[error("`{url}` names no host: expected a URL such as http://127.0.0.1:8080/path")]
    NoHost { url: String },
    // The URL is not repeated, for it holds a password.
    #[error(
        "a URL holds a user before its host `{host}`: leave it out, and give --header \"Authorization: Basic …\" instead"
    )]
    User { host: String },
}

/// The targets that `urls` name: one a server, with its paths weighted by how often they were given. `tls` is for those that
/// ask for it.
pub(crate) fn targets(urls: &[String], tls: Option<&TlsSettings>) -> Result<Vec<Target>, UrlError> {
    let mut targets: Vec<Target> = Vec::new();
    for url in urls {
        let (over_tls, address, path) = split(url)?;
        if over_tls && tls.is_none() {
            return Err(UrlError::NoAuthority { url: url.clone() });
        }
        let known =
            targets.iter().position(|target| target.address == address && target.tls.is_some() == over_tls);
        let index = known.unwrap_or(targets.len());
        if known.is_none() {
            targets.push(Target {
                name: address.clone(),
                address,
                tls: tls.filter(|_| over_tls).cloned(),
                requests: Vec::new(),
            });
        }
        let requests = &mut targets[index].requests;
        match requests.iter_mut().find(|request| request.path == path) {
            Some(request) => request.weight += 1,
            None => requests.push(PlannedRequest::get(path, 1)),
        }
    }
    Ok(targets)
}

/// Whether a URL asks for TLS, its `host:port` and its path.
fn split(url: &str) -> Result<(bool, String, String), UrlError> {
    let url = || url.to_owned();
    if url().is_empty() {
        return Err(UrlError::NoHost { url: url() });
    }
    let (scheme, rest) = url_parts(&url()).ok_or_else(|| UrlError::NoScheme { url: url() })?;
    let (over_tls, default_port) = match scheme.as_str() {
        "http" => (false, DEFAULT_PORT),
        "https" => (true, DEFAULT_TLS_PORT),
        _ => return Err(UrlError::Scheme { url: url(), scheme }),
    };
    // A fragment is for browsers and never sent.
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if let Some((_, host)) = authority.rsplit_once('@') {
        return Err(UrlError::User { host: host.to_owned() });
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(UrlError::NoHost { url: url() });
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{default_port}") };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((over_tls, address, path))
}

fn url_parts(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme.to_ascii_lowercase(), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://localhost", "localhost:80", "/")]
    #[case("https://localhost", "localhost:443", "/")]
    #[case("HTTP://localhost:8080/a?b=c#d", "localhost:8080", "/a?b=c")]
    #[case("http://10.0.0.1?x", "10.0.0.1:80", "/?x")]
    #[case("http://[::1]", "[::1]:80", "/")]
    #[case("http://[::1]:81/", "[::1]:81", "/")]
    fn a_url_is_an_address_and_a_path(#[case] url: &str, #[case] address: &str, #[case] path: &str) {
        let over_tls = url.starts_with("https");
        assert_eq!(split(url), Ok((over_tls, address.to_owned(), path.to_owned())));
    }

    #[test]
    fn urls_of_one_server_share_its_connections() {
        let urls = ["http://a:1/x", "http://b:1/", "http://a:1/y", "http://a:1/x"].map(str::to_owned);
        let targets = targets(&urls, None).unwrap();
        let shown: Vec<_> = targets
            .iter()
            .flat_map(|target| {
                target.requests.iter().map(|r| format!("{}{} ×{}", target.name, r.path, r.weight))
            })
            .collect();
        assert_eq!(shown, ["a:1/x ×2", "a:1/y ×1", "b:1/ ×1"]);
    }
}
