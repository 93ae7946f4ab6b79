//! HTTP/1.1 on one connection: [`Http1`], one request at a time.

use std::io;

use meshbench_core::load_plan::{LoadPlanSettings, Target};
use meshbench_core::recording::ErrorKind;

use super::request::Request;
use super::response::{Fed, Response, ResponseReader};
use crate::clock::MonotonicNs;
use crate::tally::Outcome;
use crate::transport::Transport;
use crate::worker::{End, Ended, Exchange, Health, Session};

/// The request that is under way, if any, and the response to it as far as it came.
#[derive(Debug)]
pub(crate) struct Http1 {
    exchange: Option<Exchange>,
    /// How much of the request the socket has taken.
    written: usize,
    reader: ResponseReader,
}

impl Http1 {
    fn answered(&mut self, response: Response, ended: &mut Ended) {
        if let Some(exchange) = self.exchange.take() {
            ended.push((exchange, End::Answered(Outcome::of_status(response.status))));
        }
    }
}

impl Session for Http1 {
    type Request = Request;

    const ANSWERS_BY_TURN: bool = true;
    const ALPN: &'static [u8] = b"http/1.1";
    const ALPN_MUST_AGREE: bool = false;

    fn render(target: &Target, _: &LoadPlanSettings) -> Vec<Request> {
        target.requests.iter().map(|request| Request::new(&target.address, request)).collect()
    }

    fn new(_: &LoadPlanSettings) -> Self {
        Self { exchange: None, written: 0, reader: ResponseReader::new() }
    }

    fn begin(&mut self) {
        self.reader.reset();
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        self.exchange.is_none()
    }

    fn send(&mut self, exchange: Exchange, requests: &[Request]) {
        self.reader.expect(requests[exchange.request as usize].response_has_body);
        (self.exchange, self.written) = (Some(exchange), 0);
    }

    fn flush(&mut self, requests: &[Request], transport: &mut Transport) -> io::Result<()> {
        let Some(exchange) = self.exchange else { return Ok(()) };
        let bytes = &requests[exchange.request as usize].bytes;
        while self.written < bytes.len() {
            match transport.write(&bytes[self.written..]) {
                Ok(taken) => self.written += taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        input: &[u8],
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<Health, ErrorKind> {
        // Nobody asked for these bytes, so that whatever they are, the next response could not be told from them.
        let exchange = self.exchange.ok_or(ErrorKind::Protocol)?;
        match self.reader.feed(input) {
            Ok(Fed::Incomplete) => Ok(Health::Open),
            Ok(Fed::Complete { leftover, response }) => {
                // Whoever answers before the request is through will not want the rest of it, or cannot be told so.
                let is_sent = self.written == requests[exchange.request as usize].bytes.len();
                self.answered(response, ended);
                // What comes behind an answer answers nothing: it counts for no request, whenever it is read.
                let may_go_on = response.keep_alive && is_sent && leftover == 0;
                Ok(if may_go_on { Health::Open } else { Health::Over })
            }
            Err(_) => Err(ErrorKind::Protocol),
        }
    }

    fn is_amid_request(&self, requests: &[Request]) -> bool {
        self.exchange.is_some_and(|exchange| self.written < requests[exchange.request as usize].bytes.len())
    }

    fn is_amid_answer(&self) -> bool {
        self.reader.is_amid_response()
    }

    fn end_of_stream(&mut self, ended: &mut Ended) {
        if let Ok(response) = self.reader.end_of_stream() {
            self.answered(response, ended);
        }
    }

    fn expire(&mut self, due: MonotonicNs, _: &[Request], ended: &mut Ended) -> Health {
        if self.exchange.is_none_or(|exchange| exchange.due > due) {
            return Health::Open;
        }
        // The answer may still come, and could not be told from the next one.
        self.fail_all(ErrorKind::Timeout, ended);
        Health::Over
    }

    fn oldest_due(&self) -> Option<MonotonicNs> {
        self.exchange.map(|exchange| exchange.due)
    }

    fn fail_all(&mut self, kind: ErrorKind, ended: &mut Ended) {
        if let Some(exchange) = self.exchange.take() {
            ended.push((exchange, End::Failed(kind)));
        }
    }
}
