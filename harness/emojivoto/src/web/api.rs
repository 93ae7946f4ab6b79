//! The JSON API: which gRPC calls each path makes, in which order, and what it answers.

use hyper::StatusCode;
use serde::Serialize;
use tonic::Status;

use super::{ApiError, Web};
use crate::catalog;
use crate::reply::{self, Reply};
use crate::wire::emoji::{Emoji, FindByShortcodeRequest, ListAllEmojiRequest};

/// An element of `/api/list`; fields are in alphabetical order, as upstream's.
#[derive(Serialize)]
struct ListedEmoji {
    shortcode: String,
    unicode: String,
}

/// An element of `/api/leaderboard`; fields are in alphabetical order, and votes are text, as upstream's.
#[derive(Serialize)]
struct Standing {
    shortcode: String,
    unicode: String,
    votes: String,
}

impl Web {
    /// `/api/list`: one call.
    pub(super) async fn list(&self) -> Result<Reply, ApiError> {
        let answer = self.emoji.clone().list_all(ListAllEmojiRequest {}).await?.into_inner();
        let list: Vec<_> = answer
            .list
            .into_iter()
            .map(|Emoji { unicode, shortcode }| ListedEmoji { shortcode, unicode })
            .collect();
        Ok(reply::json(StatusCode::OK, &list))
    }

    /// `/api/vote?choice=…`: two calls, and an empty reply.
    pub(super) async fn vote(&self, query: &str) -> Result<Reply, ApiError> {
        let choice = choice(query).ok_or(ApiError::NoChoice)?;
        if self.find(choice.clone()).await?.is_none() {
            return Err(ApiError::UnknownChoice(choice));
        }
        // An emoji that only another emoji service has is not voted for, and that is no error.
        if let Some(position) = catalog::find(&choice) {
            self.voting.vote(position.emoji()).await?;
        }
        Ok(reply::empty())
    }

    /// `/api/leaderboard`: one call, and one after the other another for each emoji that has votes.
    pub(super) async fn leaderboard(&self) -> Result<Reply, ApiError> {
        let results = self.voting.results().await?;
        let mut standings = Vec::with_capacity(results.len());
        for result in results {
            let Some(emoji) = self.find(result.shortcode.clone()).await? else {
                return Err(ApiError::UnknownResult(result.shortcode));
            };
            let Emoji { shortcode, unicode } = emoji;
            standings.push(Standing { shortcode, unicode, votes: result.votes.to_string() });
        }
        Ok(reply::json(StatusCode::OK, &standings))
    }

    async fn find(&self, shortcode: String) -> Result<Option<Emoji>, Status> {
        let answer = self.emoji.clone().find_by_shortcode(FindByShortcodeRequest { shortcode }).await?;
        Ok(answer.into_inner().emoji)
    }
}

/// The first `choice` of a query, unless it is empty.
fn choice(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "choice")
        .map(|(_, choice)| choice.into_owned())
        .filter(|choice| !choice.is_empty())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::choice;

    #[rstest]
    #[case::plain("choice=:joy:", Some(":joy:"))]
    #[case::escaped("choice=%3Ajoy%3A", Some(":joy:"))]
    #[case::among_others("a=b&choice=:100:&c", Some(":100:"))]
    #[case::first_wins("choice=:joy:&choice=:100:", Some(":joy:"))]
    #[case::first_is_empty("choice=&choice=:joy:", None)]
    #[case::none("", None)]
    #[case::no_value("choice", None)]
    #[case::another_name("choices=:joy:", None)]
    fn the_choice_is_read_from_the_query(#[case] query: &str, #[case] expected: Option<&str>) {
        assert_eq!(choice(query).as_deref(), expected);
    }
}
