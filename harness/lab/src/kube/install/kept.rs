//! What is kept of a rendered step among the results, which people hand on: everything but what Secrets hold.

use std::io;
use std::path::Path;

use meshbench_core::digest::digest;
use meshbench_core::yaml;
use serde_json::Value;

use super::render::RenderedStep;

/// How much of a digest is written: `sha256:` and 16 hexadecimal digits.
const DIGEST_LENGTH: usize = 23;
/// Where `kubectl apply` writes a whole object once more.
const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
/// Instead of what cannot be read, and so may hold anything.
const UNREADABLE: &str = "# left out: no YAML that can be searched for Secrets\n";

/// Keeps the manifests of a step as a file in the folder `configuration`, which is made.
///
/// # Errors
/// The file system's.
pub(super) fn keep(step: &RenderedStep, number: usize, configuration: &Path) -> io::Result<()> {
    std::fs::create_dir_all(configuration)?;
    let text = without_secrets(&step.text);
    std::fs::write(configuration.join(format!("{number:02}-{}.yaml", step.name)), text)
}

/// The text with a digest in place of each value of a Secret. Documents without a Secret stay as they are; one that is or
/// has any is written as JSON, which is YAML too.
fn without_secrets(text: &str) -> String {
    let begins = |line: &str| {
        let rest = line.strip_prefix("---");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
    };
    let (mut kept, mut document) = (String::new(), String::new());
    for line in text.split_inclusive('\n') {
        if begins(line) {
            kept.push_str(&document_without_secrets(&document));
            document.clear();
        }
        document.push_str(line);
    }
    kept + &document_without_secrets(&document)
}

fn document_without_secrets(text: &str) -> String {
    let Ok(mut objects) = yaml::documents("", text) else { return UNREADABLE.to_owned() };
    if objects.iter_mut().map(empty_secrets).sum::<usize>() == 0 {
        return text.to_owned();
    }
    objects.iter().map(|object| format!("---\n{object:#}\n")).collect()
}

/// Puts a digest in place of each value of a Secret. How many there were, those in a list included.
pub(in crate::kube) fn empty_secrets(object: &mut Value) -> usize {
    let items = object.get_mut("items").and_then(Value::as_array_mut);
    let in_items = items.into_iter().flatten().map(empty_secrets).sum();
    if object["kind"] != "Secret" {
        return in_items;
    }
    for place in ["/data", "/stringData", LAST_APPLIED] {
        match object.pointer_mut(place) {
            Some(Value::Object(values)) => values.values_mut().for_each(digested),
            Some(value) => digested(value),
            None => {}
        }
    }
    in_items + 1
}

/// Tells whether it is the same in another file, and nothing else.
fn digested(value: &mut Value) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digest: String = digest(text.as_bytes()).chars().take(DIGEST_LENGTH).collect();
    *value = format!("{digest}, {} bytes", text.len()).into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::install::manifest::objects_in;
    use insta::assert_snapshot;
    use rstest::rstest;

    #[test]
    fn a_secret_is_kept_as_digests_and_the_rest_as_it_was() {
        let text = "\
# Source: identity.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: roots}, data: {ca: public}}
---
apiVersion: v1
kind: Secret
metadata: {name: issuer}
data:
  tls.key: c2VjcmV0
stringData: {password: abc}
--- # the last
{apiVersion: v1, kind: ServiceAccount, metadata: {name: control}}
";
        assert_snapshot!(without_secrets(text), @r#"
        # Source: identity.yaml
        {apiVersion: v1, kind: ConfigMap, metadata: {name: roots}, data: {ca: public}}
        ---
        {
          "apiVersion": "v1",
          "data": {
            "tls.key": "sha256:1c1185e02ff3e23b, 8 bytes"
          },
          "kind": "Secret",
          "metadata": {
            "name": "issuer"
          },
          "stringData": {
            "password": "sha256:ba7816bf8f01cfea, 3 bytes"
          }
        }
        --- # the last
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: control}}
        "#);
    }

    #[rstest]
    #[case::in_a_list("{kind: List, items: [{kind: Secret, data: {key: hidden}}]}")]
    #[case::applied_by_hand(
        "{kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: hidden}}}"
    )]
    #[case::in_quotes("{\"kind\": \"Secret\", \"stringData\": {\"key\": \"hidden\"}}")]
    #[case::twice("kind: Secret\ndata: {key: hidden}\ndata: {key: other}")]
    #[case::of_another_shape("{kind: Secret, data: [hidden]}")]
    #[case::unreadable("kind: Secret\ndata: {key: hidden")]
    fn nothing_of_a_secret_is_kept_however_it_is_written(#[case] text: &str) {
        let kept = without_secrets(text);
        assert!(!kept.contains("hidden"), "{kept}");
    }

    #[test]
    fn what_is_applied_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{apiVersion: v1, kind: Secret, metadata: {name: issuer}, data: {tls.key: c2VjcmV0}}\n"
            .to_owned();
        let objects = objects_in("m", &text, None).unwrap();
        let step = RenderedStep { name: "certificates".to_owned(), text, objects };
        keep(&step, 1, folder.path()).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("01-certificates.yaml")).unwrap();
        assert!(!kept.contains("c2VjcmV0"), "{kept}");
        assert_eq!(step.objects[0].data["data"]["tls.key"], "c2VjcmV0");
    }
}
