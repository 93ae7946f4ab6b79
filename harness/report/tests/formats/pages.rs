//! Markdown where GitHub takes only so much, and where others chose the words.

use meshbench_report::markdown::{self, COMMENT_BYTES, STEP_SUMMARY_BYTES};

use crate::published::every_report;
use crate::{extremes, fabricated};

#[test]
fn a_large_matrix_fits_a_comment_and_says_what_is_elsewhere() {
    let report = extremes::large_matrix();
    let whole = markdown::render(&report);
    assert!(whole.len() > COMMENT_BYTES, "{} bytes show nothing", whole.len());
    let comment = markdown::render_within(&report, COMMENT_BYTES);
    assert!(comment.len() <= COMMENT_BYTES, "{} bytes", comment.len());
    let notice = comment.lines().find(|line| line.starts_with("> **Left out**")).unwrap();
    assert!(notice.contains("notes of ") && !notice.contains("verdicts"), "{notice}");
    assert!(notice.contains(&report.campaign) && notice.contains("`report.json`"), "{notice}");
    assert!(comment.contains("the one breach of the whole matrix"));
    let tables = comment.lines().filter(|line| line.starts_with("| mesh | verdict |")).count();
    assert_eq!(tables, 11, "a rate is missing");
}

#[test]
fn a_large_matrix_is_whole_in_a_step_summary() {
    let report = extremes::large_matrix();
    assert_eq!(markdown::render_within(&report, STEP_SUMMARY_BYTES), markdown::render(&report));
}

#[test]
fn a_matrix_that_failed_in_many_words_says_how_each_case_did() {
    let report = extremes::wordy_matrix();
    let page = markdown::render_within(&report, COMMENT_BYTES);
    assert!(page.len() <= COMMENT_BYTES, "{} bytes", page.len());
    assert!(
        page.starts_with("## meshbench: 0 passed, 0 failed, 0 invalid, 132 errors, 11 ignored\n"),
        "{page}"
    );
    assert!(page.contains("the ends of what is said of 11 block groups"), "{page}");
    let told = page.lines().filter(|line| line.starts_with("- **ERROR ") && line.ends_with('…')).count();
    assert_eq!(told, 132);
}

#[test]
fn where_there_is_hardly_room_the_outcome_stays() {
    let page = markdown::render_within(&extremes::wordy_matrix(), 4_096);
    assert!(page.len() <= 4_096, "{} bytes", page.len());
    assert!(
        page.starts_with("## meshbench: 0 passed, 0 failed, 0 invalid, 132 errors, 11 ignored\n"),
        "{page}"
    );
    assert!(page.contains("why verdicts are what they are of "), "{page}");
}

#[test]
fn no_report_is_longer_than_asked_where_title_and_warnings_fit() {
    for (name, report) in every_report() {
        for most_bytes in (1_500..20_000).step_by(1_171) {
            let page = markdown::render_within(&report, most_bytes);
            assert!(page.len() <= most_bytes, "{name}: {} bytes where {most_bytes} are taken", page.len());
        }
    }
}

#[test]
fn words_of_others_neither_shape_the_page_nor_mention_anybody() {
    let mut report = fabricated::hostile();
    let words = extremes::HOSTILE_MARKDOWN;
    report.cases.push(fabricated::failed_to_run("quick::500rps::10s", words, &[words]));
    report.ignored.push(fabricated::ignored(words, words, words));
    report.environment.cpu_model = words.to_owned();
    let page = markdown::render(&report);
    for shape in ["@somebody", "__init__", "~~gone~~", "\u{202e}", "<script", "**bold**"] {
        assert!(!page.contains(shape), "{shape:?} is in the page");
    }
    assert!(page.contains("🚀") && page.contains("مرحبا"), "{page}");
    assert!(page.lines().all(|line| !line.starts_with("1. ") && !line.starts_with("# ")), "{page}");
}
