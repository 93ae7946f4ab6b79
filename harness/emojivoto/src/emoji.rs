//! The emoji role: [`EmojiCatalog`] lists the emoji and finds one by its shortcode.

use tonic::{Code, Request, Response, Status};

use crate::catalog;
use crate::metrics::GrpcCalls;
use crate::wire::emoji::emoji_service_server::{EmojiService, SERVICE_NAME};
use crate::wire::emoji::{
    Emoji, FindByShortcodeRequest, FindByShortcodeResponse, ListAllEmojiRequest, ListAllEmojiResponse,
};

/// `emojivoto.v1.EmojiService` over the built-in catalogue.
#[derive(Debug)]
pub struct EmojiCatalog {
    calls: GrpcCalls,
}

impl EmojiCatalog {
    pub(crate) fn new(calls: GrpcCalls) -> Self {
        Self { calls }
    }
}

#[tonic::async_trait]
impl EmojiService for EmojiCatalog {
    async fn list_all(
        &self,
        _request: Request<ListAllEmojiRequest>,
    ) -> Result<Response<ListAllEmojiResponse>, Status> {
        let list = catalog::listed().iter().map(Emoji::from).collect();
        self.calls.count(SERVICE_NAME, "ListAll", Code::Ok);
        Ok(Response::new(ListAllEmojiResponse { list }))
    }

    async fn find_by_shortcode(
        &self,
        request: Request<FindByShortcodeRequest>,
    ) -> Result<Response<FindByShortcodeResponse>, Status> {
        let found = catalog::find(&request.get_ref().shortcode);
        let emoji = found.map(|position| Emoji::from(position.emoji()));
        self.calls.count(SERVICE_NAME, "FindByShortcode", Code::Ok);
        Ok(Response::new(FindByShortcodeResponse { emoji }))
    }
}

impl From<&catalog::Emoji> for Emoji {
    fn from(emoji: &catalog::Emoji) -> Self {
        Self { unicode: emoji.unicode.to_owned(), shortcode: emoji.shortcode.to_owned() }
    }
}
