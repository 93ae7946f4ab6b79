//! An image as one archive: an OCI layout that is at the same time what `docker save` writes.
//!
//! Formats: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>, and `manifest.json` of
//! <https://github.com/moby/docker-image-spec>. The same content gives the same bytes, so an image's digest says whether
//! anything changed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::error::{Error, Result};

const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// What an image is made of: one layer and how to start it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name with a tag, as pods refer to it.
    pub name: String,
    /// Who runs in it, as `user:group`.
    pub user: String,
    /// The program started when a pod names none.
    pub entrypoint: Vec<String>,
    /// Variables of its environment, as `NAME=value`.
    pub environment: Vec<String>,
    /// Its files.
    pub entries: Vec<Entry>,
}

/// A file, folder or link of an image.
#[derive(Debug, Clone)]
pub struct Entry {
    path: PathBuf,
    mode: u32,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Folder,
    Text(String),
    Copy(PathBuf),
    Link(PathBuf),
}

impl Entry {
    /// A copy of a file of this machine.
    pub fn file(path: impl Into<PathBuf>, from: impl Into<PathBuf>, mode: u32) -> Self {
        Self { path: path.into(), mode, content: Content::Copy(from.into()) }
    }

    /// A file with this text.
    pub fn text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o644, content: Content::Text(text.into()) }
    }

    /// A folder; those above files need no entry.
    pub fn folder(path: impl Into<PathBuf>, mode: u32) -> Self {
        Self { path: path.into(), mode, content: Content::Folder }
    }

    /// Another name of what is at `target`, as seen from the link's own folder.
    pub fn link(path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: 0o777, content: Content::Link(target.into()) }
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        match &self.content {
            Content::Folder | Content::Link(_) => Ok(Vec::new()),
            Content::Text(text) => Ok(text.clone().into_bytes()),
            Content::Copy(from) => fs::read(from).map_err(Error::file("read", from)),
        }
    }
}

impl Image {
    /// An image without files.
    #[must_use]
    pub fn new(name: &str, user: &str) -> Self {
        Self {
            name: name.to_owned(),
            user: user.to_owned(),
            entrypoint: Vec::new(),
            environment: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Writes the archive, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let layer = self.layer(path)?;
        let config = self.config(&digest(&layer)).to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": descriptor(CONFIG_TYPE, &config),
            "layers": [descriptor(LAYER_TYPE, &layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let files = [
            ("oci-layout".to_owned(), json!({"imageLayoutVersion": "1.0.0"}).to_string().into_bytes()),
            ("index.json".to_owned(), self.index(&manifest).to_string().into_bytes()),
            ("manifest.json".to_owned(), self.docker_manifest(&config, &layer).to_string().into_bytes()),
            (blob(&config), config),
            (blob(&manifest), manifest),
            (blob(&layer), layer),
        ];
        let partial = path.with_extension("partial");
        let failed = || Error::file("write", &partial);
        let mut archive = Builder::new(File::create(&partial).map_err(failed())?);
        for (name, content) in &files {
            append(&mut archive, Path::new(name), EntryType::Regular, 0o644, content).map_err(failed())?;
        }
        archive.into_inner().and_then(|mut file| file.flush()).map_err(failed())?;
        fs::rename(&partial, path).map_err(Error::file("write", path))
    }

    fn layer(&self, path: &Path) -> Result<Vec<u8>> {
        let mut layer = Builder::new(Vec::new());
        for entry in &self.entries {
            let (path_inside, mode) = (&entry.path, entry.mode);
            let appended = match &entry.content {
                Content::Link(target) => append_link(&mut layer, path_inside, mode, target),
                Content::Folder => append(&mut layer, path_inside, EntryType::Directory, mode, &[]),
                Content::Text(_) | Content::Copy(_) => {
                    append(&mut layer, path_inside, EntryType::Regular, mode, &entry.bytes()?)
                }
            };
            appended.map_err(Error::file("pack a layer for", path))?;
        }
        layer.into_inner().map_err(Error::file("pack a layer for", path))
    }

    fn config(&self, layer_digest: &str) -> Value {
        json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            "config": {"User": self.user, "Env": self.environment, "Entrypoint": self.entrypoint, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "history": [{"created_by": "meshbench"}],
        })
    }

    fn index(&self, manifest: &[u8]) -> Value {
        let mut entry = descriptor(MANIFEST_TYPE, manifest);
        entry["annotations"] = json!({
            "io.containerd.image.name": self.name,
            "org.opencontainers.image.ref.name": self.name.rsplit(':').next(),
        });
        json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})
    }

    fn docker_manifest(&self, config: &[u8], layer: &[u8]) -> Value {
        json!([{"Config": blob(config), "RepoTags": [self.name], "Layers": [blob(layer)]}])
    }
}

fn append(
    archive: &mut Builder<impl Write>,
    path: &Path,
    kind: EntryType,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    archive.append_data(&mut header(kind, mode, content.len()), in_archive(path), content)
}

fn append_link(archive: &mut Builder<impl Write>, path: &Path, mode: u32, target: &Path) -> io::Result<()> {
    archive.append_link(&mut header(EntryType::Symlink, mode, 0), in_archive(path), target)
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    // Neither the builder's clock nor its users belong into an image.
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn in_archive(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn descriptor(kind: &str, content: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(content), "size": content.len()})
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(content))
}

fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", hexadecimal(content))
}

fn hexadecimal(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn written(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut image = Image::new("localhost/example:1", "1:1");
        image.entries.push(Entry::folder("tmp", 0o1777));
        image.entries.push(Entry::text("/etc/passwd", "root:x:0:0::/:\n"));
        image.entries.push(Entry::link("/etc/users", "passwd"));
        let path = folder.join("example.tar");
        image.write(&path).unwrap();
        let mut archive = tar::Archive::new(File::open(path).unwrap());
        let read = |entry: io::Result<tar::Entry<'_, File>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn both_manifests_name_blobs_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let files = written(folder.path());
        let docker: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        let layer = docker[0]["Layers"][0].as_str().unwrap();
        let config: Value = serde_json::from_slice(&files[docker[0]["Config"].as_str().unwrap()]).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&files[layer]));

        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let named = index["manifests"][0]["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
        let manifest: Value = serde_json::from_slice(&files[&named]).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], digest(&files[layer]));
    }

    #[test]
    fn folders_files_and_links_keep_their_kind() {
        let folder = tempfile::tempdir().unwrap();
        let files = written(folder.path());
        let docker: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        let mut layer = tar::Archive::new(files[docker[0]["Layers"][0].as_str().unwrap()].as_slice());
        let listed: Vec<_> = layer.entries().unwrap().map(|entry| described(&entry.unwrap())).collect();
        assert_eq!(listed, ["tmp 1777", "etc/passwd 644", "etc/users -> passwd"]);
    }

    fn described(entry: &tar::Entry<'_, &[u8]>) -> String {
        let path = entry.path().unwrap().display().to_string();
        match entry.link_name().unwrap() {
            Some(target) => format!("{path} -> {}", target.display()),
            None => format!("{path} {:o}", entry.header().mode().unwrap()),
        }
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(written(one.path()), written(other.path()));
        assert_eq!(fs::read_dir(one.path()).unwrap().count(), 1);
    }
}
