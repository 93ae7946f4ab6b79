//! What is sent: [`Request`], rendered once before the run.

use meshbench_core::load_plan::PlannedRequest;

/// The bytes of a request, head and body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) bytes: Box<[u8]>,
    /// Whether a response to it may have a body: not to `HEAD`.
    pub(super) response_has_body: bool,
}

impl Request {
    /// Renders `planned` for `host`, which is `host:port`.
    pub(crate) fn new(host: &str, planned: &PlannedRequest) -> Self {
        let PlannedRequest { path, method, headers, body, .. } = planned;
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let user_agent = crate::USER_AGENT;
        for (name, value) in [("Host", host), ("User-Agent", user_agent), ("Accept", "*/*")] {
            if !headers.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        for header in headers {
            head += &format!("{}: {}\r\n", header.name, header.value);
        }
        // RFC 9110 §8.6: these have a length to state even where it is zero.
        if !body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend(body);
        Self { bytes: bytes.into_boxed_slice(), response_has_body: method != "HEAD" }
    }
}

#[cfg(test)]
mod tests {
    use meshbench_core::load_plan::RequestHeader;

    use super::*;

    fn rendered(planned: &PlannedRequest) -> String {
        let request = Request::new("web:80", planned);
        String::from_utf8(request.bytes.into_vec()).unwrap().replace(crate::USER_AGENT, "[user agent]")
    }

    #[test]
    fn a_get_says_what_it_must() {
        let planned = PlannedRequest::get("/a?b".to_owned(), 1);
        let expected = "GET /a?b HTTP/1.1\r\nHost: web:80\r\nUser-Agent: [user agent]\r\nAccept: */*\r\n\r\n";
        assert_eq!(rendered(&planned), expected);
    }

    #[test]
    fn a_post_has_its_headers_length_and_body() {
        let planned = PlannedRequest {
            method: "POST".to_owned(),
            headers: vec![RequestHeader { name: "host".to_owned(), value: "shop.example".to_owned() }],
            body: b"a=b".to_vec(),
            ..PlannedRequest::get("/".to_owned(), 1)
        };
        let expected = "POST / HTTP/1.1\r\nUser-Agent: [user agent]\r\nAccept: */*\r\n\
            host: shop.example\r\nContent-Length: 3\r\n\r\na=b";
        assert_eq!(rendered(&planned), expected);
        let empty = PlannedRequest { body: Vec::new(), ..planned };
        assert!(rendered(&empty).contains("\r\nContent-Length: 0\r\n"));
    }
}
